#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "membership/next_sender.hpp"
#include "ordering/ring_order.hpp"
#include "ordering/send_queue.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// A set of configured daemons, by position in the configuration file.
using MemberSet = std::bitset<protocol::kRingMembersMax>;

/// The ring runs: tokens circulate, or the representative keeps the token of a quiet ring.
struct Operational {
    bool token_idle = false;       ///< the token we passed on may be kept when it comes round
    bool completion_seen = false;  ///< the token's completion bitmap has come round full
    /// A member other than the representative: the token it has on lease, without work for it yet.
    std::optional<protocol::Token> lease;

    // The representative's:

    /// The token it keeps; the visit it came for is still to be made.
    std::optional<protocol::Token> held;
    bool announced = false;         ///< the others know that it is kept: nothing is left to do
    std::uint32_t idle_visits = 0;  ///< token visits in a row that found nothing to do
    std::uint32_t busy_rounds = 0;  ///< rounds in a row in which others had something, unexpected
    protocol::Seq seq_at_last_visit;
    protocol::Seq seq_at_round_start;
    protocol::TokenSeq round_start;              ///< of the token when it last left us for a round
    std::optional<protocol::Instant> settle_at;  ///< when a kept token has to go round

    struct Wake {
        protocol::DaemonId from;
        protocol::TokenSeq seen;  ///< of the last token the sender saw
    };
    std::vector<Wake> wakes;  ///< members that asked for the token and may not have had it since
    std::optional<protocol::DaemonId> granted_to;  ///< who has the token out of turn
    protocol::Seq granted_seq;                     ///< the token's seq when it went there
    /// The token as it was leased to `granted_to`, until it comes back or is recalled.
    std::optional<protocol::Token> leased_out;
    NextSender next_sender;
};

/// Finding out who should be in the next ring. Ends when all candidates sent equal sets.
struct Gather {
    MemberSet proc_set;         ///< everybody heard of
    MemberSet fail_set;         ///< of these, who is to be left out
    MemberSet agrees;           ///< whose last join had exactly these sets
    bool starting = false;      ///< nobody is expected yet: wait for others before going alone
    bool await_commit = false;  ///< all agree; the representative owes a commit token
    bool given_up = false;      ///< somebody left us out: do not go alone before the timeout

    [[nodiscard]] MemberSet candidates() const { return proc_set & ~fail_set; }
};

/// A ring in the making, from the first commit token on.
struct Forming {
    protocol::RingId ring_id;
    protocol::MemberList members;
    MemberSet proc_set;  ///< of the gather that led here
    MemberSet fail_set;
    protocol::TokenSeq last_token_seq;  ///< of the commit token handled last
};

/// The commit token collects what each member holds.
struct Commit {
    Forming forming;
};

/// Old-ring packets are exchanged as messages of the new ring, so that all who come along from one
/// old ring hold the same ones.
struct Recovery {
    Forming forming;
    std::unique_ptr<ordering::RingOrder> order;       ///< of the new ring
    ordering::SendQueue queue;                        ///< old packets this member has to send
    std::vector<protocol::Incarnation> incarnations;  ///< by position in forming.members

    std::uint64_t expected = 0;  ///< recovery messages on the new ring, from all members
    std::uint64_t received = 0;
    MemberSet transitional;        ///< who comes along from my old ring
    MemberSet obligation;          ///< whose messages must be delivered even behind a hole
    protocol::Seq safe_up_to;      ///< best safe line any of them knows
    protocol::Seq available_from;  ///< all packets below are held by all
    std::vector<bool> available;   ///< packet available_from + i is held by one of them
    bool promised = false;         ///< our completion bit is on the token

    [[nodiscard]] bool is_available(protocol::Seq seq) const {
        return seq < available_from ||
               (seq - available_from < available.size() && available[seq - available_from]);
    }
};

using MembershipState = std::variant<Operational, Gather, Commit, Recovery>;

}  // namespace spread::membership
