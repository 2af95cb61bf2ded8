#include "tests/stress/stage.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace spread::stress {
namespace {

/// Handshakes are given 10 s; whoever was left behind in one is gone after that.
constexpr auto kSettlePatience = std::chrono::seconds(40);

}  // namespace

void Verdict::note(const std::string& line) const {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

void Verdict::fail(const std::string& problem) {
    passed_ = false;
    note("FAIL " + problem);
}

Stage::Stage(const Settings& settings, Verdict& verdict)
    : verdict_(verdict),
      settings_(settings),
      daemon_(settings.program, settings.daemon_options),
      steady_(loop_, daemon_.door(),
              {.clients = settings.clients,
               .interval = settings.interval,
               .body_bytes = 100,
               .overlooked = settings.sabotaged}) {
    steady_.start();
    loop_.run_for(std::chrono::milliseconds(200));  // the first messages find everything cold
    before_ = daemon_.usage();
    measure_quiet();
}

void Stage::measure_quiet() {
    steady_.begin_phase();
    loop_.run_for(settings_.quiet);
    quiet_.add(steady_.latencies());
    verdict_.note("  quiet:      " + steady_.latencies().summary());
}

void Stage::begin_load() {
    steady_.begin_phase();
}

void Stage::measure_beside(std::string_view what, std::chrono::milliseconds time) {
    steady_.begin_phase();
    loop_.run_for(time);
    verdict_.note(fmt::format("  {}: {}", what, steady_.latencies().summary()));
}

void Stage::end_part(std::string_view what) {
    loaded_.add(steady_.latencies());
    verdict_.note(fmt::format("  {}: {}", what, steady_.latencies().summary()));
}

void Stage::end_load(std::string_view what) {
    if (loaded_.count() == 0) {
        loaded_ = steady_.latencies();
    } else {
        verdict_.note(fmt::format("  quiet, all: {}", quiet_.summary()));
    }
    const auto ratio = [&](double percent) {
        return static_cast<double>(loaded_.percentile(percent)) /
               std::max<double>(quiet_.percentile(percent), 1);
    };
    verdict_.note(fmt::format("  under load: {}", loaded_.summary()));
    verdict_.note(fmt::format("  {}: p50 is {:.2f} and p99 {:.2f} times the quiet one", what,
                              ratio(50), ratio(99)));
    if (settings_.ratio_max > 0) {
        verdict_.check(
            ratio(99) <= settings_.ratio_max,
            fmt::format("{}: the p99 grew more than {} times", what, settings_.ratio_max));
    }
}

bool Stage::is_sound() {
    return daemon_.is_running() && steady_.problems().empty();
}

void Stage::await_baseline() {
    const bool settled = loop_.run_until(
        [this] { return !is_sound() || daemon_.usage().descriptors <= before_.descriptors; },
        kSettlePatience);
    verdict_.check(settled, fmt::format("the daemon keeps {} descriptors; before it had {}",
                                        daemon_.usage().descriptors, before_.descriptors));
}

void Stage::check_memory(std::string_view what, std::size_t bound_kib) {
    const Usage now = daemon_.usage();
    verdict_.note(
        fmt::format("  memory of the daemon: before {}, peak {}, after {} (bound: {} above)",
                    mib(before_.rss_kib), mib(now.peak_rss_kib), mib(now.rss_kib), mib(bound_kib)));
    if (daemon_.is_sanitized()) {
        verdict_.note("  memory is not judged: a sanitizer keeps what the daemon frees");
        return;
    }
    verdict_.check(now.peak_rss_kib <= before_.rss_kib + bound_kib,
                   fmt::format("{}: the daemon's memory grew beyond the bound", what));
}

void Stage::finish() {
    steady_.finish();
    for (const std::string& problem : steady_.problems()) {
        verdict_.fail(problem);
    }
    verdict_.note(fmt::format("  the well-behaved clients sent {} messages, each to {}",
                              steady_.sent(), settings_.clients));
    const std::string problem = daemon_.stop();
    verdict_.check(problem.empty(), problem);
}

}  // namespace spread::stress
