#pragma once

#include <cstdint>

#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"

namespace spread::ordering {

/// A message on its way to the ring.
struct Submission {
    protocol::Service service = protocol::Service::kAgreed;
    protocol::MessageKind kind = protocol::MessageKind::kClientFrame;
    /// Group-state messages: sent before all ordinary messages, and even while those are held back
    /// after a configuration change.
    bool control = false;
    protocol::Message body;
    /// Of a client that has little on its way: sent before ordinary messages, which may be many of
    /// few other clients. Nothing of its sender waits among those.
    bool ahead = false;
};

/// How many messages of each kind are stamped whole since the start, those of control apart.
struct SendProgress {
    std::uint64_t ordinary = 0;
    std::uint64_t ahead = 0;
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

}  // namespace spread::ordering
