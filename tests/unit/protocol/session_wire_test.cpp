#include "protocol/session_wire.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

using namespace std::string_literals;
using HeaderBytes = std::array<std::byte, kSessionHeaderBytes>;

std::vector<std::byte> from_hex(std::string_view hex) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(
            static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

std::vector<std::byte> from_text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

HeaderBytes encoded(const SessionHeader& header) {
    HeaderBytes bytes;
    encode_session_header(header, bytes);
    return bytes;
}

const NameField kTst{"#tst#d1"};

SessionHeader legal(std::uint32_t type = kAgreedMess) {
    SessionHeader header;
    header.type = type;
    header.private_group_name = kTst;
    header.num_groups = 1;
    header.hint = make_hint(1);
    header.data_len = 5;
    return header;
}

TEST(SessionHeader, DecodesTheWorkedExample) {
    const auto bytes = from_hex(
        "80000180"
        "23616c6963652364310000000000000000000000000000000000000000000000"
        "01000000"
        "80000080"
        "00000000");
    ASSERT_EQ(bytes.size(), kSessionHeaderBytes);
    const auto header = decode_session_header(std::span(bytes).first<kSessionHeaderBytes>());
    EXPECT_EQ(header.order, ByteOrder::kLittle);
    EXPECT_EQ(header.type, kJoinMess);
    EXPECT_EQ(header.private_group_name.view(), "#alice#d1");
    EXPECT_EQ(header.num_groups, 1);
    EXPECT_EQ(header.data_len, 0);
    EXPECT_EQ(header.hint, make_hint(0));
}

TEST(SessionHeader, RoundTripsInBothByteOrders) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
        for (const std::int32_t number :
             {0, 1, -1, 0x01020304, std::numeric_limits<std::int32_t>::min(),
              std::numeric_limits<std::int32_t>::max()}) {
            SessionHeader header = legal(kSafeMess | kSelfDiscard | kDropRecv);
            header.order = order;
            header.num_groups = number;
            header.data_len = number;
            header.hint = make_hint(-2, order);
            EXPECT_EQ(decode_session_header(encoded(header)), header);
        }
    }
}

TEST(SessionHeader, PutsIntegersInTheOrderItsEndianBitsSay) {
    SessionHeader header = legal(kAgreedMess);
    header.data_len = 0x01020304;
    auto bytes = encoded(header);
    EXPECT_TRUE(std::ranges::equal(std::span(bytes).first(4), from_hex("90000080")));
    EXPECT_TRUE(std::ranges::equal(std::span(bytes).last(4), from_hex("04030201")));
    header.order = ByteOrder::kBig;
    bytes = encoded(header);
    EXPECT_TRUE(std::ranges::equal(std::span(bytes).first(4), from_hex("00000010")));
    EXPECT_TRUE(std::ranges::equal(std::span(bytes).last(4), from_hex("01020304")));
}

TEST(SessionHeader, NormalisingMakesABigEndianHeaderLittleEndianAndKeepsTheHint) {
    SessionHeader header = legal(kFifoMess | kSelfDiscard);
    header.order = ByteOrder::kBig;
    header.hint = make_hint(0x1234, ByteOrder::kBig);
    auto bytes = encoded(header);
    normalise_session_header(header, bytes);
    SessionHeader expected = header;
    expected.order = ByteOrder::kLittle;
    EXPECT_EQ(bytes, encoded(expected));
}

TEST(SessionHeader, NormalisingForcesByte31OfTheNameToZeroAndNothingElse) {
    auto bytes = encoded(legal());
    for (std::size_t i = 4 + kTst.view().size() + 1; i < 36; ++i) {
        bytes[i] = std::byte{0xee};  // junk behind the NUL passes through
    }
    auto expected = bytes;
    expected[35] = std::byte{0};
    normalise_session_header(decode_session_header(bytes), bytes);
    EXPECT_EQ(bytes, expected);
}

TEST(Hint, MatchesTheRecordedBytes) {
    EXPECT_TRUE(std::ranges::equal(make_hint(0x1234), from_hex("80341280")));
    EXPECT_TRUE(std::ranges::equal(make_hint(0x1234, ByteOrder::kBig), from_hex("00123400")));
    EXPECT_TRUE(std::ranges::equal(make_hint(0), from_hex("80000080")));
    EXPECT_TRUE(std::ranges::equal(make_hint(300), from_hex("802c0180")));
}

TEST(Hint, RoundTripsEveryMessageType) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
        for (int value = -32768; value <= 32767; ++value) {
            const auto mess_type = static_cast<std::int16_t>(value);
            const Hint hint = make_hint(mess_type, order);
            ASSERT_EQ(decode_hint(hint), (HintValue{mess_type, order}));
            ASSERT_TRUE(is_legal_hint(hint));
        }
    }
}

TEST(Hint, BitsOutsideTheMaskAreIllegal) {
    EXPECT_FALSE(is_legal_hint({std::byte{0x80}, {}, {}, std::byte{0x81}}));
    EXPECT_FALSE(is_legal_hint({std::byte{0x81}, {}, {}, std::byte{0x80}}));
    EXPECT_TRUE(
        is_legal_hint({std::byte{0x80}, std::byte{0xff}, std::byte{0xff}, std::byte{0x80}}));
}

TEST(RingService, IsSafeForSafeMessagesOnly) {
    EXPECT_EQ(ring_service(kSafeMess | kSelfDiscard), Service::kSafe);
    for (const std::uint32_t type :
         {kUnreliableMess, kReliableMess, kFifoMess, kCausalMess, kAgreedMess}) {
        EXPECT_EQ(ring_service(type | kDropRecv), Service::kAgreed);
    }
}

TEST(CheckRequest, AdmitsEveryLegalType) {
    for (const std::uint32_t service :
         {kUnreliableMess, kReliableMess, kFifoMess, kCausalMess, kAgreedMess, kSafeMess}) {
        for (const std::uint32_t options :
             {0U, kSelfDiscard, kDropRecv, kSelfDiscard | kDropRecv}) {
            EXPECT_EQ(check_request(legal(service | options), kTst), RequestKind::kMulticast);
        }
    }
    EXPECT_EQ(check_request(legal(kJoinMess), kTst), RequestKind::kJoin);
    EXPECT_EQ(check_request(legal(kJoinMess | kSelfDiscard | kDropRecv), kTst), RequestKind::kJoin);
    EXPECT_EQ(check_request(legal(kLeaveMess), kTst), RequestKind::kLeave);
    EXPECT_EQ(check_request(legal(kKillMess), kTst), RequestKind::kKill);
}

TEST(CheckRequest, RefusesEveryBitOutsideTheRequestMask) {
    for (unsigned bit = 0; bit < 32; ++bit) {
        const std::uint32_t mask = 1U << bit;
        if ((mask & (kRequestBits | kEndianBits)) != 0) {
            continue;
        }
        EXPECT_EQ(check_request(legal(kAgreedMess | mask), kTst),
                  tl::unexpected(RequestFault::kForbiddenBits))
            << bit;
    }
}

TEST(CheckRequest, LetsTheOptionsOfTheFlushLayerThrough) {
    for (const std::uint32_t option : {kDontBlock, kSubgroupCast, kDontBlock | kSubgroupCast}) {
        EXPECT_EQ(check_request(legal(kFifoMess | option), kTst), RequestKind::kMulticast);
    }
}

TEST(CheckRequest, RefusesForgedMessagesThatStockRelaysOrDiesOf) {
    for (const std::uint32_t type :
         {kAgreedMess | kRegMembMess | kCausedByJoin, kAgreedMess | kGroupsMess,
          kAgreedMess | kRejectMess, kFifoMess | kTransitionMess}) {
        EXPECT_FALSE(check_request(legal(type), kTst));
    }
}

TEST(CheckRequest, RefusesAnyPairOfRequestsAndNone) {
    const std::vector<std::uint32_t> actions = {kUnreliableMess, kReliableMess, kFifoMess,
                                                kCausalMess,     kAgreedMess,   kSafeMess,
                                                kJoinMess,       kLeaveMess,    kKillMess};
    for (const std::uint32_t a : actions) {
        for (const std::uint32_t b : actions) {
            if (a != b) {
                EXPECT_EQ(check_request(legal(a | b), kTst),
                          tl::unexpected(RequestFault::kService));
            }
        }
    }
    for (const std::uint32_t type : {0U, kSelfDiscard, kDropRecv}) {
        EXPECT_EQ(check_request(legal(type), kTst), tl::unexpected(RequestFault::kService));
    }
}

TEST(CheckRequest, OneEndianBitWithoutTheOtherMeansBigEndian) {
    for (const std::string_view type : {"00000090", "80000010"}) {
        SessionHeader header = legal();
        header.order = ByteOrder::kBig;
        auto bytes = encoded(header);
        std::ranges::copy(from_hex(type), bytes.begin());
        EXPECT_EQ(decode_session_header(bytes), header) << type;
        EXPECT_EQ(check_request(decode_session_header(bytes), kTst), RequestKind::kMulticast)
            << type;
    }
    for (const std::string_view type : {"90000000", "10000080"}) {
        auto bytes = encoded(legal());
        std::ranges::copy(from_hex(type), bytes.begin());
        EXPECT_EQ(check_request(decode_session_header(bytes), kTst),
                  tl::unexpected(RequestFault::kService))
            << type;
    }
}

TEST(CheckRequest, RefusesSendersOtherThanTheSession) {
    const std::vector<std::pair<std::string, RequestFault>> cases = {
        {"tst", RequestFault::kSenderName},       {"", RequestFault::kSenderName},
        {"#tst", RequestFault::kSenderName},      {"#tst#", RequestFault::kSenderName},
        {"##d1", RequestFault::kSenderName},      {"#ts t#d1", RequestFault::kSenderName},
        {"#tst#d1 ", RequestFault::kSenderName},  {"#tst#d2", RequestFault::kSenderDaemon},
        {"#tst#d", RequestFault::kSenderDaemon},  {"#tst#d11", RequestFault::kSenderDaemon},
        {"#other#d1", RequestFault::kSenderUser}, {"#tstx#d1", RequestFault::kSenderUser},
        {"#ts#d1", RequestFault::kSenderUser},
    };
    for (const auto& [name, fault] : cases) {
        SessionHeader header = legal();
        header.private_group_name = NameField(name);
        EXPECT_EQ(check_request(header, kTst), tl::unexpected(fault)) << name;
    }
}

TEST(CheckRequest, IgnoresJunkBehindTheSendersNul) {
    auto bytes = encoded(legal());
    bytes[20] = std::byte{'x'};
    bytes[35] = std::byte{'x'};
    EXPECT_TRUE(check_request(decode_session_header(bytes), kTst));
}

TEST(CheckRequest, TakesByte31OfTheSenderForNul) {
    const NameField longest(make_private_group("abcdefghij", "1234567890123456789"));
    SessionHeader header = legal();
    header.private_group_name = longest;
    auto bytes = encoded(header);
    bytes[35] = std::byte{'x'};
    EXPECT_TRUE(check_request(decode_session_header(bytes), longest));
}

struct NumberCase {
    std::int32_t num_groups;
    std::int32_t data_len;
    Result<RequestKind, RequestFault> expected;
};

TEST(CheckRequest, BoundsCountsAndLengths) {
    constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    const Result<RequestKind, RequestFault> good = RequestKind::kMulticast;
    const auto bad = [](RequestFault fault) -> Result<RequestKind, RequestFault> {
        return tl::unexpected(fault);
    };
    const std::vector<NumberCase> cases = {
        {0, 0, good},
        {100, 0, good},
        {0, 144000, good},
        {1, 143968, good},
        {100, 140800, good},
        {43, 143152 - 43 * 32, good},
        {-1, 0, bad(RequestFault::kGroupCount)},
        {101, 0, bad(RequestFault::kGroupCount)},
        {kMin, 0, bad(RequestFault::kGroupCount)},
        {kMax, kMax, bad(RequestFault::kGroupCount)},
        {1, -1, bad(RequestFault::kBodyLength)},
        {1, 144001, bad(RequestFault::kBodyLength)},
        {1, kMin, bad(RequestFault::kBodyLength)},
        {1, kMax, bad(RequestFault::kBodyLength)},
        {1, 143969, bad(RequestFault::kContentLength)},
        {100, 140801, bad(RequestFault::kContentLength)},
    };
    for (const NumberCase& c : cases) {
        for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
            SessionHeader header = legal();
            header.order = order;
            header.num_groups = c.num_groups;
            header.data_len = c.data_len;
            EXPECT_EQ(check_request(decode_session_header(encoded(header)), kTst), c.expected)
                << c.num_groups << " groups, " << c.data_len << " bytes";
        }
    }
}

TEST(CheckRequest, RefusesIllegalHints) {
    for (const std::string_view hint : {"80000081", "81000080", "01000000", "ffffffff"}) {
        SessionHeader header = legal();
        std::ranges::copy(from_hex(hint), header.hint.begin());
        EXPECT_EQ(check_request(header, kTst), tl::unexpected(RequestFault::kHint)) << hint;
    }
}

TEST(CheckRequest, RefusesGarbage) {
    for (const std::string& text :
         {std::string(48, '\0'), std::string(48, '\xff'),
          "GET / HTTP/1.1\r\nHost: localhost:4803\r\nUser-Agent: x\r\n"s}) {
        const auto bytes = from_text(text.substr(0, 48));
        EXPECT_FALSE(check_request(
            decode_session_header(std::span(bytes).first<kSessionHeaderBytes>()), kTst));
    }
}

TEST(CheckRequest, WhatPassesNeverExceedsTheFrameLimit) {
    SessionHeader header = legal();
    header.num_groups = 100;
    header.data_len = 140800;
    ASSERT_TRUE(check_request(header, kTst));
    EXPECT_EQ(frame_bytes(header), kSessionFrameMax);
}

TEST(CheckRequest, JoinAndLeaveMustNameAGroup) {
    for (const std::uint32_t type : {kJoinMess, kLeaveMess}) {
        SessionHeader header = legal(type);
        header.num_groups = 0;
        EXPECT_EQ(check_request(header, kTst), tl::unexpected(RequestFault::kNoGroup));
    }
    SessionHeader kill = legal(kKillMess);
    kill.num_groups = 0;
    EXPECT_EQ(check_request(kill, kTst), RequestKind::kKill);
}

TEST(DecodeRequest, TakesTheFirstGroup) {
    std::vector<std::byte> head(kRequestHeadBytes);
    const NameField room("room");
    std::ranges::copy(room.bytes(), head.begin() + kSessionHeaderBytes);
    const SessionHeader header = legal(kJoinMess);
    const auto join = decode_request(RequestKind::kJoin, header, head);
    ASSERT_TRUE(join);
    EXPECT_EQ(std::get<JoinRequest>(*join).group, room);
    EXPECT_EQ(std::get<JoinRequest>(*join).header, header);
    const auto leave = decode_request(RequestKind::kLeave, header, head);
    ASSERT_TRUE(leave);
    EXPECT_EQ(std::get<LeaveRequest>(*leave).group, room);
}

TEST(DecodeRequest, ANameNeedsItsNul) {
    std::vector<std::byte> head(kRequestHeadBytes, std::byte{'g'});
    for (const RequestKind kind : {RequestKind::kJoin, RequestKind::kLeave}) {
        const auto request = decode_request(kind, legal(kJoinMess), head);
        ASSERT_FALSE(request);
        EXPECT_EQ(request.error(), RequestFault::kGroupName);
    }
    EXPECT_TRUE(decode_request(RequestKind::kKill, legal(kKillMess), {})) << "it needs no group";
}

TEST(RequestFaultText, IsThereForEachFault) {
    for (int fault = 0; fault <= static_cast<int>(RequestFault::kGroupName); ++fault) {
        EXPECT_NE(to_string(static_cast<RequestFault>(fault)), "unknown");
    }
}

// ---- Handshake ----

Result<std::optional<ConnectDecoded>, RejectCode> connect(std::string_view hex) {
    return decode_connect(from_hex(hex));
}

TEST(Connect, DecodesTheOpeningBytesOfEveryLibrary) {
    struct Case {
        std::string_view hex;
        SpreadVersion version;
        std::string_view name;
    };
    for (const Case& c :
         {Case{"0500010105616c696365", {5, 0, 1}, "alice"},
          Case{"0404000105616c696365", {4, 4, 0}, "alice"},
          Case{"0311030105616c696365", {3, 17, 3}, "alice"},
          Case{"030d01046f6c6432", {3, 13, 0}, "old2"}, Case{"030f0201036f6c64", {3, 15, 2}, "old"},
          Case{"0500010100", {5, 0, 1}, ""}}) {
        const auto bytes = from_hex(c.hex);
        const auto decoded = decode_connect(bytes);
        ASSERT_TRUE(decoded && *decoded) << c.hex;
        EXPECT_EQ((*decoded)->request.version, c.version);
        EXPECT_EQ((*decoded)->request.private_name, c.name);
        EXPECT_TRUE((*decoded)->request.wants_membership());
        EXPECT_EQ((*decoded)->bytes_used, bytes.size());
        EXPECT_EQ(encode_connect((*decoded)->request), bytes);
    }
}

TEST(Connect, WaitsAtEveryTruncation) {
    for (const std::string_view hex : {"050001010a6162636465666768696a", "030d01046f6c6432"}) {
        const auto bytes = from_hex(hex);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto decoded = decode_connect(std::span(bytes).first(size));
            ASSERT_TRUE(decoded) << hex << " cut at " << size;
            EXPECT_FALSE(*decoded) << hex << " cut at " << size;
        }
    }
}

TEST(Connect, LeavesWhatFollowsAlone) {
    const auto decoded = connect("0500010103746f6d4e554c4c0000000000");
    ASSERT_TRUE(decoded && *decoded);
    EXPECT_EQ((*decoded)->request.private_name, "tom");
    EXPECT_EQ((*decoded)->bytes_used, 8U);
}

TEST(Connect, RefusesAsSoonAsTheBytesJustifyIt) {
    struct Case {
        std::string_view hex;
        RejectCode code;
    };
    for (const Case& c : {
             Case{"0000", RejectCode::kVersion},
             Case{"0209", RejectCode::kVersion},
             Case{"0300", RejectCode::kVersion},
             Case{"8001", RejectCode::kVersion},
             Case{"ff0001", RejectCode::kVersion},
             Case{"0209010bff", RejectCode::kVersion},
             Case{"050001010b", RejectCode::kIllegalName},
             Case{"05000101ff", RejectCode::kIllegalName},
             Case{"0500010180", RejectCode::kIllegalName},
             Case{"0500010105616c236365", RejectCode::kIllegalName},
             Case{"0500010105616c206365", RejectCode::kIllegalName},
             Case{"0500010105616c006365", RejectCode::kIllegalName},
             Case{"05000101017f", RejectCode::kIllegalName},
             Case{"050001010180", RejectCode::kIllegalName},
         }) {
        const auto decoded = connect(c.hex);
        ASSERT_FALSE(decoded) << c.hex;
        EXPECT_EQ(decoded.error(), c.code) << c.hex;
    }
}

TEST(Connect, SortsVersionsAsStockDoes) {
    EXPECT_FALSE((SpreadVersion{3, 0, 99}.is_supported()));
    EXPECT_TRUE((SpreadVersion{3, 1, 0}.is_supported()));
    EXPECT_FALSE((SpreadVersion{3, 14, 0}.has_patch()));
    EXPECT_TRUE((SpreadVersion{3, 15, 0}.has_patch()));
    EXPECT_FALSE((SpreadVersion{3, 15, 99}.chooses_auth()));
    EXPECT_TRUE((SpreadVersion{3, 16, 0}.chooses_auth()));
    EXPECT_TRUE((SpreadVersion{127, 0, 0}.chooses_auth()));
    EXPECT_FALSE((SpreadVersion{-128, 3, 0}.is_supported()));
}

TEST(Connect, MembershipFlagCountsAsSigned) {
    for (int flags = 0; flags < 256; ++flags) {
        ConnectRequest request;
        request.flags = static_cast<std::uint8_t>(flags);
        EXPECT_EQ(request.wants_membership(), flags < 0x80 && flags % 2 == 1) << flags;
    }
}

TEST(AuthList, MatchesTheRecordedBytes) {
    EXPECT_EQ(encode_auth_list(std::vector{"NULL"s}), from_hex("054e554c4c20"));
    EXPECT_EQ(encode_auth_list(std::vector{"NULL"s, "IP"s}), from_text("\x08NULL IP "));
    EXPECT_EQ(encode_auth_list({}), from_hex("00"));
}

TEST(AuthList, RoundTripsAndWaitsAtEveryTruncation) {
    const std::vector methods{"NULL"s, "IP"s};
    const auto bytes = encode_auth_list(methods);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto decoded = decode_auth_list(std::span(bytes).first(size));
        ASSERT_TRUE(decoded);
        EXPECT_FALSE(*decoded);
    }
    const auto decoded = decode_auth_list(bytes);
    ASSERT_TRUE(decoded && *decoded);
    EXPECT_EQ((*decoded)->methods, methods);
    EXPECT_EQ((*decoded)->bytes_used, bytes.size());
}

TEST(AuthList, ShowsTheClientRejectsAndNonsense) {
    EXPECT_EQ(decode_auth_list(from_hex("fd")).error(), RejectCode::kQuota);
    EXPECT_EQ(decode_auth_list(from_hex("fa")).error(), RejectCode::kNotUnique);
    EXPECT_EQ(decode_auth_list(from_hex("5b")).error(), RejectCode::kClosed);
    EXPECT_EQ(decode_auth_list(from_hex("7f")).error(), RejectCode::kClosed);
}

TEST(AuthChoice, RoundTrips) {
    for (const auto& methods : {std::vector{"NULL"s}, std::vector{"NULL"s, "IP"s},
                                std::vector{"A"s, "B"s, std::string(29, 'C')}}) {
        const auto decoded = decode_auth_choice(encode_auth_choice(methods));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(*decoded, methods);
    }
}

TEST(AuthChoice, WithoutAMethodIsRefused) {
    EXPECT_EQ(decode_auth_choice(encode_auth_choice({})).error(), RejectCode::kAuth);
    auto second_only = encode_auth_choice({});
    second_only[kAuthNameBytes] = std::byte{'X'};
    EXPECT_EQ(decode_auth_choice(second_only).error(), RejectCode::kAuth);
}

TEST(AuthChoice, NamesEndAtTheNulOrAfter30Bytes) {
    auto choice = encode_auth_choice(std::vector{"NULL"s});
    choice[7] = std::byte{'x'};  // behind the NUL
    EXPECT_EQ(*decode_auth_choice(choice), std::vector{"NULL"s});
    choice.fill(std::byte{'x'});
    EXPECT_EQ(*decode_auth_choice(choice), std::vector(3, std::string(30, 'x')));
}

TEST(Accept, MatchesTheRecordedBytes) {
    EXPECT_EQ(encode_accept({5, 0, 1}, "#alice#d1"), from_hex("010500010923616c696365236431"));
    EXPECT_EQ(encode_accept({3, 15, 2}, "#old#d1"), from_hex("0105000107236f6c64236431"));
    EXPECT_EQ(encode_accept({3, 13, 0}, "#old2#d1"), from_hex("01050008236f6c6432236431"));
}

TEST(Accept, RoundTripsAndWaitsAtEveryTruncation) {
    for (const SpreadVersion client : {SpreadVersion{5, 0, 1}, SpreadVersion{3, 13, 0}}) {
        const std::string longest = make_private_group("abcdefghij", "1234567890123456789");
        const auto bytes = encode_accept(client, longest);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto decoded = decode_accept(client, std::span(bytes).first(size));
            ASSERT_TRUE(decoded);
            EXPECT_FALSE(*decoded);
        }
        const auto decoded = decode_accept(client, bytes);
        ASSERT_TRUE(decoded && *decoded);
        EXPECT_EQ((*decoded)->private_group, longest);
        EXPECT_EQ((*decoded)->daemon.major, 5);
        EXPECT_EQ((*decoded)->bytes_used, bytes.size());
    }
}

TEST(Accept, ShowsTheClientRejectsAndNonsense) {
    const SpreadVersion client{5, 0, 1};
    EXPECT_EQ(decode_accept(client, from_hex("f7")).error(), RejectCode::kAuth);
    EXPECT_EQ(decode_accept(client, from_hex("02")).error(), RejectCode::kClosed);
    EXPECT_EQ(decode_accept(client, from_hex("0105000120")).error(), RejectCode::kClosed);
    EXPECT_EQ(decode_accept(client, from_hex("01050001ff")).error(), RejectCode::kClosed);
}

}  // namespace
}  // namespace spread::protocol
