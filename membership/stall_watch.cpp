#include "membership/stall_watch.hpp"

namespace spread::membership {
namespace {

/// Token loss timeouts for which the ring may turn without progress.
constexpr int kStallFactor = 5;

}  // namespace

bool StallWatch::on_token(protocol::Instant now, const protocol::Token& token, bool recovering) {
    // A loan, or its return, passes those who ask.
    if (token.out_of_turn) {
        return false;
    }
    // A member whose clients lag may hold back the aru for any time, but requests no packets.
    const bool asked = !token.rtr.empty() && token.rtr.front().first == token.aru + 1;
    if (!recovering && !asked) {
        stall_.reset();
        return false;
    }
    if (!stall_ || stall_->aru != token.aru || stall_->complete != token.complete ||
        (recovering && stall_->seq != token.seq)) {
        stall_ = Stall{token.seq, token.aru, token.complete, now};
        return false;
    }
    // If the fault is ours, others give us up, since they see it better; if nobody can tell, all
    // gather anew.
    const bool ours = token.aru_id == self_ || !token.aru_id;
    return now - stall_->since >= (ours ? 2 : 1) * kStallFactor * loss_timeout_;
}

}  // namespace spread::membership
