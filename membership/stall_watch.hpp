#pragma once

#include <optional>

#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Notices that the token goes round, but a requested packet does not arrive or recovery makes no
/// progress (Totem's failure to receive, TOCS 1995, section 5).
class StallWatch {
  public:
    StallWatch(protocol::DaemonId self, protocol::Duration loss_timeout)
        : self_(self), loss_timeout_(loss_timeout) {}

    /// A token arrives, of a ring in recovery or of an installed one. True when the ring has turned
    /// without progress for too long. A new ring has to be formed then, without the member named by
    /// the token's aru_id, unless that is this one.
    [[nodiscard]] bool on_token(protocol::Instant now, const protocol::Token& token,
                                bool recovering);
    void reset() { stall_.reset(); }

  private:
    /// The token as it was when progress stopped.
    struct Stall {
        protocol::Seq seq;
        protocol::Seq aru;
        protocol::DaemonSet complete;
        protocol::Instant since;
    };

    protocol::DaemonId self_;
    protocol::Duration loss_timeout_;
    std::optional<Stall> stall_;
};

}  // namespace spread::membership
