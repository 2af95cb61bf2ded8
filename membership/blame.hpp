#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Memory of daemons with whom rings failed although all that joins and probes show of them is
/// good: packets that it asks for never arrive, or commit tokens do not get past it. A first time
/// is an accident. Who does it again is left out for a while, which doubles each time; one member
/// that leaves it out is enough, since its reports say so. It is over at once when there is news of
/// the daemon: another life, or a link that was bad and is good again.
class Blame {
  public:
    struct Times {
        protocol::Duration memory;  ///< a failure so long after the last one is a first one
        protocol::Duration least;   ///< for which a daemon is left out
        protocol::Duration most;
    };

    Blame(std::size_t daemons, const Times& times) : times_(times), records_(daemons) {}

    /// A ring failed because of `daemon`. True: it is left out from now on.
    [[nodiscard]] bool note(protocol::Instant now, protocol::DaemonIndex daemon) {
        Record& record = records_[daemon];
        const bool again = record.last && now - *record.last < times_.memory + record.left_out_for;
        record.left_out_for = again ? std::clamp(2 * record.left_out_for, times_.least, times_.most)
                                    : protocol::Duration{};
        record.last = now;
        record.bad_since.reset();
        return again;
    }
    /// Whether the links to and from `daemon` are good, as far as is known. For a moment they look
    /// bad whenever rings form.
    void note_links(protocol::Instant now, protocol::DaemonIndex daemon, bool good) {
        Record& record = records_[daemon];
        if (!good) {
            record.bad_since = record.bad_since.value_or(now);
        } else if (record.bad_since && now - *record.bad_since >= times_.least) {
            record = {};
        } else {
            record.bad_since.reset();
        }
    }
    /// It has another life.
    void forget(protocol::DaemonIndex daemon) { records_[daemon] = {}; }
    [[nodiscard]] protocol::DaemonSet left_out(protocol::Instant now) const {
        protocol::DaemonSet out;
        for (protocol::DaemonIndex i = 0; i < records_.size(); ++i) {
            if (records_[i].last && now < *records_[i].last + records_[i].left_out_for) {
                out.insert(i);
            }
        }
        return out;
    }

  private:
    struct Record {
        std::optional<protocol::Instant> last;
        protocol::Duration left_out_for{};
        std::optional<protocol::Instant> bad_since;  ///< when a link with it was bad, after that
    };

    Times times_;
    std::vector<Record> records_;  ///< by configuration position
};

}  // namespace spread::membership
