#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spread {

/// What to do when the connection to the daemon ends.
///
/// The first attempt follows at once (with up to `wait_min` of jitter, so that not all clients of a
/// dead daemon fall upon the next one together), at the server behind the one that was lost. After
/// each round through the list there is a pause, doubling from `wait_min` to `wait_max`.
struct Reconnect {
    int rounds_max = -1;  ///< rounds through the list of servers; -1: for ever
    std::chrono::milliseconds wait_min{100};
    std::chrono::milliseconds wait_max{5000};
    double jitter = 0.5;  ///< each pause is longer or shorter by up to this share
    /// A daemon may hold our name until it has ordered our disconnect. So long -6 is only a failed
    /// attempt; then it ends the session or, with `may_change_name`, the daemon invents a name.
    std::chrono::milliseconds name_in_use_max{10'000};
    bool may_change_name = false;
};

/// TCP's own keepalive: finds a host that is gone. A zero keeps the system's value.
struct TcpKeepalive {
    std::chrono::seconds idle{30};
    std::chrono::seconds interval{5};
    int probes = 3;
    std::chrono::milliseconds user_timeout{0};  ///< how long sent data may stay unacknowledged
};

/// What the method PWORD proves (docs/access.md). The wire has room for 32 and 8 bytes, and carries
/// them in clear text: for TLS, Unix sockets, loopback and networks that encrypt by themselves.
struct Login {
    std::string user;
    std::string password;
};

/// TLS with daemons that are reached by TCP (their option ClientTLS); Unix sockets stay as they
/// are. Files hold PEM and are read at each connect.
struct Tls {
    std::string ca_file{};           ///< whom to trust; empty: whom the system trusts
    std::string certificate_file{};  ///< ours, where the daemon asks for one
    std::string key_file{};          ///< the key to it; empty: it is in the same file
    std::string server_name{};  ///< what daemons' certificates say; empty: the host in `servers`
};

/// Everything about a session that can be chosen; what is not set has a sensible default.
struct Options {
    /// Daemons, tried in this order: "4803" or "" (Unix socket /tmp/4803), "4803@host" (TCP; every
    /// address of the name is tried), "/run/spread.sock". Empty: "4803", then "4803@localhost".
    std::vector<std::string> servers{};
    bool shuffle_servers = false;

    std::string private_name{};    ///< 1 to 10 bytes '$' to '~'; empty: the daemon invents one
    bool wants_membership = true;  ///< Membership, Transition and SelfLeave
    bool priority = false;         ///< carried, without effect in any known daemon

    std::optional<Login> login{};  ///< for daemons that ask for a password
    /// What the daemon shall check, all of which it must offer: "NULL" (nothing), "IP" (our
    /// address), "PWORD" (the login). Empty: PWORD with a login, else NULL.
    std::vector<std::string> auth_methods{};

    std::optional<Tls> tls{};  ///< nothing: plain text

    std::chrono::milliseconds connect_timeout{2000};  ///< for each server: socket and handshake
    std::chrono::milliseconds send_timeout{30'000};   ///< how long a blocking send waits for room

    std::optional<Reconnect> reconnect{};  ///< nothing: the session ends with its connection

    /// Back-pressure: what may wait for the socket to take it. Beyond either, queue() and the try_
    /// forms say kWouldBlock, and async forms wait.
    std::size_t send_queue_bytes_max = std::size_t{1} << 20U;
    std::size_t send_queue_messages_max = 10'000;

    TcpKeepalive keepalive{};
    /// After so long without a word from the daemon the session sends itself a message, which takes
    /// the whole way through the daemon's ordered stream and is not shown; 0: never. When
    /// `pings_max` of them stay unanswered the connection counts as lost. Works while somebody
    /// receives, or waits on descriptor().
    std::chrono::milliseconds ping_interval{0};
    int pings_max = 2;
};

}  // namespace spread
