#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/host/log_event.hpp"

namespace spread::daemon {

/// A value beside the sentence of a line, for programs: `key` is a word in small letters with the
/// unit at its end.
struct LogField {
    LogField(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
    LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
    LogField(std::string_view name, const char* text) : key(name), value(text) {}
    LogField(std::string_view name, bool is) : key(name), value(is ? "true" : "false") {
        is_text = false;
    }
    template <std::integral Number>
    LogField(std::string_view name, Number number) : key(name), value(std::to_string(number)) {
        is_text = false;
    }

    std::string key;
    std::string value;
    bool is_text = true;  ///< else a number, true or false

    friend bool operator==(const LogField&, const LogField&) = default;
};

using LogFields = std::vector<LogField>;

/// A line on its way to the log thread, which alone gives it its form.
struct LogRecord {
    LogEvent event = LogEvent::kStarting;
    std::string text;  ///< a sentence
    LogFields fields;

    friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

/// As bytes for the queue, and back; nullopt for bytes that encode() has not written.
[[nodiscard]] std::string encode(const LogRecord& record);
[[nodiscard]] std::optional<LogRecord> decode(std::string_view bytes);

}  // namespace spread::daemon
