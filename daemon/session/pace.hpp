#pragma once

#include <algorithm>
#include <cstddef>

#include "daemon/access/access_rules.hpp"
#include "protocol/time.hpp"

namespace spread::session {

/// Holds one client to a rate: a token bucket, kept as the time from which it has room again
/// (the virtual scheduling of ATM's generic cell rate algorithm). After a pause a client may send
/// what fits into kBurst at once; a message may always begin when what came before is paid for,
/// however long it is.
class Pace {
  public:
    static constexpr protocol::Duration kBurst = std::chrono::milliseconds(100);

    /// A message is taken from the client, whatever the rate says.
    void take(protocol::Instant now, const access::SendLimit& limit, std::size_t bytes) {
        pay(now, limit.messages_per_s, 1, messages_paid_at_);
        pay(now, limit.bytes_per_s, bytes, bytes_paid_at_);
    }
    /// When the next one may be taken; the past: at once.
    [[nodiscard]] protocol::Instant free_at() const {
        return std::max(messages_paid_at_, bytes_paid_at_);
    }

  private:
    static void pay(protocol::Instant now, std::uint64_t rate, std::uint64_t amount,
                    protocol::Instant& paid_at) {
        constexpr std::uint64_t kNanoseconds = 1000000000;
        if (rate == 0) {
            paid_at = protocol::Instant{};
            return;
        }
        paid_at = std::max(paid_at, now - kBurst) +
                  std::chrono::nanoseconds(amount * kNanoseconds / rate);
    }

    protocol::Instant messages_paid_at_{};
    protocol::Instant bytes_paid_at_{};
};

}  // namespace spread::session
