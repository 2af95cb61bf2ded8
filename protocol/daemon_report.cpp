#include "protocol/daemon_report.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/roster.hpp"

namespace spread::protocol {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kQuestionMark = 0x71647073;
constexpr std::uint32_t kReportMark = 0x61647073;
constexpr std::size_t kFixedBytes = 24;
constexpr std::size_t kHeardBytes = 9;
constexpr std::uint8_t kMemberBit = 1;
constexpr std::uint16_t kNone = 0xffff;
constexpr milliseconds kAgeUnit{10};
constexpr double kShareParts = 10000;

std::size_t report_bytes(std::size_t version, std::size_t daemons) {
    return kFixedBytes + version + kHeardBytes * daemons;
}

std::uint16_t encoded(const HeardOf::Age& age) {
    if (!age) {
        return kNone;
    }
    const auto units = std::max(*age / kAgeUnit, decltype(*age / kAgeUnit){0});
    return static_cast<std::uint16_t>(std::min<decltype(units)>(units, kNone - 1));
}

/// One packet of a million is not none; a share that came in so goes out the same.
std::uint16_t encoded(const std::optional<double>& share) {
    constexpr double kRounding = 1e-6;
    return share ? static_cast<std::uint16_t>(
                       std::ceil(std::clamp(*share, 0.0, 1.0) * kShareParts - kRounding))
                 : kNone;
}

std::optional<double> share_of(std::uint16_t parts) {
    return parts > kShareParts ? std::optional<double>() : parts / kShareParts;
}

HeardOf::Age age_of(std::uint16_t units) {
    return units == kNone ? HeardOf::Age() : HeardOf::Age(units * kAgeUnit);
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::vector<std::byte> encode_daemon_question(std::uint64_t number, std::size_t daemons) {
    std::vector<std::byte> body(report_bytes(DaemonReport::kVersionMax, daemons));
    ByteWriter writer(body);
    writer.write_le(kQuestionMark);
    writer.write_le(number);
    return body;
}

std::optional<std::uint64_t> decode_daemon_question(std::span<const std::byte> body,
                                                    std::size_t daemons) {
    if (body.size() < report_bytes(DaemonReport::kVersionMax, daemons)) {
        return std::nullopt;
    }
    ByteReader reader(body);
    if (reader.read_le<std::uint32_t>() != kQuestionMark) {
        return std::nullopt;
    }
    return reader.read_le<std::uint64_t>();
}

std::vector<std::byte> encode_daemon_report(const DaemonReport& report) {
    const std::string_view version =
        std::string_view(report.version).substr(0, DaemonReport::kVersionMax);
    const std::size_t daemons = std::min(report.heard.size(), kDaemonsMax);
    std::vector<std::byte> bytes(report_bytes(version.size(), daemons));
    ByteWriter writer(bytes);
    writer.write_le(kReportMark);
    writer.write_le(report.question);
    const auto held =
        std::clamp<std::chrono::microseconds::rep>(report.held.count(), 0, 0xffffffff);
    writer.write_le(static_cast<std::uint32_t>(held));
    writer.write_le(report.settings_sum);
    writer.write_le(report.wire);
    writer.write_le(static_cast<std::uint8_t>(version.size()));
    writer.write_bytes(std::as_bytes(std::span(version)));
    writer.write_le(static_cast<std::uint16_t>(daemons));
    for (const HeardOf& each : std::span(report.heard).first(daemons)) {
        writer.write_le(each.is_member ? kMemberBit : std::uint8_t{0});
        writer.write_le(encoded(each.lost_share));
        writer.write_le(encoded(each.data_age));
        writer.write_le(encoded(each.group_age));
        writer.write_le(encoded(each.token_age));
    }
    return bytes;
}

std::optional<DaemonReport> decode_daemon_report(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    if (reader.read_le<std::uint32_t>() != kReportMark) {
        return std::nullopt;
    }
    DaemonReport out;
    out.question = reader.read_le<std::uint64_t>();
    out.held = std::chrono::microseconds(reader.read_le<std::uint32_t>());
    out.settings_sum = reader.read_le<std::uint32_t>();
    out.wire = reader.read_le<std::uint8_t>();
    const std::size_t length = reader.read_le<std::uint8_t>();
    if (length > DaemonReport::kVersionMax || length > reader.remaining()) {
        return std::nullopt;
    }
    for (const std::byte each : reader.read_bytes(length)) {
        out.version += static_cast<char>(each);
    }
    const std::size_t daemons = reader.read_le<std::uint16_t>();
    if (!reader.ok() || !is_printable(out.version) || daemons > kDaemonsMax ||
        reader.remaining() < daemons * kHeardBytes) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < daemons; ++i) {
        HeardOf each;
        each.is_member = (reader.read_le<std::uint8_t>() & kMemberBit) != 0;
        each.lost_share = share_of(reader.read_le<std::uint16_t>());
        each.data_age = age_of(reader.read_le<std::uint16_t>());
        each.group_age = age_of(reader.read_le<std::uint16_t>());
        each.token_age = age_of(reader.read_le<std::uint16_t>());
        out.heard.push_back(each);
    }
    return out;
}

}  // namespace spread::protocol
