#include "protocol/monitor_wire.hpp"

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/session_wire.hpp"

namespace spread::protocol {
namespace {

/// Set by little-endian hosts; the same in both byte orders.
constexpr std::uint32_t kLittleEndianMark = 0x80000080;
constexpr std::uint32_t kStatus = 0x01000000;
constexpr std::uint32_t kPartition = 0x02000000;
constexpr std::uint32_t kFlowControl = 0x04000000;
constexpr std::uint32_t kReload = 0x08000000;
constexpr std::uint32_t kControl = kStatus | kPartition | kFlowControl | kReload;
/// Of the type's highest byte what nothing but the mark sets.
constexpr std::uint32_t kNoControl = 0x70000000;

constexpr std::size_t kNumberBytes = 2;
constexpr std::size_t kReportBodyBytes = kMonitorReportBytes - kMonitorHeaderBytes;

/// Reads in the byte order of the sender.
class MonitorReader {
  public:
    explicit MonitorReader(std::span<const std::byte> bytes)
        : reader_(bytes),
          is_little_((ByteReader(bytes).read_le<std::uint32_t>() & kLittleEndianMark) ==
                     kLittleEndianMark),
          type_(read<std::uint32_t>()) {}

    [[nodiscard]] std::uint32_t type() const { return type_; }
    [[nodiscard]] bool is_marked() const { return is_little_; }
    template <typename T>
    [[nodiscard]] T read() {
        return is_little_ ? reader_.read_le<T>() : reader_.read_be<T>();
    }
    template <typename T>
    void read_into(T& value) {
        value = read<T>();
    }
    [[nodiscard]] std::int16_t number() { return static_cast<std::int16_t>(read<std::uint16_t>()); }
    void skip(std::size_t bytes) { reader_.skip(bytes); }
    [[nodiscard]] std::size_t remaining() const { return reader_.remaining(); }

  private:
    ByteReader reader_;
    bool is_little_;
    std::uint32_t type_;
};

std::uint32_t type_of(const MonitorRequest& request) {
    constexpr std::array kTypes = {kStatus, kPartition, kFlowControl, kReload};
    return kTypes.at(request.what.index());
}

template <typename Number>
void write_number(ByteWriter& writer, Number number) {
    writer.write_le(static_cast<std::uint16_t>(number));
}

std::size_t body_bytes(const MonitorRequest& request) {
    if (const auto* partition = std::get_if<MonitorPartition>(&request.what)) {
        return partition->components.size() * kNumberBytes;
    }
    if (const auto* flow = std::get_if<MonitorFlowControl>(&request.what)) {
        return (flow->daemons.size() + 1) * 2 * kNumberBytes;
    }
    if (const auto* status = std::get_if<MonitorStatus>(&request.what)) {
        return status->body.size();
    }
    return 0;
}

}  // namespace

bool is_monitor_request(std::span<const std::byte> datagram) {
    if (datagram.size() < kMonitorHeaderBytes) {
        return false;
    }
    const MonitorReader reader(datagram);
    const bool has_mark = (reader.type() & (kLittleEndianMark & 0xff000000)) != 0;
    return (reader.type() & kControl) != 0 && (reader.type() & kNoControl) == 0 &&
           has_mark == reader.is_marked();
}

tl::expected<MonitorRequest, MonitorError> decode_monitor_request(
    std::span<const std::byte> datagram, std::size_t daemons) {
    if (!is_monitor_request(datagram)) {
        return tl::unexpected(MonitorError::kForeign);
    }
    MonitorReader reader(datagram);
    MonitorRequest out;
    out.transmitter = DaemonId{reader.read<std::uint32_t>()};
    out.sender = DaemonId{reader.read<std::uint32_t>()};
    reader.skip(8);
    out.reply_port = static_cast<std::uint16_t>(reader.read<std::uint32_t>());
    reader.skip(4);
    out.config_hash = reader.read<std::uint32_t>();
    const std::size_t body = reader.read<std::uint16_t>();
    reader.skip(6);
    if (datagram.size() != kMonitorHeaderBytes + body) {
        return tl::unexpected(MonitorError::kLength);
    }
    if ((reader.type() & kPartition) != 0) {
        if (body < daemons * kNumberBytes) {
            return tl::unexpected(MonitorError::kBodyShort);
        }
        auto& partition = out.what.emplace<MonitorPartition>();
        for (std::size_t i = 0; i < daemons; ++i) {
            partition.components.push_back(reader.number());
        }
    } else if ((reader.type() & kStatus) != 0) {
        const auto bytes = datagram.subspan(kMonitorHeaderBytes);
        out.what.emplace<MonitorStatus>().body.assign(bytes.begin(), bytes.end());
    } else if ((reader.type() & kFlowControl) != 0) {
        if (body < daemons * 2 * kNumberBytes) {
            return tl::unexpected(MonitorError::kBodyShort);
        }
        auto& flow = out.what.emplace<MonitorFlowControl>();
        for (std::size_t i = 0; i < daemons; ++i) {
            const std::int16_t personal = reader.number();
            flow.daemons.push_back({personal, reader.number()});
        }
        if (reader.remaining() >= kNumberBytes) {
            flow.window = reader.number();
        }
    } else {
        out.what.emplace<MonitorReload>();
    }
    return out;
}

std::vector<std::byte> encode_monitor_request(const MonitorRequest& request) {
    const std::size_t body = body_bytes(request);
    std::vector<std::byte> bytes(kMonitorHeaderBytes + body);
    ByteWriter writer(bytes);
    writer.write_le(kLittleEndianMark | type_of(request));
    writer.write_le(request.transmitter.value);
    writer.write_le(request.sender.value);
    writer.write_zeros(8);
    writer.write_le(std::uint32_t{request.reply_port});
    writer.write_zeros(4);
    writer.write_le(request.config_hash);
    writer.write_le(static_cast<std::uint16_t>(body));
    writer.write_zeros(6);
    if (const auto* partition = std::get_if<MonitorPartition>(&request.what)) {
        for (const std::int16_t component : partition->components) {
            write_number(writer, component);
        }
    } else if (const auto* flow = std::get_if<MonitorFlowControl>(&request.what)) {
        for (const MonitorWindows& daemon : flow->daemons) {
            write_number(writer, daemon.personal);
            write_number(writer, daemon.accelerated);
        }
        write_number(writer, flow->window);
        write_number(writer, 0);
    } else if (const auto* status = std::get_if<MonitorStatus>(&request.what)) {
        writer.write_bytes(status->body);
    }
    return bytes;
}

std::vector<std::byte> encode_monitor_report(const MonitorReport& report,
                                             std::span<const std::byte> more) {
    std::vector<std::byte> bytes(kMonitorReportBytes + more.size());
    ByteWriter writer(bytes);
    writer.write_le(kLittleEndianMark | kStatus);
    writer.write_le(std::uint32_t{0});
    writer.write_le(report.self.value);
    writer.write_zeros(20);
    writer.write_le(static_cast<std::uint16_t>(kReportBodyBytes + more.size()));
    writer.write_zeros(6);

    writer.write_le(report.seconds);
    writer.write_le(static_cast<std::uint32_t>(report.state));
    writer.write_le(static_cast<std::uint32_t>(report.group_state));
    writer.write_le(report.packets_sent);
    writer.write_le(report.packets_received);
    writer.write_le(report.packets_delivered);
    writer.write_le(report.retransmissions);
    writer.write_le(std::uint32_t{0});        // to one daemon
    writer.write_le(std::uint32_t{0});        // to a segment
    writer.write_le(report.retransmissions);  // to all
    writer.write_le(report.aru);
    writer.write_le(report.my_aru);
    writer.write_le(report.highest_seq);
    writer.write_le(report.token_hurry);
    writer.write_le(report.token_rounds);
    writer.write_le(report.self.value);
    writer.write_le(report.leader.value);
    writer.write_le(report.messages_delivered);
    writer.write_le(report.membership_changes);
    writer.write_le(report.daemons);
    writer.write_le(report.segments);
    writer.write_le(report.window);
    writer.write_le(report.personal_window);
    writer.write_le(static_cast<std::uint16_t>(report.accelerated_ring ? 1 : 0));
    writer.write_le(report.accelerated_window);
    writer.write_le(report.sessions);
    writer.write_le(report.groups);
    for (const auto part :
         {kPresentedVersion.major, kPresentedVersion.minor, kPresentedVersion.patch}) {
        writer.write_le(static_cast<std::uint16_t>(part));
    }
    writer.write_bytes(more);
    return bytes;
}

std::optional<MonitorReport> decode_monitor_report(std::span<const std::byte> datagram) {
    if (datagram.size() < kMonitorReportBytes || !is_monitor_request(datagram)) {
        return std::nullopt;
    }
    MonitorReader reader(datagram);
    reader.skip(28);
    if ((reader.type() & kControl) != kStatus ||
        reader.read<std::uint16_t>() != datagram.size() - kMonitorHeaderBytes) {
        return std::nullopt;
    }
    reader.skip(6);
    MonitorReport out;
    reader.read_into(out.seconds);
    out.state = static_cast<MonitorState>(reader.read<std::uint32_t>());
    out.group_state = static_cast<MonitorGroupState>(reader.read<std::uint32_t>());
    reader.read_into(out.packets_sent);
    reader.read_into(out.packets_received);
    reader.read_into(out.packets_delivered);
    reader.read_into(out.retransmissions);
    reader.skip(12);  // their kinds
    reader.read_into(out.aru);
    reader.read_into(out.my_aru);
    reader.read_into(out.highest_seq);
    reader.read_into(out.token_hurry);
    reader.read_into(out.token_rounds);
    reader.read_into(out.self.value);
    reader.read_into(out.leader.value);
    reader.read_into(out.messages_delivered);
    reader.read_into(out.membership_changes);
    reader.read_into(out.daemons);
    reader.read_into(out.segments);
    reader.read_into(out.window);
    reader.read_into(out.personal_window);
    out.accelerated_ring = reader.read<std::uint16_t>() != 0;
    reader.read_into(out.accelerated_window);
    reader.read_into(out.sessions);
    reader.read_into(out.groups);
    return out;
}

}  // namespace spread::protocol
