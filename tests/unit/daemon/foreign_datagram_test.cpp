#include "daemon/ring/foreign_datagram.hpp"

#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/buffer.hpp"
#include "protocol/checksum.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::daemon {
namespace {

using testing::HasSubstr;
using What = ForeignDatagram::What;
using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::initializer_list<unsigned> values, std::size_t size) {
    Bytes out;
    for (const unsigned value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    out.resize(size);
    return out;
}

/// A packet of daemon 7, as version `version` of the wire would have it.
Bytes packet_of_version(unsigned version) {
    protocol::BufferPool pool(2048, 4);
    protocol::PacketHeader header;
    header.kind = protocol::PacketKind::kLeave;
    header.sender = protocol::DaemonId{7};
    const auto good = protocol::encode_empty(header, pool);
    Bytes bytes(good.bytes().begin(), good.bytes().end());
    bytes[2] = static_cast<std::byte>(version);
    const std::span<const std::byte> all(bytes);
    const std::uint32_t sum = protocol::crc32c(all.subspan(8), protocol::crc32c(all.first(4)));
    for (unsigned i = 0; i < 4; ++i) {
        bytes[4 + i] = static_cast<std::byte>(sum >> (8 * i));
    }
    return bytes;
}

TEST(ForeignDatagram, APacketOfAnotherVersionNamesItsVersionAndSender) {
    const auto foreign = ForeignDatagram::of(packet_of_version(99));
    EXPECT_EQ(foreign.what, What::kOtherVersion);
    EXPECT_EQ(foreign.version, 99);
    EXPECT_EQ(foreign.sender, protocol::DaemonId{7});
    EXPECT_THAT(foreign.describe(), HasSubstr("version 99 of the ring's wire"));
}

TEST(ForeignDatagram, ADamagedPacketOfAnotherVersionIsNothing) {
    auto damaged = packet_of_version(99);
    damaged.back() ^= std::byte{1};
    EXPECT_EQ(ForeignDatagram::of(damaged).what, What::kUnknown);
    damaged.resize(10);
    EXPECT_EQ(ForeignDatagram::of(damaged).what, What::kUnknown);
}

// As captured from stock 5.0.1.
TEST(ForeignDatagram, StockIsRecognised) {
    EXPECT_EQ(ForeignDatagram::of(bytes_of({0x80, 0x02, 0x00, 0x80, 0x3b, 0x39}, 60)).what,
              What::kStockDaemon);
}

TEST(ForeignDatagram, WhatIsTooShortOrLooksOtherwiseIsUnknown) {
    EXPECT_EQ(ForeignDatagram::of({}).what, What::kUnknown);
    EXPECT_EQ(ForeignDatagram::of(bytes_of({0x80, 0, 0, 0x80}, 31)).what, What::kUnknown);
    EXPECT_EQ(ForeignDatagram::of(bytes_of({'G', 'E', 'T', ' '}, 60)).what, What::kUnknown);
    EXPECT_EQ(ForeignDatagram::of(bytes_of({0x80, 0, 0, 0xc0}, 60)).what, What::kUnknown);
}

TEST(ForeignDatagram, KnowsDoctors) {
    const std::string doctor = std::string(ForeignDatagram::kDoctorMagic) + "....";
    EXPECT_EQ(ForeignDatagram::of(std::as_bytes(std::span(doctor))).what,
              ForeignDatagram::What::kDoctor);
    const std::string cut = doctor.substr(0, ForeignDatagram::kDoctorMagic.size() - 1);
    EXPECT_EQ(ForeignDatagram::of(std::as_bytes(std::span(cut))).what,
              ForeignDatagram::What::kUnknown);
}

}  // namespace
}  // namespace spread::daemon
