#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/host/log_record.hpp"

namespace spread::daemon {

/// How the lines of a log look.
struct LogStyle {
    enum class Format : std::uint8_t { kText, kJson };

    Format format = Format::kText;
    /// strftime(3) format of the time before each line; nullopt: ISO 8601 with milliseconds and the
    /// zone. JSON has the latter always.
    std::optional<std::string> time_stamp;
    bool precise_time_stamp = false;  ///< adds ".microseconds" to `time_stamp`
    bool names_daemon = false;        ///< each line of text names the daemon
    bool to_journal =
        false;           ///< "<4>" instead of the time, which the journal knows; <4> is warning
    std::string daemon;  ///< this daemon's name; may be empty
};

/// One line, with its newline. `ring_id` is the ring that the daemon was in, "" when in none yet.
[[nodiscard]] std::string log_line_of(const LogRecord& record,
                                      std::chrono::system_clock::time_point at,
                                      const std::string& ring_id, const LogStyle& style);

/// "2026-11-30T03:12:44.101+01:00"
[[nodiscard]] std::string iso_time(std::chrono::system_clock::time_point at);

/// "<4>": how a line of this level begins in the journal.
[[nodiscard]] std::string journal_priority(LogLevel level);

/// Whether file descriptor 2 is the stream that JOURNAL_STREAM (systemd.exec(5)) names.
[[nodiscard]] bool is_stderr_journal();

}  // namespace spread::daemon
