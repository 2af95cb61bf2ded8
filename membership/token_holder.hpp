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

    /// `token` is the one in core, where the visit changes it.
    [[nodiscard]] Next on_token(const Step& step, protocol::Token& token);
    /// A member asks for the token.
    void on_wake(const Step& step, protocol::DaemonId from, protocol::TokenSeq seen);
    /// The token has rested here, or on lease, long enough.
    void on_rest_ended(const Step& step);
    /// Sends what was queued: by the token that is here, or by asking for it.
    void pump(const Step& step);
    /// Asks the representative for the token; repeated until that comes.
    void ask_for_token(const Step& step);

    /// A packet came that `sender` stamped at `visit`. If that is our predecessor, and it has had
    /// the token of this round, ours is close behind (Babay and Amir).
    void note_packet(protocol::DaemonId sender, protocol::TokenSeq visit);
    /// While the token is here nobody can have stamped a packet beyond it.
    [[nodiscard]] bool accepts(const protocol::DataHeader& data) const;
    /// The host had better read tokens first.
    [[nodiscard]] bool is_close() const { return is_close_; }

    /// The token does not rest here: the ring has to show signs of life.
    [[nodiscard]] bool is_away() const { return rest_.here() == nullptr; }
    /// The ring starts with this seq.
    void start(protocol::Seq seq) { rest_.start(seq); }
    void check_invariants() const { rest_.check_invariants(); }

  private:
    [[nodiscard]] const RingMembers& members() const { return core_.ring.members(); }
    /// Nobody asks for packets or waits for more than the token, as far as we know.
    [[nodiscard]] bool is_quiet(const protocol::Token& token) const;
    [[nodiscard]] bool others_are_quiet(const protocol::Token& token) const;
    [[nodiscard]] bool may_take(const protocol::Token& token) const;
    /// A token that is not the next one; true if it was that.
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
