#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/ip_address.hpp"

namespace spread::config {

/// What an address of an interface stanza is used for.
struct Interface {
    IpAddress address;
    bool daemon = true;   ///< D, or no letter
    bool client = true;   ///< C, or no letter
    bool monitor = true;  ///< M, or no letter
    Position at{};        ///< of the address
};

struct Daemon {
    std::string name;      ///< 1..19 bytes
    std::uint32_t id = 0;  ///< VirtualID or generated from the name; never 0
    bool id_explicit = false;
    IpAddress address;                  ///< filled by resolution when only a name was given
    std::string host;                   ///< its name, looked up while the daemon runs; `address` is
                                        ///< then the unspecified one. Empty: `address` is literal
    std::vector<Interface> interfaces;  ///< empty: any address
    std::size_t segment = 0;            ///< index into Configuration::segments
    Position at{};                      ///< of the name, or of the address when it is the name
    Position address_at{};              ///< of the address; equals `at` when only a name was given

    /// For people: the address, or the name that stands for it.
    [[nodiscard]] std::string place() const { return host.empty() ? address.to_string() : host; }
};

struct Segment {
    /// 1..5; multicast, broadcast or unicast. None: packets go to each daemon by itself.
    std::vector<IpAddress> addresses;
    std::uint16_t port = 4803;             ///< P: data and clients, P+1: token
    std::vector<std::size_t> daemons;      ///< indices into Configuration::daemons
    Position at{};                         ///< of the word Spread_Segment
    std::vector<Position> addresses_at{};  ///< one per address
};

enum class TriState : std::uint8_t { kOff, kOn, kAuto };

/// Membership timeouts as stock names them. A checked configuration has all of them, none, or
/// `token` alone, with which the others scale.
struct StockTimeouts {
    std::optional<std::chrono::milliseconds> token, hurry, alive, join, rep, seg, gather, form,
        lookup;

    friend bool operator==(const StockTimeouts&, const StockTimeouts&) = default;
};

/// An option of the file and where it was given last. `name` views the table of options.
struct GivenOption {
    std::string_view name;
    Position at;

    friend bool operator==(const GivenOption&, const GivenOption&) = default;
};

/// What happens when a client's queue is full (SlowReaderPolicy).
enum class SlowReaderPolicy : std::uint8_t {
    kDisconnect,  ///< the client is disconnected, as stock does
    kBlock,       ///< senders wait for it, for SlowReaderTimeout at most
};

enum class LogPriority : std::uint8_t { kDebug, kInfo, kWarning, kError, kCritical, kFatal };

/// The options about clients that the session layer uses as the file gives them.
struct SessionOptions {
    std::uint32_t max_sessions = 997;  ///< as stock; includes unfinished handshakes
    /// Compared with the number of messages queued when a ring event comes, since one event may
    /// bring a message for each group of a client.
    std::uint32_t max_session_messages = 1000;
    std::uint32_t max_session_bytes = 167772160;  ///< as much as 1000 of the longest messages
    std::uint32_t max_session_groups = 65536;     ///< a join beyond is sent back as rejected
    SlowReaderPolicy slow_reader_policy = SlowReaderPolicy::kDisconnect;
    std::chrono::nanoseconds slow_reader_timeout = std::chrono::seconds(5);  ///< of kBlock
    std::chrono::nanoseconds handshake_timeout = std::chrono::seconds(10);
    /// True: libraries of version 3 get memberships in their own layout. False: in that of 4.0,
    /// which they misread, as from stock 5.0.1.
    bool old_client_layout = true;
};

/// A checked configuration: immutable once built. Values not set in the file are nullopt where
/// "unset" differs from every value.
struct Configuration : SessionOptions {
    std::string file_name;  ///< empty: the built-in default
    std::vector<Segment> segments;
    std::vector<Daemon> daemons;  ///< file order over all segments

    std::uint32_t debug_flags = 0x111;  ///< subjects of log lines, the bits of daemon::LogType
    LogPriority event_priority = LogPriority::kInfo;
    std::optional<std::string> event_log_file;
    /// strftime format; unset: no time stamps. Ends in %s or %S when the precise stamp is on, so
    /// that the fraction of a second can follow it.
    std::optional<std::string> event_time_stamp;
    bool event_precise_time_stamp = false;
    std::string log_format = "text";  ///< text or json
    bool log_name = false;            ///< the daemon's name in every line
    bool dangerous_monitor = false;
    TriState socket_port_reuse = TriState::kAuto;
    std::optional<std::string> unix_socket_dir;  ///< unset: /tmp
    std::optional<std::string> runtime_dir;
    std::optional<std::string> control_socket;  ///< unset: /run/spread/PORT.ctl; "off": none
    std::optional<std::string> admin_listen;    ///< ADDRESS:PORT; unset: none
    bool admin_write = false;                   ///< there, too, with the token
    std::optional<std::string> admin_token_file;
    bool record_ring_changes = true;  ///< the flight recorder's memory goes to the state directory
    std::optional<std::string> daemon_user;
    std::optional<std::string> daemon_group;
    /// Of NULL, IP and PWORD, each once and in this order, which is the one clients are told.
    std::vector<std::string> required_auth_methods;
    std::vector<std::string> allowed_auth_methods = {"NULL"};
    std::string access_control_policy = "PERMIT";  ///< PERMIT or RULES
    std::optional<std::string> access_ip_file;
    std::optional<std::string> access_password_file;
    std::optional<std::string> access_rules_file;
    std::string client_tls = "off";  ///< off, allow or require
    std::optional<std::string> tls_certificate_file;
    std::optional<std::string> tls_key_file;
    std::optional<std::string> tls_client_ca_file;
    std::optional<std::uint32_t> max_sessions_per_address;
    std::uint32_t max_memberships = 1000000;
    std::optional<std::uint32_t> memory_budget;  ///< MiB
    std::optional<IpAddress::Family> active_ip_version;
    std::optional<std::uint32_t> datagram_bytes;
    std::optional<std::uint32_t> window;
    std::optional<std::uint32_t> personal_window;
    std::optional<bool> accelerated_ring;
    std::optional<std::uint32_t> accelerated_window;
    std::optional<bool> wide_area_network;
    StockTimeouts timeouts;
    std::optional<std::uint32_t> token_timeout_max;  ///< ms
    std::optional<std::string> ring_key_file;        ///< unset: the ring is not sealed
    std::optional<std::string> ring_sealing;         ///< accept, send or require; unset: require
    bool exclude_seg_addrs_from_hash = false;
    bool ignore_multicast_join_errors = false;

    /// The options the file gives, sorted by name.
    std::vector<GivenOption> given;

    /// Where an option was given last, for problems that only the host can see, such as a log file
    /// that cannot be opened; nullopt when the file does not give it.
    [[nodiscard]] std::optional<Position> position_of(std::string_view option) const;

    /// More than one segment, unless WideAreaNetwork says otherwise.
    [[nodiscard]] bool is_wide_area() const {
        return wide_area_network.value_or(segments.size() > 1);
    }
};

/// The configuration used when no file is given and none is found: one daemon "localhost" at
/// 127.0.0.1, port 4803, that serves clients of this host only.
[[nodiscard]] Configuration default_configuration();

}  // namespace spread::config
