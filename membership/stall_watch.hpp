#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Notices that the token goes round but a packet that it asks for, or recovery, gets nowhere
/// (Totem's failure to receive, TOCS 1995, section 5).
class StallWatch {
  public:
    StallWatch(protocol::DaemonId self, protocol::Duration loss_timeout)
        : self_(self), loss_timeout_(loss_timeout) {}

    /// A token comes, of a ring in recovery or of an installed one. True when the ring has turned
    /// without progress for too long: it has to be formed anew, without the member named by the
    /// token's aru_id if that is somebody else.
    [[nodiscard]] bool on_token(protocol::Instant now, const protocol::Token& token,
                                bool recovering);
    void reset() { stall_.reset(); }

  private:
    /// The token as it first came without anything gained since.
    struct Stall {
        protocol::Seq seq;
        protocol::Seq aru;
        std::vector<std::uint8_t> complete;
        protocol::Instant since;
    };

    protocol::DaemonId self_;
    protocol::Duration loss_timeout_;
    std::optional<Stall> stall_;
};

}  // namespace spread::membership
