#pragma once

#include <optional>
#include <vector>

#include "membership/engine_core.hpp"
#include "membership/step.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

/// Daemons that run different configurations show each other what theirs say, for the log.
class SettingsExchange {
  public:
    explicit SettingsExchange(std::size_t daemons) : shown_(daemons + 1) {}

    /// `to` has shown that its configuration is another one. Sends it ours, once in a while; to all
    /// where another file may have it at another address.
    void show(const Step& step, EngineCore& core, protocol::DaemonId to, Destination by);
    /// Hands what a daemon has shown up to the host.
    static void take(const Step& step, const EngineCore& core, const protocol::PacketHeader& from,
                     const protocol::Slice& datagram);

  private:
    /// When ours were sent last; by configuration position, then to all others together.
    std::vector<std::optional<protocol::Instant>> shown_;
};

}  // namespace spread::membership
