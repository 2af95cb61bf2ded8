#include "daemon/host/repeated_lines.hpp"

#include <fmt/format.h>

namespace spread::daemon {

bool RepeatedLines::admit(protocol::Instant now, const std::string& kind, const LogRecord& line) {
    Kind& known = kinds_.try_emplace(kind, Kind{now}).first->second;
    if (++known.lines <= kFreeLines) {
        return true;
    }
    known.last = line;
    return false;
}

std::vector<LogRecord> RepeatedLines::take_due(protocol::Instant now) {
    std::vector<LogRecord> out;
    for (auto kind = kinds_.begin(); kind != kinds_.end();) {
        const Kind& known = kind->second;
        if (now - known.began < kWindow) {
            ++kind;
            continue;
        }
        if (known.lines > kFreeLines) {
            out.push_back(known.last);
            out.back().text += fmt::format(
                " (the last of {} more lines like this in {} s)", known.lines - kFreeLines,
                std::chrono::duration_cast<std::chrono::seconds>(kWindow).count());
        }
        kind = kinds_.erase(kind);
    }
    return out;
}

}  // namespace spread::daemon
