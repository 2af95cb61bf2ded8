#include <chrono>
#include <thread>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "tools/spbench/modes.hpp"
#include "tools/spbench/setup.hpp"

namespace spread::spbench {

RunResult<Outcome> run_idle(const Options& options) {
    auto meter = CpuMeter::create(options.watched);
    if (!meter) {
        return failed(meter.error());
    }
    const std::uint16_t run = make_run_id();
    std::vector<client::BufferedSession> sessions;
    for (std::size_t i = 0; i < options.clients * options.daemons.size(); ++i) {
        auto session =
            open_session(options, i % options.daemons.size(), make_user_name('i', i, run), true);
        if (!session) {
            return failed(session.error());
        }
        sessions.push_back(std::move(*session));
        if (auto joined = join_and_wait(sessions.back(), make_group_name(0, run)); !joined) {
            return failed(joined.error());
        }
    }
    std::this_thread::sleep_for(std::chrono::nanoseconds(options.warmup));
    meter->start();
    std::this_thread::sleep_for(std::chrono::nanoseconds(options.duration));
    const CpuUse cpu = meter->stop();

    Outcome outcome;
    outcome.text = fmt::format("idle: daemons {}, clients {}; {:.2f} s\n", options.daemons.size(),
                               sessions.size(), cpu.wall_seconds);
    outcome.text += cpu_text(cpu, options, {});
    outcome.json = setup_json(options);
    outcome.json["clients"] = sessions.size();
    outcome.json["seconds"] = cpu.wall_seconds;
    outcome.json["cpu"] = cpu_json(cpu, options, {});
    outcome.json["ok"] = true;
    return outcome;
}

}  // namespace spread::spbench
