#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Members of whom the kernel said that nobody listens there. That is a hint: anybody can forge it,
/// and a firewall says so for the moment in which it is loaded. They are asked, and given up only
/// when nothing of them comes in time: no answer, and no sign of their own (say_alive).
class Challenges {
  public:
    explicit Challenges(std::size_t daemons) : ends_(daemons) {}

    /// True when it is new: `daemon` is to be asked until `end`.
    [[nodiscard]] bool begin(protocol::DaemonIndex daemon, protocol::Instant end) {
        if (open_.contains(daemon)) {
            return false;
        }
        open_.insert(daemon);
        ends_[daemon] = end;
        return true;
    }
    /// A packet of `daemon` has come.
    void answered(protocol::DaemonIndex daemon) { open_.erase(daemon); }
    /// Who has not answered in time; they are not asked any more.
    [[nodiscard]] protocol::DaemonSet take_overdue(protocol::Instant now) {
        protocol::DaemonSet overdue;
        for (const protocol::DaemonIndex daemon : open_) {
            if (ends_[daemon] <= now) {
                overdue.insert(daemon);
            }
        }
        open_ -= overdue;
        return overdue;
    }
    /// Nobody is overdue before `at`.
    void put_off(protocol::Instant at) {
        for (const protocol::DaemonIndex daemon : open_) {
            ends_[daemon] = std::max(ends_[daemon], at);
        }
    }
    [[nodiscard]] const protocol::DaemonSet& open() const { return open_; }
    void clear() { open_.clear(); }

  private:
    protocol::DaemonSet open_;
    std::vector<protocol::Instant> ends_;  ///< by configuration position, of open ones
};

}  // namespace spread::membership
