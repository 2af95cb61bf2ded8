#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
    [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

/// Where something was said: file, line and column from 1.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
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
};

struct Daemon {
    std::string name;      ///< 1..19 bytes
    std::uint32_t id = 0;  ///< VirtualID or generated from the name; never 0
    bool id_explicit = false;
    IpAddress address;                  ///< filled by resolution when only a name was given
    std::vector<Interface> interfaces;  ///< empty: any address
    std::size_t segment = 0;            ///< index into Configuration::segments
    Position at;
};

struct Segment {
    std::vector<IpAddress> addresses;  ///< 1..5; multicast, broadcast or unicast
    std::uint16_t port = 4803;         ///< P: data and clients, P+1: token
    std::vector<std::size_t> daemons;  ///< indices into Configuration::daemons
    Position at;
};

enum class TriState : std::uint8_t { kOff, kOn, kAuto };

/// Membership timeouts as stock names them; all given or none.
struct StockTimeouts {
    std::chrono::milliseconds token, hurry, alive, join, rep, seg, gather, form, lookup;
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
    std::optional<std::string> event_time_stamp;  ///< strftime format
    bool event_precise_time_stamp = false;
    bool dangerous_monitor = false;
    TriState socket_port_reuse = TriState::kAuto;
    std::optional<std::string> runtime_dir;
    std::optional<std::string> daemon_user;
    std::optional<std::string> daemon_group;
    std::vector<std::string> required_auth_methods;
    std::vector<std::string> allowed_auth_methods = {"NULL"};
    std::string access_control_policy = "PERMIT";
    std::uint32_t max_session_messages = 1000;
    std::optional<std::uint32_t> window;
    std::optional<std::uint32_t> personal_window;
    std::optional<bool> accelerated_ring;
    std::optional<std::uint32_t> accelerated_window;
    std::optional<bool> wide_area_network;
    std::optional<StockTimeouts> timeouts;
    bool exclude_seg_addrs_from_hash = false;
    bool ignore_multicast_join_errors = false;

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

/// Which configured daemon this process is: index into daemons, or one clear sentence why none.
/// `wanted_name` is the -n option, empty when not given; `local_addresses` are this host's.
/// Without -n: the first daemon, in file order, whose address is local or whose name is the host
/// name.
struct SelfResult {
    std::optional<std::size_t> daemon;
    std::string error;
};
[[nodiscard]] SelfResult find_self(const Configuration& configuration, std::string_view wanted_name,
                                   std::string_view host_name,
                                   const std::vector<IpAddress>& local_addresses);

}  // namespace spread::config
