#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/host/logging.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// State lines that come again and again, as those of a ring that flaps: of each kind a few in a
/// window go to the log, and the rest become one line with their number, which is the last of them.
class RepeatedLines {
  public:
    static constexpr std::uint64_t kFreeLines = 5;
    static constexpr protocol::Duration kWindow = std::chrono::seconds(10);

    /// True when a line of this kind is to be logged; else it is kept for take_due(). `kind` is one
    /// of few: it is remembered for a window.
    [[nodiscard]] bool admit(protocol::Instant now, const std::string& kind, const LogRecord& line);
    /// The lines that tell of what was held back in windows that are over, with the last one's
    /// fields.
    [[nodiscard]] std::vector<LogRecord> take_due(protocol::Instant now);

  private:
    struct Kind {
        protocol::Instant began;
        std::uint64_t lines = 0;
        LogRecord last{};
    };

    std::map<std::string, Kind> kinds_;
};

}  // namespace spread::daemon
