#pragma once

#include <cstdint>

#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::ordering {

/// Windows in packets.
struct WindowConfig {
    std::uint32_t window = 264;          ///< all members together per rotation, at first
    std::uint32_t personal_window = 88;  ///< one member per visit; keeps its part of the window
    /// What the window may grow to. As large as `window` it is fixed, and what the token says of
    /// windows does not count here.
    std::uint32_t window_max = 264;
    /// Packets that may wait in this member's receive buffer; no more than that may be under way.
    std::uint32_t receive_room = 0xffffffff;
};

/// How many new packets this member may send at a token visit (Totem 6).
///
/// All members together may send `window` packets per rotation, one member at most
/// `personal_window`, and a member's share follows its share of what waits everywhere, so that one
/// busy member gets the whole window and many busy ones share it. Who waits may always send one.
///
/// Unless it is fixed, the representative sizes the window and the token carries it. A rotation is
/// part delay of the network and part work on packets. As long as delay is a large part, a larger
/// window is throughput for nothing: it grows while packets are left waiting. Where work is nearly
/// all (any LAN under load), it would be latency for nothing, and the window stays what it is. The
/// loss of single packets says nothing about windows; losing a good part of what is sent does:
/// buffers overflow, and the window shrinks.
class FlowControl {
  public:
    explicit FlowControl(const WindowConfig& config);

    /// Other windows from now on.
    void use(const WindowConfig& config) {
        config_ = config;
        use_window(config.window);
    }
    /// The representative's part, before its visit: judges the rotation that ends and sets the
    /// token's window for the next one. `rotation` is what it took, zero where that says nothing.
    void size_window(protocol::Token& token, protocol::Duration rotation);
    /// Every member's part: takes the window that the token says and adds what the representative
    /// has to know. `lost` is how many packets were found missing at this visit.
    void take_window(const protocol::Token& token);
    void report(protocol::Token& token, std::uint32_t lost) const;

    /// Packets allowed now. `backlog` is how many packets wait here. A visit out of turn gets what
    /// this member's last visits have left of its part.
    [[nodiscard]] std::uint32_t allowance(const protocol::Token& token, std::uint32_t backlog,
                                          bool out_of_turn = false) const;

    /// Replaces this member's part of the token's counters: `sent` packets at this visit
    /// (retransmissions included), `backlog` still waiting. A visit out of turn adds to it.
    void account_visit(protocol::Token& token, std::uint32_t sent, std::uint32_t backlog,
                       bool out_of_turn = false);

    [[nodiscard]] std::uint32_t window() const { return window_; }
    /// The shortest rotation seen, or lately seen with little to do: what the network alone takes.
    /// Zero while unknown.
    [[nodiscard]] protocol::Duration base_rotation() const { return base_rotation_; }
    /// Before size_window(), on every member.
    void on_rotation(const protocol::Token& token, protocol::Duration rotation);

  private:
    [[nodiscard]] bool is_fixed() const { return config_.window_max <= config_.window; }
    void use_window(std::uint32_t window);

    WindowConfig config_;
    std::uint32_t window_;
    std::uint32_t personal_window_;
    std::uint32_t my_sent_ = 0;     ///< our part of token.fcc
    std::uint32_t my_backlog_ = 0;  ///< our part of token.backlog

    protocol::Duration base_rotation_{};
    protocol::Duration light_rotation_{};  ///< the shortest of the last ones with little to do
    int light_rotations_ = 0;
    // The representative's: sums that fade, so that one unlucky rotation decides nothing.
    std::uint64_t recent_sent_ = 0;
    std::uint64_t recent_lost_ = 0;
};

}  // namespace spread::ordering
