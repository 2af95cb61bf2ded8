#pragma once

#include <cstdint>

#include "protocol/ring_wire.hpp"

namespace spread::ordering {

/// How many new packets this member may send at a token visit (Totem 6).
///
/// All members together may send `window` packets per rotation, one member at most
/// `personal_window`, and a member's share follows its share of what waits everywhere, so that one
/// busy member gets the whole window and many busy ones share it. Who waits may always send one.
class FlowControl {
  public:
    FlowControl(std::uint32_t window, std::uint32_t personal_window)
        : window_(window), personal_window_(personal_window) {}

    /// Packets allowed now. `backlog` is how many packets wait here. A visit out of turn gets what
    /// this member's last visits have left of its part.
    [[nodiscard]] std::uint32_t allowance(const protocol::Token& token, std::uint32_t backlog,
                                          bool out_of_turn = false) const;

    /// Replaces this member's part of the token's counters: `sent` packets at this visit
    /// (retransmissions included), `backlog` still waiting. A visit out of turn adds to it.
    void settle(protocol::Token& token, std::uint32_t sent, std::uint32_t backlog,
                bool out_of_turn = false);

  private:
    std::uint32_t window_;
    std::uint32_t personal_window_;
    std::uint32_t my_sent_ = 0;     ///< our part of token.fcc
    std::uint32_t my_backlog_ = 0;  ///< our part of token.backlog
};

}  // namespace spread::ordering
