#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ordering/submission.hpp"

namespace spread::session {

/// Who need not queue behind the messages of busy clients on the way to the ring. One client that
/// sends all it can has thousands of messages waiting there. Another one that sends little goes
/// ahead of them, as sparse flows do in fq_codel (RFC 8290): as long as none of its messages waits
/// among the ordinary ones it may put kQuantum bytes ahead, and again once these are on the ring.
/// Whoever sends more is busy, too, until its messages are through. Busy clients share what is left
/// by turns, since each is read once in a turn.
///
/// Ordinary messages do not starve: all clients together may put kAheadMax bytes ahead for each
/// time that ordinary ones have moved. While hardly any wait nobody goes ahead, and nothing costs
/// anything.
///
/// What a client sends ahead is ordered before whatever of it waits among ordinary ones afterwards,
/// so the order of its messages stays what it was.
class Overtaking {
  public:
    static constexpr std::size_t kQuantum = 4U << 10U;
    static constexpr std::size_t kAheadMax = 32U << 10U;
    /// With fewer ordinary messages waiting there is nothing to overtake.
    static constexpr std::uint64_t kQueueMin = 4;

    /// One client's.
    struct Account {
        std::uint64_t last_ordinary = 0;  ///< number of its last ordinary message
        std::uint64_t last_ahead = 0;
        std::size_t spent = 0;  ///< bytes put ahead since its last ones were on the ring
    };

    /// How many messages have left for the ring; what is older than what is known says nothing.
    void note(const ordering::SendProgress& stamped) {
        if (stamped.ordinary > stamped_.ordinary) {
            stamped_.ordinary = stamped.ordinary;
            spent_ = 0;
        }
        stamped_.ahead = std::max(stamped_.ahead, stamped.ahead);
    }
    /// Whether its next message would go ahead.
    [[nodiscard]] bool may_go_ahead(const Account& account) const {
        return ordinary_ >= stamped_.ordinary + kQueueMin &&
               account.last_ordinary <= stamped_.ordinary && spent_ < kAheadMax &&
               (account.spent < kQuantum || account.last_ahead <= stamped_.ahead);
    }
    /// A multicast of this client goes to the ring: true if it goes ahead. A message may begin with
    /// anything left of the quantum, however long it is.
    [[nodiscard]] bool take(Account& account, std::size_t bytes) {
        if (!may_go_ahead(account)) {
            account.last_ordinary = ++ordinary_;
            return false;
        }
        if (account.last_ahead <= stamped_.ahead) {
            account.spent = 0;
        }
        account.spent += bytes;
        spent_ += bytes;
        account.last_ahead = ++ahead_;
        return true;
    }
    /// Other messages go to the ring, and are ordinary.
    void take_ordinary(std::size_t count) { ordinary_ += count; }
    /// One of them is this client's: whatever it sends from now on stays behind that.
    void stay_behind(Account& account) const { account.last_ordinary = ordinary_; }

  private:
    ordering::SendProgress stamped_;
    std::uint64_t ordinary_ = 0;
    std::uint64_t ahead_ = 0;
    std::size_t spent_ = 0;  ///< bytes put ahead since ordinary messages have moved
};

}  // namespace spread::session
