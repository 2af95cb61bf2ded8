#pragma once

#include <utility>

#include "membership/engine_output.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// One call of the engine: when it happens, and what it makes the host do.
struct Step {
    protocol::Instant now;
    EngineOutput& out;
    Arrival arrival{};  ///< of the packet that the call is about
    Vouched vouched{};  ///< for that packet

    void send_all(protocol::Slice datagram, Channel channel = Channel::kData) const {
        out.sends.push_back(
            {Destination::kAll, channel, protocol::DaemonId{}, std::move(datagram)});
    }
    void send_to(protocol::DaemonId to, Channel channel, protocol::Slice datagram) const {
        out.sends.push_back({Destination::kDaemon, channel, to, std::move(datagram)});
    }
};

}  // namespace spread::membership
