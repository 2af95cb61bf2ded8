#include "daemon/host/startup_lines.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace spread::daemon {

void say_at_start(LogEvent event, std::string_view text, LogStyle::Format format) {
    const bool to_journal = is_stderr_journal();
    std::string out;
    if (format == LogStyle::Format::kJson) {
        LogStyle style;
        style.format = format;
        style.to_journal = to_journal;
        out = log_line_of({event, std::string(text), {}}, std::chrono::system_clock::now(), "",
                          style);
    } else {
        const std::string priority = to_journal ? journal_priority(spec_of(event).level) : "";
        while (!text.empty()) {
            const auto end = text.find('\n');
            out.append(priority).append(text.substr(0, end)) += '\n';
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }
    std::fputs(out.c_str(), stderr);
}

}  // namespace spread::daemon
