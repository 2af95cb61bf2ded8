#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/stress/conversation.hpp"
#include "tests/stress/daemon.hpp"
#include "tests/stress/loop.hpp"

namespace spread::stress {

/// Conversation number i depends on the seed and on i alone.
[[nodiscard]] protocol::Rng rng_of(std::uint64_t seed, std::uint64_t number);

/// Holds many hostile conversations with a daemon, a certain number of them at any time.
class HostileLoad {
  public:
    struct Plan {
        std::uint64_t seed = 0;
        std::uint64_t first = 0;
        std::uint64_t count = 0;
        std::size_t parallel = 48;
        /// New ones per second at most, 0: as fast as places become free.
        std::size_t rate = 0;
    };

    struct Counts {
        std::uint64_t held = 0;
        std::uint64_t not_connected = 0;
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
        std::array<std::uint64_t, kKinds> of_kind{};
    };

    HostileLoad(Loop& loop, Door door, const std::vector<Recording>& recordings, Plan plan);
    ~HostileLoad();
    HostileLoad(const HostileLoad&) = delete;
    HostileLoad& operator=(const HostileLoad&) = delete;

    void start();
    [[nodiscard]] bool is_done() const;
    [[nodiscard]] const Counts& counts() const { return counts_; }
    /// Numbers of the conversations that go on now.
    [[nodiscard]] std::vector<std::uint64_t> open() const;

  private:
    class Attack;

    void fill();
    /// False when it must be tried again later.
    [[nodiscard]] bool begin(std::uint64_t number);
    void on_end(std::uint64_t number);

    Loop& loop_;
    Door door_;
    const std::vector<Recording>& recordings_;
    Plan plan_;
    std::uint64_t next_;
    Clock::time_point started_;
    Loop::Timer filling_ = 0;
    Loop::Timer burying_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Attack>> attacks_;
    std::vector<std::unique_ptr<Attack>> ended_;  ///< destroyed by the loop's next timer
    Counts counts_;
};

}  // namespace spread::stress
