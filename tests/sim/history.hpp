#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "membership/events.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::sim {

/// What one life of a daemon saw, in order. A restarted daemon is a new process with a new history.
struct Life {
    struct Configuration {
        membership::ConfigurationKind kind;
        protocol::RingId ring_id;
        protocol::MemberList members;
    };
    struct Delivered {
        protocol::RingId ring_id;
        protocol::Seq seq;
        std::uint16_t index;
        protocol::DaemonId origin;
        protocol::Service service;
        std::uint64_t message;
    };
    using Event = std::variant<Configuration, Delivered>;

    protocol::DaemonId daemon;
    std::uint32_t number = 0;  ///< of this daemon's lives, from 1
    std::vector<Event> events;
    std::vector<std::uint64_t> accepted;  ///< messages taken from this daemon's clients
    bool crashed = false;
};

/// Checks the daemon-level properties P1-P7 of extended virtual synchrony (group semantics, section
/// 4) over complete histories. `settled` adds the liveness part: all lives that did not crash ended
/// in one common regular configuration and delivered everything accepted from one another. Returns
/// one line per violation, naming the property; empty when all hold.
[[nodiscard]] std::vector<std::string> check_history(const std::vector<Life>& lives, bool settled);

}  // namespace spread::sim
