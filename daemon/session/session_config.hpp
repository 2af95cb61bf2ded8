#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "config/configuration.hpp"
#include "daemon/session/session_machine.hpp"
#include "protocol/time.hpp"

namespace spread::session {

using config::SlowReaderPolicy;

/// Limits and identity of the session layer; fixed for one life of the daemon, except where a
/// setter exists.
struct SessionConfig {
    std::string daemon_name;         ///< 1..19 bytes
    std::size_t sessions_max = 997;  ///< as stock; includes unfinished handshakes
    /// From one address, or what PeerAddress::place() takes for one; the Unix socket is not
    /// limited.
    std::size_t place_sessions_max = std::numeric_limits<std::size_t>::max();
    /// So many clients of the Unix socket get in even when all sessions are taken.
    std::size_t unix_sessions_reserved = 0;
    /// MaxSessionMessages. Compared with the number of messages queued when a ring event comes,
    /// since one event may bring a message for each group of a client.
    std::size_t session_messages_max = 1000;
    /// Queued bytes per session. The default is never tighter than 1000 messages of any size.
    std::size_t session_bytes_max = 160U << 20U;
    /// Bytes in the queues of all sessions together; a shared message counts once. When there are
    /// more, the session with the longest queue ends.
    std::size_t queued_bytes_max = std::size_t{1} << 30U;
    std::size_t session_groups_max = 65536;  ///< a join beyond is sent back as rejected
    /// Memberships of all clients of all daemons, as far as known here; a join of a client of ours
    /// beyond is sent back as rejected. Joins that daemons ask for at the same moment may lead
    /// beyond it, and so may a merge of partitions.
    std::size_t memberships_max = 1000000;
    SlowReaderPolicy slow_reader_policy = SlowReaderPolicy::kDisconnect;
    protocol::Duration slow_reader_timeout = std::chrono::seconds(5);  ///< of kBlock
    protocol::Duration handshake_timeout = std::chrono::seconds(10);
    /// When all sessions are taken, the oldest handshake that has taken longer than this makes room
    /// for a newcomer.
    protocol::Duration handshake_protected = std::chrono::seconds(3);
    /// After accept a peer must send its first byte within this time (stock: 1 s).
    protocol::Duration first_byte_timeout = std::chrono::seconds(1);
    AuthMethods auth;
    /// True: libraries of version 3 get memberships in their own layout. False: in that of 4.0,
    /// which they misread, as from stock 5.0.1.
    bool old_client_layout = true;
};

}  // namespace spread::session
