#pragma once

#include <chrono>
#include <string>

#include "daemon/access/access_rules.hpp"
#include "protocol/time.hpp"

namespace spread::session {

/// A duration as a person would write it in a configuration file.
[[nodiscard]] inline std::string in_seconds(protocol::Duration duration) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

/// " 5000 messages/s 20000000 bytes/s".
[[nodiscard]] inline std::string text_of(const access::SendLimit& limit) {
    std::string text;
    if (limit.messages_per_s != 0) {
        text += " " + std::to_string(limit.messages_per_s) + " messages/s";
    }
    if (limit.bytes_per_s != 0) {
        text += " " + std::to_string(limit.bytes_per_s) + " bytes/s";
    }
    return text;
}

}  // namespace spread::session
