#include "tools/spreadctl/times.hpp"

#include <charconv>
#include <cstdint>
#include <ctime>
#include <system_error>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace spread::spreadctl {

namespace {

std::string iso(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// Whether all of `text` is a time of this format of strptime(3).
bool is_time(const std::string& text, const char* format, std::tm& out) {
    out = {};
    const char* const end = ::strptime(text.c_str(), format, &out);
    return end != nullptr && *end == '\0';
}

}  // namespace

std::optional<std::chrono::seconds> seconds_of(const std::string& text) {
    constexpr std::uint64_t kMost = 100000000;
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc() || number == 0 || number > kMost || last - end != 1) {
        return std::nullopt;
    }
    switch (*end) {
        case 's': return std::chrono::seconds(number);
        case 'm': return std::chrono::minutes(number);
        case 'h': return std::chrono::hours(number);
        case 'd': return std::chrono::hours(24 * number);
        default: return std::nullopt;
    }
}

std::optional<std::string> moment_of(const std::string& text,
                                     std::chrono::system_clock::time_point now) {
    if (const auto ago = seconds_of(text)) {
        return iso(now - *ago);
    }
    std::tm time{};
    for (const char* format : {"%H:%M", "%H:%M:%S"}) {
        if (is_time(text, format, time)) {
            const auto today = std::chrono::floor<std::chrono::days>(now);
            const auto then = today + std::chrono::hours(time.tm_hour) +
                              std::chrono::minutes(time.tm_min) + std::chrono::seconds(time.tm_sec);
            return iso(then > now ? then - std::chrono::days(1) : then);
        }
    }
    for (const char* format : {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
                               "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"}) {
        if (is_time(text, format, time)) {
            return fmt::format("{:%Y-%m-%dT%H:%M:%S}", time);
        }
    }
    return std::nullopt;
}

}  // namespace spread::spreadctl
