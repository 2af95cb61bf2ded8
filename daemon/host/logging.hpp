#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/log_event.hpp"
#include "daemon/host/log_format.hpp"
#include "daemon/host/log_record.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// How the log looks. Stock prints a line if its priority reaches EventPriority and its type is in
/// DebugFlags, and by default hides nearly everything an operator needs. Here the default shows
/// every type; a DebugFlags list of the user's own filters lines below warning.
struct LogSettings {
    LogLevel level = LogLevel::kInfo;
    std::uint32_t types = 0xffffffff;
    std::string file;  ///< empty: stderr
    LogStyle style;
    std::function<void()> thread_start;  ///< what the log thread does first; may be empty
};

/// Starts the log thread and makes its logger the default one. Lines queue up to 8192; then the
/// oldest are overwritten, so that no caller ever waits for a disk. How many were lost, so or by a
/// full disk, is told as soon as lines can be written again. Throws StartupError when the
/// file cannot be opened.
void start_logging(const LogSettings& settings);
/// Changes the level that start_logging() set. False: nothing is logged.
bool set_log_level(LogLevel level);
/// Opens the file anew, after a log rotation, and says so in the new file, or in the old one why
/// not. Done by the log thread.
void reopen_log();
/// Makes `user` and `group` the owners of a log file that is root's. Returns 0 or errno.
[[nodiscard]] int give_log_to(uid_t user, gid_t group);
/// Lines that were not written since the start, whatever the reason.
[[nodiscard]] std::uint64_t log_lines_lost();
/// The last lines that were written, or should have been: at most 10000 of them, and 2 MiB.
[[nodiscard]] std::string recent_log();
/// Writes out what is queued and ends the log thread. When nobody reads the log any more, a full
/// pipe or a stopped terminal, that is waited for one second.
void stop_logging();

/// Drops all lines from now on; for a process that is no daemon.
void discard_log();

/// The ring that this daemon is in from now on, as "representative.counter"; lines of JSON name it.
void set_log_ring(std::string_view ring_id);

/// Whether such lines are wanted: not when logging has ended.
[[nodiscard]] bool is_logged(LogLevel level, LogType type);
void write_log_record(const LogRecord& record);

/// A line with fields: log_event_with(LogEvent::kX, {{"bytes", 7}}, "{} bytes", 7).
template <typename... Args>
void log_event_with(LogEvent event, LogFields fields, fmt::format_string<Args...> format,
                    Args&&... args) {
    const LogEventSpec& spec = spec_of(event);
    if (is_logged(spec.level, spec.type)) {
        write_log_record(
            {event, fmt::format(format, std::forward<Args>(args)...), std::move(fields)});
    }
}

template <typename... Args>
void log_event(LogEvent event, fmt::format_string<Args...> format, Args&&... args) {
    const LogEventSpec& spec = spec_of(event);
    if (is_logged(spec.level, spec.type)) {
        write_log_record({event, fmt::format(format, std::forward<Args>(args)...), {}});
    }
}

/// Lets one event through per interval and counts the others, so that whoever sends us rubbish
/// cannot fill the disk.
class RateLimit {
  public:
    explicit RateLimit(protocol::Duration interval) : interval_(interval) {}

    /// nullopt: stay silent. Else how many events were swallowed since the last one let through.
    [[nodiscard]] std::optional<std::uint64_t> admit(protocol::Instant now) {
        if (last_ && now - *last_ < interval_) {
            ++swallowed_;
            return std::nullopt;
        }
        last_ = now;
        return std::exchange(swallowed_, 0);
    }

  private:
    protocol::Duration interval_;
    std::optional<protocol::Instant> last_;
    std::uint64_t swallowed_ = 0;
};

}  // namespace spread::daemon
