#include "protocol/ring_wire.hpp"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/checksum.hpp"

namespace spread::protocol {
namespace {

const RingId kRing{DaemonId{3}, 0xabcdef01, 1700000000};

class RingWire : public testing::Test {
  protected:
    BufferPool pool_{1500, 100};
    PacketHeader header_{PacketKind::kJoin, 77, DaemonId{3}, kRing};

    Token token() const {
        Token token;
        token.ring_id = kRing;
        token.sender = DaemonId{3};
        token.token_seq = TokenSeq{90};
        token.seq = Seq{1000};
        token.aru = Seq{900};
        token.aru_id = DaemonId{5};
        token.fcc = 12;
        token.backlog = 13;
        token.window = 264;
        token.window_limit = 5777;
        token.lost = 14;
        token.loss_wanted = 300000;
        token.loss_timeout = 250000;
        token.may_rest = true;
        token.out_of_turn = true;
        token.lease = true;
        token.to = DaemonId{3};
        token.rtr = {{Seq{901}, 3}, {Seq{950}, 51}};
        token.complete = {0, 2};
        return token;
    }

    static CommitToken commit() {
        CommitToken token;
        token.ring_id = kRing;
        token.sender = DaemonId{3};
        token.token_seq = TokenSeq{2};
        CommitMember a;
        a.id = DaemonId{3};
        a.filled = true;
        a.incarnation = Incarnation{5};
        a.old_ring = RingId{DaemonId{9}, 1, 2};
        a.aru = Seq{100};
        a.safe_up_to = Seq{90};
        a.held = {{Seq{102}, 5}, {Seq{110}, 1}};
        a.obligation = {0, 1};
        CommitMember b;
        b.id = DaemonId{4};
        token.members = {a, b};
        return token;
    }

    Slice data() {
        DataBuilder builder(pool_.acquire(), 1452);
        auto one = builder.add_entry(3, true, true, Service::kSafe, MessageKind::kGroupJoin);
        std::fill(one.begin(), one.end(), std::byte{7});
        auto two = builder.add_entry(5, true, false, Service::kAgreed, MessageKind::kClientFrame);
        std::fill(two.begin(), two.end(), std::byte{8});
        header_.kind = PacketKind::kData;
        return builder.finish(header_, Seq{42}, TokenSeq{41});
    }
};

constexpr std::size_t kPacketKinds =
    static_cast<std::size_t>(kLastPacketKind) - static_cast<std::size_t>(kFirstPacketKind) + 1;

/// Writes a right checksum over changed bytes, so that a test reaches the check behind it.
void reseal(std::span<std::byte> bytes) {
    const std::uint32_t sum = crc32c(bytes.subspan(8), crc32c(bytes.first(4)));
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[4 + i] = static_cast<std::byte>(sum >> (8 * i));
    }
}

std::vector<std::byte> copy(const Slice& slice) {
    const auto bytes = slice.bytes();
    return {bytes.begin(), bytes.end()};
}

TEST_F(RingWire, EveryKindComesBackAsItWasSent) {
    EXPECT_EQ(decode_token(encode_token(token(), 77, pool_).bytes()), token());
    EXPECT_EQ(decode_commit(encode_commit(commit(), 77, pool_).bytes()), commit());
    const Join join{Incarnation{1},
                    2,
                    3,
                    {DaemonId{1}, DaemonId{2}},
                    {DaemonId{2}},
                    {false, {15, 0, 7}, {2}, {1}}};
    EXPECT_EQ(decode_join(encode_join(join, header_, pool_).bytes()), join);
    const Probe probe{Incarnation{1}, 2, 3, {true, {1, 8}, {0, 1}, {}}};
    EXPECT_EQ(decode_probe(encode_probe(probe, header_, pool_).bytes()), probe);
    EXPECT_EQ(decode_hold(encode_hold(TokenSeq{6}, header_, pool_).bytes()), TokenSeq{6});
    EXPECT_EQ(decode_wake(encode_wake(TokenSeq{7}, header_, pool_).bytes()), TokenSeq{7});
    EXPECT_TRUE(decode_empty(encode_empty(header_, pool_).bytes()));
    const auto header = decode_header(encode_join(join, header_, pool_).bytes());
    ASSERT_TRUE(header);
    EXPECT_EQ(header->config_hash, 77U);
    EXPECT_EQ(header->sender, DaemonId{3});
    EXPECT_EQ(header->ring_id, kRing);
}

TEST_F(RingWire, DataAndTokenComeBackAsTheyWereSent) {
    const Slice packet = data();
    const Slice behind = encode_token(token(), 77, pool_);
    header_.kind = PacketKind::kDataToken;
    const Slice both = encode_data_token(packet.bytes(), behind.bytes(), header_, pool_);
    EXPECT_EQ(both.bytes().size(), kDataTokenBytes + packet.bytes().size() + behind.bytes().size());
    const auto parts = decode_data_token(both.bytes());
    ASSERT_TRUE(parts);
    EXPECT_TRUE(std::ranges::equal(parts->data, packet.bytes()));
    EXPECT_EQ(decode_token(parts->token), token());
}

TEST_F(RingWire, DataWithTokenOfOtherPartsIsNone) {
    const Slice packet = data();
    const Slice behind = encode_token(token(), 77, pool_);
    header_.kind = PacketKind::kDataToken;
    const auto error_of = [&](std::span<const std::byte> first, std::span<const std::byte> second) {
        const auto bytes = encode_data_token(first, second, header_, pool_);
        const auto parts = decode_data_token(bytes.bytes());
        return parts ? std::nullopt : std::optional(parts.error());
    };
    EXPECT_EQ(error_of(packet.bytes(), packet.bytes()), DecodeError::kBadValue);
    EXPECT_EQ(error_of(behind.bytes(), behind.bytes()), DecodeError::kBadValue);
    EXPECT_EQ(error_of(packet.bytes(), behind.bytes().first(31)), DecodeError::kBadValue);
    EXPECT_EQ(error_of({}, behind.bytes()), DecodeError::kBadValue);
    // The length of the data reaches beyond the datagram.
    auto bytes = copy(encode_data_token(packet.bytes(), behind.bytes(), header_, pool_));
    bytes[kRingHeaderBytes + 1] = std::byte{0xff};
    reseal(bytes);
    const auto parts = decode_data_token(bytes);
    ASSERT_FALSE(parts);
    EXPECT_EQ(parts.error(), DecodeError::kTruncated);
}

TEST_F(RingWire, DataEntriesComeBackInOrder) {
    const Slice datagram = data();
    const auto decoded = decode_data(datagram.bytes());
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->seq, Seq{42});
    EXPECT_EQ(decoded->token_seq, TokenSeq{41});
    EXPECT_EQ(decoded->entry_count, 2);
    DataEntries entries(datagram.bytes());
    const auto one = entries.peek();
    ASSERT_TRUE(one);
    EXPECT_TRUE(one->first && one->last);
    EXPECT_EQ(one->service, Service::kSafe);
    EXPECT_EQ(one->kind, MessageKind::kGroupJoin);
    EXPECT_EQ(datagram.bytes()[one->offset], std::byte{7});
    entries.skip(*one);
    const auto two = entries.peek();
    ASSERT_TRUE(two);
    EXPECT_TRUE(two->first && !two->last);
    EXPECT_EQ(two->length, 5U);
    entries.skip(*two);
    EXPECT_FALSE(entries.peek());
}

TEST_F(RingWire, EveryTruncationAndEveryTrailingByteIsRefused) {
    const Join join{Incarnation{1},
                    2,
                    3,
                    {DaemonId{1}, DaemonId{2}},
                    {DaemonId{2}},
                    {false, {15, 0, 7}, {2}, {1}}};
    const Probe probe{Incarnation{1}, 2, 3, {true, {1, 8}, {0, 1}, {}}};
    using Check = std::function<bool(std::span<const std::byte>)>;
    const std::vector<std::pair<std::vector<std::byte>, Check>> cases = {
        {copy(encode_token(token(), 77, pool_)), [](auto b) { return bool(decode_token(b)); }},
        {copy(encode_commit(commit(), 77, pool_)), [](auto b) { return bool(decode_commit(b)); }},
        {copy(encode_join(join, header_, pool_)), [](auto b) { return bool(decode_join(b)); }},
        {copy(encode_probe(probe, header_, pool_)), [](auto b) { return bool(decode_probe(b)); }},
        {copy(encode_hold(TokenSeq{1}, header_, pool_)),
         [](auto b) { return bool(decode_hold(b)); }},
        {copy(encode_wake(TokenSeq{1}, header_, pool_)),
         [](auto b) { return bool(decode_wake(b)); }},
        {copy(encode_empty(header_, pool_)), [](auto b) { return bool(decode_empty(b)); }},
        {copy(data()), [](auto b) { return bool(decode_data(b)); }}};
    for (std::size_t c = 0; c < cases.size(); ++c) {
        const auto& [good, accepts] = cases[c];
        ASSERT_TRUE(accepts(good)) << c;
        // Joins and probes may be padded, and those of an earlier release end before the versions.
        const bool may_be_padded = c == 2 || c == 3;
        const std::size_t without_versions = may_be_padded ? good.size() - 2 : good.size();
        for (std::size_t size = 0; size < good.size(); ++size) {
            std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<long>(size));
            if (size >= 8) {
                reseal(cut);
            }
            EXPECT_EQ(accepts(cut), size == without_versions) << "case " << c << " cut at " << size;
        }
        auto longer = good;
        longer.push_back(std::byte{0});
        reseal(longer);
        EXPECT_EQ(accepts(longer), may_be_padded) << "case " << c;
    }
}

TEST_F(RingWire, JoinsAndProbesThatSaySoHaveTheFullSize) {
    Join join;
    join.report.heard = {1, 2, 3};
    join.report.full_bytes = 1352;
    join.report.settings = 0x12345678;
    EXPECT_LT(encode_join(join, header_, pool_, 1000).length, 200U);
    join.report.full_sized = true;
    join.report.left_out = {0, 2};
    const Slice large = encode_join(join, header_, pool_, 1000);
    EXPECT_EQ(large.length, 1000U);
    EXPECT_EQ(decode_join(large.bytes()), join);
    Probe probe;
    probe.report.full_sized = true;
    EXPECT_EQ(encode_probe(probe, header_, pool_, 1000).length, 1000U);
    EXPECT_LT(encode_probe(probe, header_, pool_, 10).length, 200U);
}

TEST_F(RingWire, SettingsComeBackAndAreCutOffWhereTheyWouldNotFit) {
    header_.kind = PacketKind::kSettings;
    const std::string text = "Window 264\nTokenTimeout 250 ms\n";
    const Slice datagram = encode_settings(text, header_, pool_);
    EXPECT_EQ(decode_header(datagram.bytes())->kind, PacketKind::kSettings);
    EXPECT_EQ(decode_settings(datagram.bytes()), text);
    EXPECT_EQ(encode_settings(std::string(100000, 'x'), header_, pool_).length,
              kRingDatagramBytesMax);
}

TEST_F(RingWire, APacketOfAnotherVersionTellsWhoSentItUnlessItIsDamaged) {
    auto bytes = copy(encode_empty(header_, pool_));
    EXPECT_FALSE(read_other_version(bytes)) << "our own version";
    bytes[2] = std::byte{kRingWireGreatest + 1};
    EXPECT_FALSE(read_other_version(bytes)) << "the checksum does not fit";
    bytes[3] = std::byte{200};  // a kind that we do not know
    reseal(bytes);
    const auto other = read_other_version(bytes);
    ASSERT_TRUE(other);
    EXPECT_EQ(other->version, kRingWireGreatest + 1);
    EXPECT_EQ(other->sender, header_.sender);
    EXPECT_EQ(other->config_hash, header_.config_hash);
    for (std::size_t size = 0; size < kRingHeaderBytes; ++size) {
        EXPECT_FALSE(read_other_version(std::span(bytes).first(size))) << size;
    }
}

TEST_F(RingWire, WhatIsSaidOnARingHasItsVersionAndTheRestTheCommonOne) {
    header_.version = kRingWireGreatest;
    for (std::size_t i = 0; i < kPacketKinds; ++i) {
        header_.kind = static_cast<PacketKind>(static_cast<std::size_t>(kFirstPacketKind) + i);
        const bool is_for_all =
            header_.kind == PacketKind::kJoin || header_.kind == PacketKind::kProbe ||
            header_.kind == PacketKind::kLeave || header_.kind == PacketKind::kSettings;
        const auto header = decode_header(encode_empty(header_, pool_).bytes());
        ASSERT_TRUE(header);
        EXPECT_EQ(header->version, is_for_all ? kRingWireCommon : kRingWireGreatest) << i;
    }
}

TEST_F(RingWire, TheTokenHasLinksFromVersionSevenOn) {
    Token two_links = token();
    two_links.links = 2;
    two_links.links_heard = 3;
    const Slice seven = encode_token(two_links, 77, pool_, 7);
    EXPECT_EQ(decode_token(seven.bytes()), two_links);
    const Slice six = encode_token(two_links, 77, pool_, 6);
    EXPECT_EQ(six.length + 2, seven.length);
    EXPECT_EQ(decode_token(six.bytes()), token());
    auto mixed = copy(seven);
    mixed[2] = std::byte{6};
    reseal(mixed);
    EXPECT_FALSE(decode_token(mixed));
}

TEST_F(RingWire, ACommitTokenHasTheVersionOfTheRingItForms) {
    CommitToken six = commit();
    six.version = 6;
    EXPECT_EQ(decode_commit(encode_commit(six, 77, pool_).bytes()), six);
}

TEST_F(RingWire, AReportSaysWhichVersionsItsSenderSpeaks) {
    Probe probe;
    probe.report.wire_least = 7;
    probe.report.wire_greatest = 9;
    EXPECT_EQ(decode_probe(encode_probe(probe, header_, pool_).bytes()), probe);
    probe.report.wire_least = 10;
    EXPECT_FALSE(decode_probe(encode_probe(probe, header_, pool_).bytes()));
    // Padding of a release that does not say it.
    auto padded = copy(encode_probe({}, header_, pool_));
    padded[padded.size() - 2] = std::byte{0};
    padded.back() = std::byte{0};
    reseal(padded);
    EXPECT_EQ(decode_probe(padded)->report.wire_greatest, 6);
}

TEST_F(RingWire, EveryFlippedBitIsNoticed) {
    auto bytes = copy(data());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_FALSE(decode_header(bytes)) << bit;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
}

TEST_F(RingWire, TheReasonOfARefusalIsNamed) {
    auto bytes = copy(encode_empty(header_, pool_));
    const auto after = [&](std::size_t at, std::byte value, bool sealed) {
        auto changed = bytes;
        changed[at] = value;
        if (sealed) {
            reseal(changed);
        }
        return decode_header(changed).error();
    };
    EXPECT_EQ(after(0, std::byte{'X'}, true), DecodeError::kBadMagic);
    EXPECT_EQ(after(2, std::byte{9}, true), DecodeError::kBadVersion);
    EXPECT_EQ(after(3, std::byte{0}, true), DecodeError::kBadKind);
    EXPECT_EQ(after(3, std::byte{99}, true), DecodeError::kBadKind);
    EXPECT_EQ(after(20, std::byte{99}, false), DecodeError::kBadChecksum);
}

TEST_F(RingWire, ContradictionsAreRefused) {
    auto aru_above_seq = token();
    aru_above_seq.aru = aru_above_seq.seq + 1;
    EXPECT_EQ(decode_token(encode_token(aru_above_seq, 77, pool_).bytes()).error(),
              DecodeError::kBadValue);
    auto request_beyond = token();
    request_beyond.rtr = {{Seq{999}, 3}};
    EXPECT_EQ(decode_token(encode_token(request_beyond, 77, pool_).bytes()).error(),
              DecodeError::kBadValue);
    auto empty_request = token();
    empty_request.rtr = {{Seq{999}, 0}};
    EXPECT_EQ(decode_token(encode_token(empty_request, 77, pool_).bytes()).error(),
              DecodeError::kBadValue);
    auto unfilled_second_pass = commit();
    unfilled_second_pass.pass = 2;
    EXPECT_EQ(decode_commit(encode_commit(unfilled_second_pass, 77, pool_).bytes()).error(),
              DecodeError::kBadValue);
    auto safe_above_aru = commit();
    safe_above_aru.members[0].safe_up_to = Seq{101};
    EXPECT_EQ(decode_commit(encode_commit(safe_above_aru, 77, pool_).bytes()).error(),
              DecodeError::kBadValue);
    // Packets 102 to 106 and 110 are held: the bitmap is 0x3e 0x02. Packet 101 is missing by what
    // aru means, and a last byte without bits says nothing.
    const auto held = copy(encode_commit(commit(), 77, pool_));
    constexpr std::size_t kHeld = 44 + 45 + 2;
    ASSERT_EQ(held[kHeld], std::byte{0x3e});
    ASSERT_EQ(held[kHeld + 1], std::byte{0x02});
    for (const auto& [at, value] : {std::pair(kHeld, 0x3f), std::pair(kHeld + 1, 0)}) {
        auto changed = held;
        changed[at] = static_cast<std::byte>(value);
        reseal(changed);
        EXPECT_EQ(decode_commit(changed).error(), DecodeError::kBadValue);
    }
    // The second entry claims to continue a message in the middle of a packet.
    auto middle = copy(data());
    middle[kDataHeaderBytes + 7 + 2] = std::byte{0x10};
    reseal(middle);
    EXPECT_EQ(decode_data(middle).error(), DecodeError::kBadValue);
}

TEST_F(RingWire, TheBiggestCommitTokensFitADatagram) {
    for (std::uint32_t members = 1; members <= kRingMembersMax; members += members < 8 ? 1 : 15) {
        CommitToken token;
        token.ring_id = kRing;
        for (std::uint32_t i = 0; i < members; ++i) {
            CommitMember member;
            member.id = DaemonId{i + 1};
            member.filled = true;
            Seq next{2};
            // As ragged as can be: every other packet, up to the last that can be reported.
            while (next.value < held_span_max(members)) {
                member.held.push_back({next, 1});
                next = next + 2;
            }
            member.obligation = DaemonSet::first(kDaemonsMax);
            token.members.push_back(member);
        }
        const Slice encoded = encode_commit(token, 77, pool_);
        ASSERT_LE(encoded.length, kRingDatagramBytesMax) << members;
        EXPECT_EQ(decode_commit(encoded.bytes()), token) << members;
    }
}

}  // namespace
}  // namespace spread::protocol
