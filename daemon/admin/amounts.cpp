#include "daemon/admin/amounts.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace spread::admin {

std::string span_text(std::chrono::duration<double> span) {
    const double seconds = span.count();
    return seconds < 120      ? fmt::format("{:.1f} s", seconds)
           : seconds < 7200   ? fmt::format("{:.0f} min", seconds / 60)
           : seconds < 172800 ? fmt::format("{:.0f} h", seconds / 3600)
                              : fmt::format("{:.0f} d", seconds / 86400);
}

std::string bytes_text(double bytes) {
    return bytes < 10000      ? fmt::format("{:.0f} B", bytes)
           : bytes < 10000000 ? fmt::format("{:.0f} kB", bytes / 1e3)
                              : fmt::format("{:.1f} MB", bytes / 1e6);
}

std::string share_text(double share) {
    const double percent = share * 100;
    return percent <= 0     ? "0 %"
           : percent < 0.01 ? "<0.01 %"
           : percent < 10   ? fmt::format("{:.2f} %", percent)
                            : fmt::format("{:.0f} %", percent);
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

}  // namespace spread::admin
