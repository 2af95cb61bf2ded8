#pragma once

#include <optional>

#include "membership/engine_core.hpp"
#include "membership/packets.hpp"
#include "membership/step.hpp"
#include "membership/token_rest.hpp"
#include "membership/transition.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// What a member of an installed ring does with its token: visits, in turn and out of turn, and
/// what TokenRest decides about the token of a quiet ring.
class TokenHolder {
  public:
    explicit TokenHolder(EngineCore& core);

    /// `token` is EngineCore::token; the visit changes it there.
    [[nodiscard]] Next on_token(const Step& step, protocol::Token& token);
    /// The member `from` asks for the token.
    void on_wake(const Step& step, protocol::DaemonId from, protocol::TokenSeq seen);
    /// The rest or lease of the token ends.
    void on_rest_ended(const Step& step);
    /// Messages were queued: sends them with the token if it is here, else asks for it.
    void pump(const Step& step);
    /// Asks the representative for the token, again and again until it arrives.
    void ask_for_token(const Step& step);

    /// A packet arrived that `sender` stamped at `visit`. If that is our predecessor in this round,
    /// the token will arrive soon (Babay and Amir).
    void note_packet(protocol::DaemonId sender, protocol::TokenSeq visit);
    /// False for a packet beyond the token while the token is here: no member can have stamped it.
    [[nodiscard]] bool accepts(const protocol::DataHeader& data) const;
    /// The token will arrive soon: the host should read tokens first.
    [[nodiscard]] bool is_close() const { return is_close_; }

    /// The token rests with us, the representative. Otherwise the ring has to show signs of life.
    [[nodiscard]] bool rests_here() const { return rest_.resting() != nullptr; }
    /// The ring starts with this seq.
    void start(protocol::Seq seq) { rest_.start(seq); }
    void check_invariants() const { rest_.check_invariants(); }

  private:
    [[nodiscard]] const RingMembers& members() const { return core_.ring.members(); }
    /// As far as we know, nobody, we included, has anything to do.
    [[nodiscard]] bool is_quiet(const protocol::Token& token) const;
    /// A member is known to ask for packets or to wait for what only a full round brings.
    [[nodiscard]] bool needs_round(const protocol::Token& token) const;
    [[nodiscard]] bool may_take(const protocol::Token& token) const;
    /// True if `token` is a copy, or for another reason not the next one. It is handled then.
    [[nodiscard]] bool drop_copy(const Step& step, const protocol::Token& token);

    void take_in_turn(const Step& step, protocol::Token& token);
    void visit_and_pass(const Step& step, protocol::Token& token);
    void visit_out_of_turn(const Step& step, protocol::Token& token);

    // --- the representative's part ---
    [[nodiscard]] bool keep(const Step& step, protocol::Token& token);
    [[nodiscard]] bool rest_or_lend(const Step& step, protocol::Token& token,
                                    protocol::Instant until);
    void lend(const Step& step, protocol::Token& token, const TokenRest::Decision& to,
              protocol::Instant until);
    void stop_waiting(const protocol::Token& token);
    void recall_lease(const Step& step);
    void take_back(const Step& step, protocol::Token& token);
    void send_while_resting(const Step& step);
    void end_rest(const Step& step);
    void release(const Step& step, protocol::Token& token);
    [[nodiscard]] protocol::Slice hold_packet(protocol::TokenSeq token_seq) const;
    void arm() { core_.timers.set(RingTimer::kTokenRest, rest_.deadline()); }

    // --- a member's part ---
    void use_loan(const Step& step, protocol::Token& token);
    void use_lease(const Step& step);
    void return_again(const Step& step, const protocol::Token& token);

    EngineCore& core_;
    TokenRest rest_;
    bool completion_seen_ = false;  ///< the token's completion bitmap has come round full
    bool is_close_ = false;
    std::optional<protocol::Instant> last_visit_;  ///< in turn, unless the token rested since
};

}  // namespace spread::membership
