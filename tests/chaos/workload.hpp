#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/rng.hpp"
#include "tests/checker/group_checker.hpp"

namespace spread::chaos {

/// One thing for a client to do.
struct Act {
    enum class Kind : std::uint8_t {
        kNothing,
        kSend,
        kJoin,
        kLeave,
        kStall,            ///< read nothing for a while
        kDisconnect,       ///< orderly
        kClose,            ///< without a word
        kCloseInAMessage,  ///< between two bytes of a message
    };
    Kind kind = Kind::kNothing;
    std::vector<std::string> groups;  ///< destinations, or the one group
    checker::ClientService service = checker::ClientService::kAgreed;
    bool self_discard = false;
    std::size_t bytes = 0;
    std::chrono::milliseconds stall{0};
};

/// Draws what one client does and when: moods from silence to bursts, few groups so that clients
/// meet, now and then something rude.
class Workload {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Workload(std::uint64_t seed) : rng_(seed) {}

    /// What is due by `now`; call again until nothing is. `names` are private names to send to. In
    /// calm times nothing ends or stalls a connection.
    [[nodiscard]] Act next(Clock::time_point now, const std::vector<std::string>& names,
                           bool is_calm);

  private:
    [[nodiscard]] Act draw_message(const std::vector<std::string>& names);
    [[nodiscard]] std::size_t draw_size();
    [[nodiscard]] std::string draw_group();
    [[nodiscard]] Act draw_interruption();
    /// Exponential around `mean`.
    [[nodiscard]] Clock::duration draw_wait(std::chrono::microseconds mean);

    protocol::Rng rng_;
    std::chrono::microseconds mean_gap_{100'000};
    Clock::time_point next_message_;
    Clock::time_point next_mood_;
    Clock::time_point next_membership_;
    Clock::time_point next_interruption_;
};

}  // namespace spread::chaos
