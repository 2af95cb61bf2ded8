#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

/// The last join of every daemon: recognises copies, late ones, and those of an earlier life.
class JoinLog {
  public:
    explicit JoinLog(std::size_t daemons) : last_(daemons) {}

    /// True, and noted, if `join` of `daemon` is new. `known` is the daemon's incarnation if it is
    /// a member of our ring, else 0. From a daemon outside the ring a lower incarnation is
    /// accepted, too, since its host may have lost the state file while its clock went back; so a
    /// late join of an older life costs one needless gather.
    [[nodiscard]] bool note(std::size_t daemon, const protocol::Join& join,
                            protocol::Incarnation known) {
        Last& last = last_[daemon];
        if (join.incarnation == last.incarnation && join.join_seq <= last.join_seq) {
            return false;
        }
        if (join.incarnation < known) {
            return false;
        }
        last = {join.incarnation, join.join_seq};
        return true;
    }

  private:
    struct Last {
        protocol::Incarnation incarnation;
        std::uint64_t join_seq = 0;
    };

    std::vector<Last> last_;  ///< by configuration position
};

}  // namespace spread::membership
