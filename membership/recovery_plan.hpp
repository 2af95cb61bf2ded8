#pragma once

#include <cstdint>
#include <vector>

#include "membership/trace.hpp"
#include "ordering/ring_order.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// What recovery has to do, as the commit token's second pass tells everybody. It says exactly who
/// holds what: packets that some but not all survivors of one old ring hold are resent by their
/// first holder, and everyone knows how many such messages to expect. What nobody holds is lost for
/// all (Totem, TOCS 1995, section 5.3, with an exact account in place of its retransmission flags).
struct RecoveryPlan {
    std::uint64_t expected = 0;        ///< recovery messages on the new ring, from all members
    std::vector<protocol::Seq> mine;   ///< of the old ring, to be resent by this member, ascending
    protocol::DaemonSet transitional;  ///< the members that come from my old ring
    protocol::DaemonSet obligation;    ///< whose messages must be delivered even behind a hole
    protocol::Seq safe_up_to;          ///< best safe line any of them knows
    protocol::Seq available_from{1};   ///< all packets below are held by all
    std::vector<bool> available;       ///< packet available_from + i is held by one of them

    [[nodiscard]] bool is_available(protocol::Seq seq) const {
        return seq < available_from ||
               (seq - available_from < available.size() && available[seq - available_from]);
    }
    /// One past the last packet that may be available.
    [[nodiscard]] protocol::Seq available_end() const { return available_from + available.size(); }
    /// The first packet that nobody holds.
    [[nodiscard]] protocol::Seq first_hole() const;
    [[nodiscard]] RecoveryFacts facts() const;

    void check_invariants() const;
};

/// The plan of member `self`. Every member of `token` is filled in and configured. `span_max` is
/// how many packets one old ring may span, since a forged token must not cause unbounded work.
[[nodiscard]] RecoveryPlan plan_recovery(const protocol::CommitToken& token,
                                         const protocol::Roster& daemons, protocol::DaemonId self,
                                         std::uint64_t span_max);

/// For a daemon that goes on alone: what it holds is all there is.
[[nodiscard]] RecoveryPlan plan_alone(const ordering::RingOrder& order, protocol::DaemonIndex self,
                                      const protocol::DaemonSet& obligation);

}  // namespace spread::membership
