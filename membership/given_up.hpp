#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Daemons that were given up and are not heard for a while: others can work meanwhile, and they
/// may recover. Whoever does not hear a daemon cannot be in a ring with it, so it is enough that
/// one member does not.
class GivenUp {
  public:
    static constexpr protocol::Duration kDeafFor = std::chrono::seconds(60);

    explicit GivenUp(std::size_t daemons) : until_(daemons, protocol::Instant::min()) {}

    void give_up(protocol::Instant now, const protocol::DaemonSet& daemons) {
        for (const protocol::DaemonIndex daemon : daemons) {
            until_[daemon] = now + kDeafFor;
        }
    }
    [[nodiscard]] bool hears(protocol::Instant now, protocol::DaemonIndex daemon) const {
        return now >= until_[daemon];
    }

  private:
    std::vector<protocol::Instant> until_;  ///< by configuration position
};

}  // namespace spread::membership
