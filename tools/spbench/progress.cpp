#include "tools/spbench/progress.hpp"

#include <unistd.h>

#include <cstdio>

#include <spdlog/fmt/fmt.h>

namespace spread::spbench {

namespace {

constexpr Nanoseconds kTerminalPeriod = kSecond / 2;
constexpr Nanoseconds kFilePeriod = 5 * kSecond;

}  // namespace

Progress::Progress(bool is_enabled)
    : is_enabled_(is_enabled),
      is_terminal_(isatty(STDERR_FILENO) != 0),
      start_(now_ns()),
      last_time_(start_) {}

Progress::~Progress() {
    if (is_line_open_) {
        std::fputs("\r\x1b[K", stderr);
    }
}

void Progress::update(std::uint64_t done, std::string_view unit, double total_seconds) {
    if (!is_enabled_) {
        return;
    }
    const Nanoseconds now = now_ns();
    if (now - last_time_ < (is_terminal_ ? kTerminalPeriod : kFilePeriod)) {
        return;
    }
    const double rate = static_cast<double>(done - last_done_) / to_seconds(now - last_time_);
    const std::string of = total_seconds > 0 ? fmt::format(" of {:.0f}", total_seconds) : "";
    const std::string line = fmt::format("spbench: {:.0f}{} s, {} {}, now {:.0f}/s",
                                         to_seconds(now - start_), of, done, unit, rate);
    if (is_terminal_) {
        fmt::print(stderr, "\r{}\x1b[K", line);
        is_line_open_ = true;
    } else {
        fmt::print(stderr, "{}\n", line);
    }
    std::fflush(stderr);
    last_time_ = now;
    last_done_ = done;
}

}  // namespace spread::spbench
