#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/admin/formations.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/clients/session_log.hpp"
#include "daemon/session/traffic.hpp"
#include "membership/rotation_times.hpp"
#include "protocol/counters.hpp"

// All that a daemon tells of itself, as it was at one moment. docs/status.md describes its JSON
// form, which status_json.hpp makes; spreadctl, metrics and the page are made from the same.

namespace spread::admin {

struct MissingStatus {
    std::string daemon;
    std::string cause;  ///< a word of membership::Cause
    std::string text;   ///< why, and what to do
    WallTime since;
};

struct RingStatus {
    std::string state;  ///< "operational", "gather", "commit", "recovery", "starting"
    std::uint32_t representative_id = 0;
    std::uint64_t counter = 0;
    std::string representative;
    std::vector<std::string> members;
    std::size_t configured = 0;
    /// Of these, those with a name that nothing is known of; they may not exist.
    std::size_t unknown = 0;
    std::vector<MissingStatus> missing;
    std::optional<WallTime> since;
    std::optional<std::chrono::microseconds> took;  ///< to form it
    std::size_t changes_last_hour = 0;
    Formations formations;
    membership::RotationTimes rotations;  ///< since the start
    // Upper bounds, over the last seconds; nothing where the token only rested.
    std::optional<std::chrono::nanoseconds> rotation_p50;
    std::optional<std::chrono::nanoseconds> rotation_p99;
    std::chrono::milliseconds token_timeout{};
    std::vector<std::string> without_multicast;  ///< whom it does not reach
    std::string multicast_advice;                ///< what to do about that
    // As set here; all members agree on what is in force.
    std::chrono::milliseconds token_timeout_least{};
    std::chrono::milliseconds token_timeout_most{};
    std::vector<std::string> cut_off;  ///< whom an operator cuts off, for testing
    std::uint32_t settings_sum = 0;    ///< of the settings of the ring, as joins carry it
    std::uint32_t personal_window = 0;
    std::uint32_t accelerated_window = 0;   ///< 0: the token goes last
    bool is_stuck = false;                  ///< the ring's work has stood still for seconds
    std::chrono::milliseconds facts_age{};  ///< since the ring's thread has told of itself last
    /// Of the datagrams that the ring could not read, the last one.
    struct Refused {
        WallTime at;
        std::string source;
        std::string text;
    };
    std::uint64_t refused = 0;
    std::optional<Refused> refused_last{};
};

/// What a daemon has said of itself, when it was asked last.
struct PeerTold {
    std::string version;
    int wire = 0;
    std::uint32_t settings_sum = 0;  ///< as RingStatus
    WallTime at;
};

struct PeerStatus {
    std::string name;
    std::string address;
    std::uint16_t port = 0;
    std::size_t segment = 0;
    bool is_self = false;
    bool is_member = false;
    // How long ago a packet of it came last; nothing: never.
    std::optional<std::chrono::milliseconds> data_age;
    std::optional<std::chrono::milliseconds> group_age;
    std::optional<std::chrono::milliseconds> token_age;
    std::uint64_t packets = 0;           ///< data packets of it that came
    std::uint64_t lost = 0;              ///< of these, which had to be asked for
    std::optional<double> lost_share{};  ///< of those of the last minute; nothing: none came
    std::optional<PeerTold> told{};      ///< nothing: it has not answered yet
    bool by_group = false;               ///< it sends its data to us by a group address
    std::string settings_difference{};   ///< of its settings of the ring from ours; empty: none
};

struct ClientStatus {
    std::string name;  ///< "#user#daemon"; empty during its handshake
    std::string address;
    std::optional<int> process;  ///< of the Unix socket
    std::optional<unsigned> user;
    std::string login;
    std::string tls;          ///< its version; empty: plain text
    std::string certificate;  ///< the name in the one it showed
    std::string library;      ///< version
    WallTime since;
    std::size_t groups = 0;
    std::uint64_t messages_in = 0;
    std::uint64_t messages_out = 0;  ///< written to it
    std::size_t queue_messages = 0;
    std::size_t queue_bytes = 0;
    std::size_t socket_bytes = 0;  ///< written to it, and still with the kernel of this host
    std::string state;             ///< "handshake", "open", "slow", "ending"
    std::optional<WallTime> slow_since{};
};

/// A client for which much waits.
struct SlowClient {
    std::string name;
    WallTime since;
    std::size_t queue_messages = 0;
    std::size_t queue_bytes = 0;
};

/// Whom an operator keeps out.
struct BanStatus {
    std::string subject;
    WallTime until;
    std::chrono::seconds left{};
    std::string reason;
    std::string by;
    std::uint64_t refused = 0;
};

struct GroupStatus {
    std::string name;
    std::size_t members = 0;
    std::uint64_t messages = 0;  ///< sent to it, by clients of any daemon, while it was known here
    std::uint64_t bytes = 0;     ///< of these messages
};

/// The groups to which most is sent.
struct BusiestGroups {
    struct Group {
        std::string name;
        std::size_t members = 0;
        double messages_per_s = 0;
        double bytes_per_s = 0;
    };
    std::chrono::milliseconds over{};  ///< the time that rates are about
    std::vector<Group> groups;         ///< the busiest first
};

/// What the session thread says; nothing when it did not answer in time.
struct SessionsStatus {
    std::size_t connected = 0;
    std::size_t slow = 0;
    static constexpr std::size_t kSlowNamed = 10;
    std::vector<SlowClient> slow_clients{};  ///< the first few, the slowest first
    std::size_t queue_bytes = 0;             ///< a message that several wait for counts once
    std::size_t queue_bytes_max = 0;         ///< of one client
    std::size_t groups = 0;
    std::size_t memberships = 0;
    bool groups_are_settled = false;  ///< no exchange of group state is under way
    daemon::SessionTotals totals;
    session::Traffic traffic;
    std::size_t submit_queue_messages = 0;  ///< of clients, not taken by the ring yet
    std::size_t delivery_queue_bytes = 0;   ///< from the ring, not taken by the sessions yet
    std::vector<std::pair<protocol::CounterInfo, std::uint64_t>> tls_counters;
};

/// What clients that speak TLS are shown.
struct TlsStatus {
    std::string mode;  ///< of ClientTLS
    std::string certificate;
    WallTime expires;
};

/// Per second, over the last seconds.
struct Rates {
    double submitted = 0;
    double delivered = 0;
    double packets = 0;
    double retransmitted = 0;
};

struct Verdict {
    std::string state;     ///< "healthy", "degraded", "alone", "forming", "stuck"
    std::string sentence;  ///< for people
    std::vector<std::string> advice;

    [[nodiscard]] bool is_healthy() const { return state == "healthy"; }
};

struct Status {
    std::string name;
    std::uint32_t id = 0;
    std::string address;
    std::uint16_t port = 0;
    std::string version;
    std::string commit;  ///< empty: not known
    int wire = 0;
    int process = 0;
    std::uint64_t log_lines_lost = 0;
    std::uint64_t state_write_failures = 0;
    bool files_are_good = true;  ///< what SIGHUP reads, when it was read last
    WallTime at;
    WallTime started_at;
    std::optional<WallTime> draining_until;
    RingStatus ring;
    std::vector<PeerStatus> peers;  ///< configuration order
    std::optional<SessionsStatus> sessions;
    std::optional<TlsStatus> tls;
    std::size_t clients_max = 0;
    std::size_t client_messages_max = 0;
    std::size_t client_bytes_max = 0;
    /// For how long all wait for a client whose queue is full; nothing: it is disconnected at once.
    std::optional<std::chrono::milliseconds> slow_reader_timeout{};
    std::string config_file;  ///< empty: the built-in one
    std::uint32_t config_hash = 0;
    Rates rates;
    using Counter = std::pair<protocol::CounterInfo, std::uint64_t>;
    std::vector<Counter> ring_counters;
    std::vector<Counter> udp_counters;
    std::vector<Counter> seal_counters;
};

/// What else an operator should know, each with its daemon or client: settings that differ.
[[nodiscard]] std::vector<std::string> warnings_of(const Status& status);

/// What a daemon that is ready says of its ring: "ok", or "ok, but alone (1 of 3 daemons)".
[[nodiscard]] std::string readiness_text(const Status& status);

/// One sentence and what to do.
[[nodiscard]] Verdict verdict_of(const Status& status);

}  // namespace spread::admin
