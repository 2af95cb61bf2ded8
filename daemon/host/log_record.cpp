#include "daemon/host/log_record.hpp"

#include <cstdint>
#include <cstring>

namespace spread::daemon {
namespace {

void put(std::string& to, std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    std::string bytes(sizeof size, '\0');
    std::memcpy(bytes.data(), &size, sizeof size);
    to += bytes;
    to += text;
}

bool take(std::string_view& from, std::string& text) {
    std::uint32_t size = 0;
    if (from.size() < sizeof size) {
        return false;
    }
    std::memcpy(&size, from.data(), sizeof size);
    from.remove_prefix(sizeof size);
    if (from.size() < size) {
        return false;
    }
    text = from.substr(0, size);
    from.remove_prefix(size);
    return true;
}

}  // namespace

std::string encode(const LogRecord& record) {
    std::string out(1, static_cast<char>(record.event));
    put(out, record.text);
    for (const LogField& field : record.fields) {
        put(out, field.key);
        out += field.is_text ? '"' : '#';
        put(out, field.value);
    }
    return out;
}

std::optional<LogRecord> decode(std::string_view bytes) {
    LogRecord out;
    if (bytes.empty() || static_cast<std::uint8_t>(bytes.front()) >= all_log_events().size()) {
        return std::nullopt;
    }
    out.event = static_cast<LogEvent>(bytes.front());
    bytes.remove_prefix(1);
    if (!take(bytes, out.text)) {
        return std::nullopt;
    }
    while (!bytes.empty()) {
        LogField field("", "");
        if (!take(bytes, field.key) || bytes.empty()) {
            return std::nullopt;
        }
        field.is_text = bytes.front() == '"';
        bytes.remove_prefix(1);
        if (!take(bytes, field.value)) {
            return std::nullopt;
        }
        out.fields.push_back(std::move(field));
    }
    return out;
}

}  // namespace spread::daemon
