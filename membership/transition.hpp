#pragma once

#include <optional>
#include <variant>

#include "membership/trace.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

// What a state says about what comes next. A state never replaces itself: the engine does, when the
// state's function has returned.

/// The state stays.
struct Stay {};

/// The ring, or the one being formed, is given up.
struct ToGather {
    ChangeReason reason;
    protocol::DaemonId peer;   ///< whose packet caused it; 0 when none did
    protocol::DaemonSet proc;  ///< candidates besides the known ones
    protocol::DaemonSet fail;  ///< daemons to be left out
    /// The peer's join that caused it; it counts for the gather that it starts.
    std::optional<protocol::Join> join;
};

/// All candidates agree: `token` makes a ring of them. Our own entry is still to be filled in.
struct ToCommit {
    protocol::CommitToken token;
    ChangeReason reason;
    protocol::DaemonId peer;
};

/// The commit token says what all members hold.
struct ToRecovery {
    protocol::CommitToken token;
};

/// Recovery is over: the ring being formed is installed.
struct ToRing {};

/// No other daemon is there: a ring of one.
struct ToRingOfOne {};

using Next = std::variant<Stay, ToGather, ToCommit, ToRecovery, ToRing, ToRingOfOne>;

}  // namespace spread::membership
