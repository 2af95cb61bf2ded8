#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "membership/engine_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// When a packet of each daemon came last by each way, whatever it said: for people who want to
/// know which port is silent. Decides nothing.
class LastHeard {
  public:
    static constexpr std::size_t kWays = 3;  ///< of Arrival

    explicit LastHeard(std::size_t daemons) : at_(daemons) {
        for (auto& ways : at_) {
            ways.fill(protocol::Instant::min());
        }
    }

    void note(protocol::DaemonIndex daemon, Arrival way, protocol::Instant now) {
        at_[daemon][static_cast<std::size_t>(way)] = now;
    }
    /// Instant::min(): never.
    [[nodiscard]] protocol::Instant at(protocol::DaemonIndex daemon, Arrival way) const {
        return at_[daemon][static_cast<std::size_t>(way)];
    }

  private:
    std::vector<std::array<protocol::Instant, kWays>> at_;  ///< by configuration position
};

}  // namespace spread::membership
