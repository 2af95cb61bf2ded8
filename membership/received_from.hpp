#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// The data packets that each daemon has stamped, as they came in here: for people who want to know
/// between whom packets are lost. Decides nothing.
class ReceivedFrom {
  public:
    /// Since the start.
    struct Count {
        std::uint64_t packets = 0;
        std::uint64_t lost = 0;  ///< of these, which came late enough to be asked for
    };

    explicit ReceivedFrom(std::size_t daemons) : counts_(daemons) {}

    void note(protocol::DaemonIndex stamper, bool is_lost) {
        ++counts_[stamper].packets;
        counts_[stamper].lost += is_lost ? 1 : 0;
    }
    [[nodiscard]] const Count& of(protocol::DaemonIndex stamper) const { return counts_[stamper]; }

  private:
    std::vector<Count> counts_;  ///< by configuration position
};

}  // namespace spread::membership
