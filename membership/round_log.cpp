#include "membership/round_log.hpp"

#include "protocol/assert.hpp"

namespace spread::membership {

using protocol::DaemonId;
using protocol::Seq;

namespace {

/// Visits in a row without anything to do after which the ring is nearly idle; one more, and it is.
constexpr std::uint32_t kNearlyIdleVisits = 2;

/// Rounds in a row that found work after which the token turns without being kept or asked for.
constexpr std::uint32_t kBusyRoundsToTurn = 4;

/// Beyond this many packets a round does not show who sends after whom.
constexpr std::uint64_t kRoundToNote = 16;

}  // namespace

void RoundLog::end(protocol::Instant now, Seq seq, const std::function<DaemonId(Seq)>& sender_of) {
    if (seq - seq_at_start_ > kRoundToNote) {
        ++busy_rounds_;
        next_sender_.forget();
        return;
    }
    // If only the expected sender had something to send, a lease would have done.
    const auto expected_sender = next_sender_.guess(rules_.hits_min);
    bool busy = false;
    DaemonId last;
    for (Seq each = seq_at_start_ + 1; each <= seq; ++each) {
        const DaemonId sender = sender_of(each);
        if (!sender) {
            busy = true;
            next_sender_.forget();
        } else if (sender != last) {
            busy = busy || last || sender != expected_sender;
            last = sender;
            note_sender(now, last);
        }
    }
    busy_rounds_ = busy ? busy_rounds_ + 1 : 0;
}

void RoundLog::count_idle(bool idle, Seq seq) {
    idle_visits_ = idle && seq == seq_at_last_visit_ ? idle_visits_ + 1 : 0;
    seq_at_last_visit_ = seq;
}

void RoundLog::expect_idle() {
    idle_visits_ = kNearlyIdleVisits;
}

std::optional<DaemonId> RoundLog::expected() const {
    return idle_visits_ > 0 ? std::nullopt : next_sender_.guess(rules_.hits_min);
}

bool RoundLog::is_busy() const {
    return busy_rounds_ >= kBusyRoundsToTurn;
}

bool RoundLog::is_nearly_idle() const {
    return idle_visits_ >= kNearlyIdleVisits;
}

bool RoundLog::is_idle() const {
    return idle_visits_ > kNearlyIdleVisits;
}

void RoundLog::check_invariants() const {
    next_sender_.check_invariants();
    // Nothing was sent at an idle visit or since, so a round begins with the seq seen there.
    SPREAD_ASSERT(seq_at_start_ <= seq_at_last_visit_ || idle_visits_ == 0);
}

}  // namespace spread::membership
