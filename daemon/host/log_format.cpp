#include "daemon/host/log_format.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace spread::daemon {
namespace {

using Clock = std::chrono::system_clock;

std::tm local_time(Clock::time_point at) {
    const std::time_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return local;
}

std::string formatted(const char* format, const std::tm& time) {
    std::array<char, 256> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format, &time)};
}

/// EventTimeStamp: the user's own format.
std::string users_time(Clock::time_point at, const LogStyle& style) {
    std::string out = "[" + formatted(style.time_stamp->c_str(), local_time(at));
    if (style.precise_time_stamp) {
        const auto micros =
            std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count() %
            1000000;
        out += fmt::format(".{:06}", micros);
    }
    return out + "] ";
}

/// The priorities of syslog(3), which the journal reads at the start of a line.
int priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return 7;
        case LogLevel::kInfo: return 6;
        case LogLevel::kWarning: return 4;
        case LogLevel::kError: return 3;
        case LogLevel::kCritical: break;
    }
    return 2;
}

/// A value that ends where a reader expects it to.
std::string quoted(const std::string& value) {
    const bool is_word = !value.empty() && std::ranges::none_of(value, [](char each) {
        return static_cast<unsigned char>(each) <= ' ' || each == '"' || each == '=' ||
               each == '\\' || each == '\x7f';
    });
    if (is_word) {
        return value;
    }
    std::string out = "\"";
    for (const char each : value) {
        if (each == '"' || each == '\\') {
            out += '\\';
            out += each;
        } else if (static_cast<unsigned char>(each) < ' ' || each == '\x7f') {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(each));
        } else {
            out += each;
        }
    }
    return out + '"';
}

std::string text_line(const LogRecord& record, Clock::time_point at, const LogStyle& style) {
    const LogEventSpec& spec = spec_of(record.event);
    std::string out;
    if (style.time_stamp) {
        out += users_time(at, style);
    } else if (!style.to_journal) {
        out += iso_time(at) + ' ';
    }
    if (style.names_daemon) {
        out += style.daemon + ' ';
    }
    out += fmt::format("{} {}: {}", to_string(spec.level), to_string(spec.type), record.text);
    for (const LogField& field : record.fields) {
        out += fmt::format(" {}={}", field.key, quoted(field.value));
    }
    return out + fmt::format(" event={}\n", spec.name);
}

std::string json_line(const LogRecord& record, Clock::time_point at, const std::string& ring_id,
                      const LogStyle& style) {
    using Json = nlohmann::ordered_json;
    const LogEventSpec& spec = spec_of(record.event);
    Json out = {{"ts", iso_time(at)},
                {"level", to_string(spec.level)},
                {"subject", to_string(spec.type)},
                {"msg", record.text},
                {"event", spec.name},
                {"daemon", style.daemon},
                {"ring_id", ring_id.empty() ? Json() : Json(ring_id)}};
    for (const LogField& field : record.fields) {
        out[field.key] =
            field.is_text ? Json(field.value) : Json::parse(field.value, nullptr, false);
    }
    return out.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string iso_time(Clock::time_point at) {
    const std::tm local = local_time(at);
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count() % 1000;
    std::string zone = formatted("%z", local);  // "+0100"
    if (zone.size() == 5) {
        zone.insert(3, ":");
    }
    return fmt::format("{}.{:03}{}", formatted("%Y-%m-%dT%H:%M:%S", local), millis, zone);
}

std::string log_line_of(const LogRecord& record, Clock::time_point at, const std::string& ring_id,
                        const LogStyle& style) {
    const std::string priority =
        style.to_journal ? journal_priority(spec_of(record.event).level) : "";
    return priority + (style.format == LogStyle::Format::kJson
                           ? json_line(record, at, ring_id, style)
                           : text_line(record, at, style));
}

std::string journal_priority(LogLevel level) {
    return fmt::format("<{}>", priority_of(level));
}

bool is_stderr_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat facts {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &facts) == 0 &&
           stream == fmt::format("{}:{}", facts.st_dev, facts.st_ino);
}

}  // namespace spread::daemon
