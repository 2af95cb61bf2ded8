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
/// that leaves it out is enough, since its reports say so; and the others of its ring remember it,
/// too, or the next ring would fail once for each of them. It is over at once when there is news of
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
        const bool again = is_remembered(now, record);
        if (!again) {
            record.left_out_for = {};
        } else if (record.by_us || now >= end_of(record)) {  // else it is what others have noted
            lengthen(record);
        }
        record.last = now;
        record.by_us = again;
        record.bad_since.reset();
        return again;
    }
    /// Another member of the ring has begun to leave `daemon` out, which this one need not do.
    void hear(protocol::Instant now, protocol::DaemonIndex daemon) {
        Record& record = records_[daemon];
        if (record.last && now < end_of(record)) {
            return;  // for the same failure
        }
        if (!is_remembered(now, record)) {
            record.left_out_for = {};
        }
        lengthen(record);
        record.last = now;
        record.by_us = false;
        record.bad_since.reset();
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
            if (records_[i].by_us && now < end_of(records_[i])) {
                out.insert(i);
            }
        }
        return out;
    }

  private:
    struct Record {
        std::optional<protocol::Instant> last;
        protocol::Duration left_out_for{};
        bool by_us = false;
        std::optional<protocol::Instant> bad_since;  ///< when a link with it was bad, after that
    };

    [[nodiscard]] static protocol::Instant end_of(const Record& record) {
        return *record.last + record.left_out_for;
    }
    [[nodiscard]] bool is_remembered(protocol::Instant now, const Record& record) const {
        return record.last && now < end_of(record) + times_.memory;
    }
    void lengthen(Record& record) const {
        record.left_out_for = std::clamp(2 * record.left_out_for, times_.least, times_.most);
    }

    Times times_;
    std::vector<Record> records_;  ///< by configuration position
};

}  // namespace spread::membership
