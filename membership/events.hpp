#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"

namespace spread::membership {

/// A message on its way to the ring.
struct Submission {
    protocol::Service service = protocol::Service::kAgreed;
    protocol::MessageKind kind = protocol::MessageKind::kClientFrame;
    /// Group-state messages: sent before all ordinary messages, and even while those are held back
    /// after a configuration change.
    bool control = false;
    protocol::Message body;
};

/// A message at its place in the total order. (ring_id, seq, index) is that place: `seq` numbers
/// the packet that completed the message, `index` the message inside that packet.
struct Delivery {
    protocol::RingId ring_id;
    protocol::Seq seq;
    std::uint16_t index = 0;
    protocol::DaemonId origin;
    protocol::Service service = protocol::Service::kAgreed;
    protocol::MessageKind kind = protocol::MessageKind::kClientFrame;
    protocol::Message body;
};

enum class ConfigurationKind : std::uint8_t {
    kTransitional,  ///< those of the old ring who come along; weaker guarantees until kRegular
                    ///< follows
    kRegular        ///< a new ring is installed
};

/// A configuration of extended virtual synchrony. Between two regular configurations there is
/// always exactly one transitional one. The transitional configuration carries the id of the ring
/// that follows; its own group-visible identifier is (members.front(), ring_id.counter - 1), which
/// no regular ring uses because counters advance in steps of two.
struct ConfigurationChange {
    ConfigurationKind kind = ConfigurationKind::kRegular;
    protocol::RingId ring_id;
    protocol::MemberList members;  ///< configuration-file order
};

using DeliveryEvent = std::variant<Delivery, ConfigurationChange>;

}  // namespace spread::membership
