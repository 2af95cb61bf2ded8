#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "config/configuration.hpp"
#include "daemon/session/session_machine.hpp"
#include "protocol/time.hpp"

namespace spread::session {

using config::SlowReaderPolicy;

/// Limits and identity of the session layer: the options that are used as they are, and what
/// follows from others. Fixed for one life of the daemon, except where a setter exists.
struct SessionConfig : config::SessionOptions {
    std::string daemon_name;  ///< 1..19 bytes
    /// From one address, or what PeerAddress::place() takes for one; the Unix socket is not
    /// limited.
    std::size_t place_sessions_max = std::numeric_limits<std::size_t>::max();
    /// So many clients of the Unix socket get in even when all sessions are taken.
    std::size_t unix_sessions_reserved = 0;
    /// Bytes in the queues of all sessions together; a shared message counts once. When there are
    /// more, the session with the longest queue ends.
    std::size_t queued_bytes_max = std::size_t{1} << 30U;
    /// Memberships of all clients of all daemons, as far as known here; a join of a client of ours
    /// beyond is sent back as rejected. Joins that daemons ask for at the same moment may lead
    /// beyond it, and so may a merge of partitions.
    std::size_t memberships_max = 1000000;
    /// When all sessions are taken, the oldest handshake that has taken longer than this makes room
    /// for a newcomer.
    protocol::Duration handshake_protected = std::chrono::seconds(3);
    /// After accept a peer must send its first byte within this time (stock: 1 s).
    protocol::Duration first_byte_timeout = std::chrono::seconds(1);
    /// How long a state exchange may stand still before the daemons that owe their state are taken
    /// out of the ring; longer by the time that readers may block.
    protocol::Duration exchange_timeout = std::chrono::seconds(10);
    AuthMethods auth;
};

}  // namespace spread::session
