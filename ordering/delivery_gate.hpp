#pragma once

#include <algorithm>

#include "protocol/ids.hpp"

namespace spread::ordering {

/// Decides how far safe delivery may advance on one ring.
///
/// A safe message waits until every member has it: the token's aru says so, but only after it has
/// passed us twice, because a member may still lower the aru between our two visits (Totem 4.1).
class DeliveryGate {
  public:
    /// Records one token visit. `aru` is the value on the token as it leaves us.
    void on_token_visit(protocol::Seq aru) {
        safe_up_to_ = std::max(safe_up_to_, std::min(previous_aru_, aru));
        previous_aru_ = aru;
    }

    /// A ring of one: what we have, all have.
    void on_alone(protocol::Seq seq) { safe_up_to_ = previous_aru_ = seq; }

    [[nodiscard]] protocol::Seq safe_up_to() const { return safe_up_to_; }

  private:
    protocol::Seq previous_aru_;
    protocol::Seq safe_up_to_;
};

}  // namespace spread::ordering
