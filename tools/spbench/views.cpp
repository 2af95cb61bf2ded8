#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/socket.hpp"
#include "spread/session.hpp"
#include "tools/spbench/modes.hpp"
#include "tools/spbench/setup.hpp"

namespace spread::spbench {

namespace {

/// Time of day, since whoever kills a daemon or cuts a link does so in another process.
std::int64_t time_of_day_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string_view cause_name(Cause cause) {
    switch (cause) {
        case Cause::kJoin: return "join";
        case Cause::kLeave: return "leave";
        case Cause::kDisconnect: return "disconnect";
        case Cause::kNetwork: return "network";
    }
    return "unknown";
}

/// One JSON object a line, each flushed: readers follow the output while it grows.
class EventLog {
  public:
    void add(std::size_t daemon, std::string_view event, const Json& details = Json::object()) {
        Json line;
        line["at_us"] = time_of_day_us();
        line["daemon"] = daemon;
        line["event"] = event;
        line.update(details);
        const std::string text = line.dump() + '\n';
        const std::scoped_lock lock(mutex_);
        ++count_;
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }

  private:
    std::mutex mutex_;
    std::atomic<std::uint64_t> count_{0};
};

/// One client: connects as soon as its daemon lets it, joins, and tells of every view.
void watch(const Options& options, std::size_t daemon, std::uint16_t run, EventLog& log) {
    constexpr std::chrono::milliseconds kRetryPeriod{2};
    // A daemon that has only just started may take a connection and never answer.
    constexpr std::chrono::milliseconds kAttemptMax{500};
    const auto end = client::Clock::now() + std::chrono::nanoseconds(options.duration);
    const auto left = [&] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(end - client::Clock::now());
    };

    spread::Options wanted;
    wanted.servers = {options.daemons[daemon]};
    wanted.tls = options.tls;
    std::optional<Session> session;
    std::string why;
    for (std::size_t name = daemon; !session && left().count() > 0;
         name += options.daemons.size()) {
        // Always a new name: of an attempt that timed out the daemon may still hold the old one.
        wanted.private_name = make_user_name('v', name % 10'000, run);
        wanted.connect_timeout = std::min(left(), kAttemptMax);
        if (auto connected = Session::connect(wanted)) {
            session.emplace(std::move(*connected));
        } else {
            why = connected.error().text;
            std::this_thread::sleep_for(kRetryPeriod);
        }
    }
    if (!session) {
        log.add(daemon, "no connection", Json::object({{"why", why}}));
        return;
    }
    log.add(daemon, "connected");
    if (const auto joined = session->join(make_group_name(0, run)); !joined) {
        log.add(daemon, "closed", Json::object({{"why", joined.error().text}}));
        return;
    }
    while (left().count() > 0) {
        const auto event = session->receive(left());
        if (!event) {
            return;  // out of time: an end of the connection is an event
        }
        if (const auto* closing = std::get_if<Disconnected>(&*event)) {
            log.add(daemon, "closed", Json::object({{"why", closing->error.text}}));
            return;
        }
        if (const auto* view = std::get_if<Membership>(&*event)) {
            log.add(daemon, "view",
                    Json::object(
                        {{"members", view->members.size()}, {"cause", cause_name(view->cause)}}));
        }
    }
}

}  // namespace

RunResult<Outcome> run_views(const Options& options) {
    const std::uint16_t run = make_run_id();
    EventLog log;
    {
        std::vector<std::jthread> watchers;
        for (std::size_t i = 0; i < options.daemons.size(); ++i) {
            watchers.emplace_back([&options, &log, i, run] { watch(options, i, run, log); });
        }
    }
    Outcome outcome;
    outcome.json = setup_json(options);
    outcome.json["events"] = log.count();
    outcome.json["ok"] = true;
    return outcome;
}

}  // namespace spread::spbench
