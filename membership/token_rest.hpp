#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "membership/ring_members.hpp"
#include "membership/round_log.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// The token goes round the ring, or is on its way to somebody. (Or there is none: a new ring.)
struct Turning {
    /// The representative may keep it when it comes round: whoever has work then has to ask.
    bool may_rest = false;
};

/// The representative: the token rests here. The visit in turn it came for is still to be made.
struct RestsHere {
    protocol::Token token;
    protocol::Instant until;  ///< then it has to go round
    bool announced = false;   ///< the ring is idle, and all know that the token rests
};

/// The representative: `to` has the token, past all others, and is to give it back.
struct OnLoan {
    protocol::DaemonId to;
    protocol::Token token;    ///< as it was sent there
    protocol::Instant until;  ///< when it comes back later it goes round
    /// Set for a lease: `to` may keep the token until it has work or is asked for it. A grant is
    /// given back at once; so is a lease that was recalled, from when on it counts as a grant.
    std::optional<protocol::Instant> recall_at;

    [[nodiscard]] bool is_lease() const { return recall_at.has_value(); }
};

/// A member: the token is here on lease, and there is no work for it yet.
struct Borrowed {
    protocol::Token token;
};

/// Where the token of a ring with little to do rests, until when, and for whom: one member's view.
/// ARCHITECTURE.md has a picture.
///
/// When two rounds running have left nobody with work, the representative keeps the token, and
/// lends it to whoever asks (a grant: work, and give it back), or beforehand to who is expected to
/// send next (a lease: keep it until there is work), instead of sending it round a ring without
/// work. After `settle`, and whenever a full round is needed (for a safe message, a lost packet, a
/// second member that asks), it goes round. When rounds find nothing left to do the ring is idle:
/// the others are told at the start of each rest, and the token rests for `hold` at a time.
///
/// This class chooses between rest, grant, lease and round, and remembers; TokenHolder, which owns
/// it, says whether the ring is quiet, makes the visits and sends the packets. On a member only
/// Turning and Borrowed occur.
class TokenRest {
  public:
    struct Rules {
        protocol::Duration settle;  ///< zero: only the token of an idle ring rests
        protocol::Duration hold;
        std::uint32_t lease_after_hits = 0;  ///< zero: nothing is leased
    };
    using Place = std::variant<Turning, RestsHere, OnLoan, Borrowed>;

    TokenRest(const Rules& rules, const RingMembers& members);

    [[nodiscard]] const Place& place() const { return place_; }
    [[nodiscard]] bool may_rest() const;
    [[nodiscard]] const RestsHere* resting() const { return std::get_if<RestsHere>(&place_); }
    [[nodiscard]] const OnLoan* on_loan() const { return std::get_if<OnLoan>(&place_); }
    [[nodiscard]] const Borrowed* borrowed() const { return std::get_if<Borrowed>(&place_); }
    /// The token that stands still as far as we know, resting here or with who has the lease: until
    /// it moves, older tokens are copies.
    [[nodiscard]] const protocol::Token* token_at_rest() const;
    /// The token that this member has, resting or borrowed; else null.
    [[nodiscard]] const protocol::Token* token_held() const;
    /// When the rest, or the lease, ends.
    [[nodiscard]] std::optional<protocol::Instant> deadline() const;

    // --- every member ---

    /// The token leaves for the next member.
    void pass_on(bool may_rest) { place_ = Turning{may_rest}; }
    /// The token has arrived on lease, and there is no work for it.
    void borrow(const protocol::Token& token);
    /// A token that arrived out of turn, as a grant or on lease, goes back.
    void give_back() { place_ = Turning{true}; }

    // --- the representative ---

    /// The token has come round. `quiet`: nobody, here or elsewhere, is left with work.
    void end_round(protocol::Instant now, const protocol::Token& token, bool quiet,
                   const std::function<protocol::DaemonId(protocol::Seq)>& sender_of);
    /// The token leaves for a round; true if it may rest when it comes back.
    [[nodiscard]] bool begin_round(const protocol::Token& token, bool quiet);
    /// Whether rounds have found nothing to do for so long that the token rests announced.
    [[nodiscard]] bool is_idle() const { return rounds_.is_idle(); }
    void announce(protocol::Instant now, const protocol::Token& token);

    /// What to do with a token that nobody needs in turn before `until`.
    enum class Verdict : std::uint8_t { kGoRound, kRest, kGrant, kLease };
    struct Decision {
        Verdict verdict = Verdict::kGoRound;
        protocol::DaemonId to;  ///< of a grant or lease
    };
    [[nodiscard]] Decision decide(protocol::Instant now, protocol::Instant until, bool own_work);
    void rest(const protocol::Token& token, protocol::Instant until);
    /// Goes on resting, after a visit out of turn here.
    void rest_on(const protocol::Token& token);
    /// `token` as it is sent to `token.to`.
    void lend(protocol::Instant now, const protocol::Token& token, protocol::Instant until);
    /// The lease is asked back: its token, to be sent as a grant. Valid until the next change.
    [[nodiscard]] const protocol::Token& recall();
    /// The token that was lent comes back. Returns until when it may rest.
    [[nodiscard]] protocol::Instant take_back(protocol::Instant now, const protocol::Token& token);

    /// `from` asks for the token; `seen` is the last one it saw. True if a lease has to be asked
    /// back for it.
    [[nodiscard]] bool asked(protocol::DaemonId from, protocol::TokenSeq seen);
    /// There is something to do: a token that rests for `hold` has to go round earlier. Returns
    /// until when it may rest.
    protocol::Instant stir(protocol::Instant now);
    /// The rest ends. If the ring was idle and nothing has come up, one quiet round makes it idle
    /// again.
    void end_rest(bool own_work);
    /// We have sent.
    void note_own_packets(protocol::Instant now) { rounds_.note_sender(now, members_.self()); }
    /// A ring starts with this seq.
    void start(protocol::Seq seq) { rounds_.start(seq); }

    void check_invariants() const;

  private:
    struct Wake {
        protocol::DaemonId from;
        protocol::TokenSeq seen;
    };

    Rules rules_;
    const RingMembers& members_;
    Place place_;
    RoundLog rounds_;
    std::vector<Wake> wakes_;         ///< of members that may not have had the token since
    protocol::TokenSeq round_start_;  ///< of the token when it last left for a round
};

}  // namespace spread::membership
