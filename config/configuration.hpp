#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace spread::config {

/// An IPv4 or IPv6 address literal, network byte order, without a port.
struct IpAddress {
    enum class Family : std::uint8_t { kV4, kV6 };
    Family family = Family::kV4;
    std::array<std::uint8_t, 16> bytes{};  ///< the first 4 for IPv4
    std::string scope;                     ///< IPv6 "%interface", not part of identity or hash

    friend bool operator==(const IpAddress& a, const IpAddress& b) {
        return a.family == b.family && a.bytes == b.bytes;
    }
    [[nodiscard]] bool is_multicast() const;
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_unspecified() const;
    /// Text that parse_ip() reads back: IPv6 in its shortest form, with "%scope" when there is one.
    [[nodiscard]] std::string to_string() const;
};

/// An address literal without brackets and port (configuration 2): four decimal octets without
/// leading zeros, or IPv6 groups without an embedded dotted quad and with an optional "%scope".
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

/// Where something was said: line and column from 1, the column in bytes.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend bool operator==(const Position&, const Position&) = default;
    friend auto operator<=>(const Position&, const Position&) = default;
};

enum class Severity : std::uint8_t { kWarning, kError };

/// One problem of a configuration file.
struct Diagnostic {
    Severity severity = Severity::kError;
    Position at;
    std::string message;
};

/// "file:line:column: error: message"
[[nodiscard]] std::string format(const Diagnostic& diagnostic, std::string_view file_name);

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
    std::vector<Interface> interfaces;  ///< empty: any address
    std::size_t segment = 0;            ///< index into Configuration::segments
    Position at{};                      ///< of the name, or of the address when it is the name
    Position address_at{};              ///< of the address; equals `at` when only a name was given
};

struct Segment {
    std::vector<IpAddress> addresses;      ///< 1..5; multicast, broadcast or unicast
    std::uint16_t port = 4803;             ///< P: data and clients, P+1: token
    std::vector<std::size_t> daemons;      ///< indices into Configuration::daemons
    Position at{};                         ///< of the word Spread_Segment
    std::vector<Position> addresses_at{};  ///< one per address
};

enum class TriState : std::uint8_t { kOff, kOn, kAuto };

/// Membership timeouts as stock names them; all given or none.
struct StockTimeouts {
    std::chrono::milliseconds token, hurry, alive, join, rep, seg, gather, form, lookup;
};

/// What happens when a client's queue is full (SlowReaderPolicy).
enum class SlowReaderPolicy : std::uint8_t {
    kDisconnect,  ///< the client is disconnected, as stock does
    kBlock,       ///< senders wait for it, for SlowReaderTimeout at most
};

enum class LogPriority : std::uint8_t { kDebug, kInfo, kWarning, kError, kCritical, kFatal };

/// A checked configuration: immutable once built. Values not set in the file are nullopt where
/// "unset" differs from every value.
struct Configuration {
    std::string file_name;  ///< empty: the built-in default
    std::vector<Segment> segments;
    std::vector<Daemon> daemons;  ///< file order over all segments

    std::uint32_t debug_flags = 0x111;  ///< type bits of operations.md section 4
    LogPriority event_priority = LogPriority::kInfo;
    std::optional<std::string> event_log_file;
    /// strftime format; unset: no time stamps. Ends in %s or %S when the precise stamp is on, so
    /// that the fraction of a second can follow it.
    std::optional<std::string> event_time_stamp;
    bool event_precise_time_stamp = false;
    bool dangerous_monitor = false;
    TriState socket_port_reuse = TriState::kAuto;
    std::optional<std::string> runtime_dir;
    std::optional<std::string> daemon_user;
    std::optional<std::string> daemon_group;
    /// Of NULL, IP and PWORD, each once and in this order, which is the one clients are told.
    std::vector<std::string> required_auth_methods;
    std::vector<std::string> allowed_auth_methods = {"NULL"};
    std::string access_control_policy = "PERMIT";  ///< PERMIT or RULES
    std::optional<std::string> access_ip_file;
    std::optional<std::string> access_password_file;
    std::optional<std::string> access_rules_file;
    std::uint32_t max_sessions = 997;
    std::uint32_t max_session_messages = 1000;
    std::uint32_t max_session_bytes = 167772160;  ///< as much as 1000 of the longest messages
    std::uint32_t max_session_groups = 65536;
    std::chrono::milliseconds slow_reader_timeout{5000};
    SlowReaderPolicy slow_reader_policy = SlowReaderPolicy::kDisconnect;
    bool old_client_layout = true;
    std::optional<std::uint32_t> window;
    std::optional<std::uint32_t> personal_window;
    std::optional<bool> accelerated_ring;
    std::optional<std::uint32_t> accelerated_window;
    std::optional<bool> wide_area_network;
    std::optional<StockTimeouts> timeouts;
    bool exclude_seg_addrs_from_hash = false;
    bool ignore_multicast_join_errors = false;

    /// Where each option of the file was given last, by its name: for problems that only the host
    /// can see, such as a log file that cannot be opened.
    std::map<std::string, Position, std::less<>> option_at;

    /// More than one segment, unless WideAreaNetwork says otherwise.
    [[nodiscard]] bool is_wide_area() const {
        return wide_area_network.value_or(segments.size() > 1);
    }
};

/// Finds the address of a daemon given by name only. The daemon passes the system's resolver; tests
/// a table. Returns nullopt and fills `error` when the name does not resolve.
class Resolver {
  public:
    virtual ~Resolver() = default;
    [[nodiscard]] virtual std::optional<IpAddress> resolve(std::string_view name,
                                                           std::optional<IpAddress::Family> family,
                                                           std::string& error) = 0;
};

/// A longer file is refused before it is looked at. A reader may stop at one byte more than this.
inline constexpr std::size_t kMaxFileBytes = std::size_t{4} * 1024 * 1024;

/// After this many errors the rest of the file is not looked at; further warnings are left out. One
/// closing line says so.
inline constexpr std::size_t kMaxErrors = 20;
inline constexpr std::size_t kMaxWarnings = 20;

struct ParseResult {
    std::optional<Configuration> configuration;  ///< set when no diagnostic is an error
    std::vector<Diagnostic> diagnostics;         ///< in file order
};

/// Parses and checks a whole file held in memory. Reports every problem found, not only the first.
[[nodiscard]] ParseResult parse(std::string_view text, std::string_view file_name,
                                Resolver& resolver);

/// The configuration used when no file is given and none is found: one daemon "localhost" at
/// 127.0.0.1, port 4803.
[[nodiscard]] Configuration default_configuration();

/// Stock's identity hash of a daemon name (configuration.md section 5, VirtualID).
[[nodiscard]] std::uint32_t daemon_id_of_name(std::string_view name);

/// Stock's configuration hash text and hash (configuration.md section 7), for the monitor protocol
/// and for the ring wire: daemons whose hashes differ ignore each other.
[[nodiscard]] std::string hash_text(const Configuration& configuration);
[[nodiscard]] std::uint32_t configuration_hash(const Configuration& configuration);

/// Whether `address` belongs to the host with these addresses. Any 127.x.y.z does as soon as one of
/// them does, because the loopback interface answers to the whole network.
[[nodiscard]] bool is_local(const IpAddress& address,
                            const std::vector<IpAddress>& local_addresses);

/// Which configured daemon this process is: index into daemons, or one clear sentence why none.
/// `wanted_name` is the -n option, empty when not given; `local_addresses` are this host's.
/// Without -n: the first daemon, in file order, whose address is local. The host name only serves
/// the explanation: a daemon that bears it but has a foreign address is named in the error.
struct SelfResult {
    std::optional<std::size_t> daemon;
    std::string error;
};
[[nodiscard]] SelfResult find_self(const Configuration& configuration, std::string_view wanted_name,
                                   std::string_view host_name,
                                   const std::vector<IpAddress>& local_addresses);

/// What a host says about itself, gathered by the caller.
struct HostFacts {
    std::vector<IpAddress> addresses;
    std::vector<std::string> interface_names;
};

/// The problems daemon `self` would have on this host although the file is good: interface
/// addresses the host lacks and IPv6 scopes that name no interface of it. Only the own daemon and
/// segment are looked at; those of other daemons concern other hosts.
[[nodiscard]] std::vector<Diagnostic> check_host(const Configuration& configuration,
                                                 std::size_t self, const HostFacts& host);

}  // namespace spread::config
