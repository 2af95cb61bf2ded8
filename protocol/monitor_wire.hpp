#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "protocol/ids.hpp"

// clang-format off
/// The wire of stock's monitor program, `spmonitor` 5.0.1, byte for byte: it sends datagrams to a
/// daemon's data port and gets reports back. Daemons use it among themselves where an operator asks
/// one of them about all, since it also reaches those that are not in the ring. Pure; nothing here
/// decides what is obeyed.
///
/// A request, in the byte order of its sender:
///
///   offset size field
///   0      4    type: 0x01000000 status, 0x02000000 partition, 0x04000000 flow control,
///               0x08000000 reload; together with 0x80000080 from a little-endian host. Partition
///               comes before status, status before flow control, that before reload.
///   4      4    transmitter: the daemon on whose host the monitor runs
///   8      4    sender: the daemon to whose address the report goes
///   12     8    membership id, unused
///   20     4    port for the report, in the low 16 bits
///   24     4    token round, unused
///   28     4    configuration hash
///   32     2    bytes of the body
///   34     6    unused
///   40          body
///
/// Body of a partition: a signed 16-bit number for each daemon, in the order of the file: its
/// component, or -1 for a daemon that is to end. Of flow control: two such numbers for each daemon,
/// personal window and accelerated window, then the window and one that is unused; -1 leaves as is.
/// Of a status, none from stock; daemon_report.hpp says what spreadd puts there.
///
/// A report has the same header and a body of 96 bytes: the fields of MonitorReport in their order,
/// with the reasons of retransmissions behind their sum and the version (5.0.1) at the end. Behind
/// that is what daemon_report.hpp says, for who has asked for it.
// clang-format on
namespace spread::protocol {

inline constexpr std::size_t kMonitorHeaderBytes = 40;
inline constexpr std::size_t kMonitorReportBytes = kMonitorHeaderBytes + 96;

/// A number for a window, or kLeave.
struct MonitorWindows {
    static constexpr std::int16_t kLeave = -1;
    std::int16_t personal = kLeave;
    std::int16_t accelerated = kLeave;

    friend bool operator==(const MonitorWindows&, const MonitorWindows&) = default;
};

struct MonitorStatus {
    std::vector<std::byte> body;
};
struct MonitorReload {};
struct MonitorPartition {
    static constexpr std::int16_t kEnd = -1;  ///< the daemon is to stop
    std::vector<std::int16_t> components;     ///< by configuration position

    friend bool operator==(const MonitorPartition&, const MonitorPartition&) = default;
};
struct MonitorFlowControl {
    std::vector<MonitorWindows> daemons;  ///< by configuration position
    std::int16_t window = MonitorWindows::kLeave;

    friend bool operator==(const MonitorFlowControl&, const MonitorFlowControl&) = default;
};

struct MonitorRequest {
    DaemonId transmitter;
    DaemonId sender;
    std::uint16_t reply_port = 0;
    std::uint32_t config_hash = 0;
    std::variant<MonitorStatus, MonitorPartition, MonitorFlowControl, MonitorReload> what;
};

enum class MonitorError : std::uint8_t {
    kForeign,   ///< it is no request
    kLength,    ///< it is not as long as it says
    kBodyShort  ///< the body has no number for some daemon
};

/// Whether the datagram begins as a monitor's request does. Packets of a ring do not.
[[nodiscard]] bool is_monitor_request(std::span<const std::byte> datagram);

/// In a configuration of `daemons` daemons, of which a body has at least as many numbers.
[[nodiscard]] tl::expected<MonitorRequest, MonitorError> decode_monitor_request(
    std::span<const std::byte> datagram, std::size_t daemons);
/// Little-endian, with as many numbers as there are daemons, for at most kDaemonsMax.
[[nodiscard]] std::vector<std::byte> encode_monitor_request(const MonitorRequest& request);

/// States as stock numbers them.
enum class MonitorState : std::uint32_t { kOperational = 1, kGather = 4, kForm = 5, kRecovery = 6 };
enum class MonitorGroupState : std::uint32_t {
    kStable = 1,
    kTransitional = 2,
    kExchange = 3,
    kExchangeTransitional = 4
};

/// What a daemon reports. Numbers wrap at the width they have here.
struct MonitorReport {
    std::uint32_t seconds = 0;  ///< since the start
    MonitorState state = MonitorState::kOperational;
    MonitorGroupState group_state = MonitorGroupState::kStable;
    std::uint32_t packets_sent = 0;
    std::uint32_t packets_received = 0;
    std::uint32_t packets_delivered = 0;
    std::uint32_t retransmissions = 0;  ///< all of them go to all
    std::uint32_t aru = 0;
    std::uint32_t my_aru = 0;
    std::uint32_t highest_seq = 0;
    std::uint32_t token_hurry = 0;
    std::uint32_t token_rounds = 0;
    DaemonId self;
    DaemonId leader;
    std::uint32_t messages_delivered = 0;
    std::uint16_t membership_changes = 0;
    std::uint16_t daemons = 0;   ///< in the ring
    std::uint16_t segments = 0;  ///< of these
    std::uint16_t window = 0;
    std::uint16_t personal_window = 0;
    bool accelerated_ring = false;
    std::uint16_t accelerated_window = 0;
    std::uint16_t sessions = 0;
    std::uint16_t groups = 0;

    friend bool operator==(const MonitorReport&, const MonitorReport&) = default;
};

/// Little-endian, as of version 5.0.1, with `more` behind it: less than 64 KiB.
[[nodiscard]] std::vector<std::byte> encode_monitor_report(const MonitorReport& report,
                                                           std::span<const std::byte> more = {});
/// In either byte order; nothing when it is no report. What stands behind stock's begins at
/// kMonitorReportBytes.
[[nodiscard]] std::optional<MonitorReport> decode_monitor_report(
    std::span<const std::byte> datagram);

}  // namespace spread::protocol
