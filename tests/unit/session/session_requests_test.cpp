#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/session/session_machine.hpp"
#include "tests/unit/session/client_bytes.hpp"
#include "tests/unit/session/conversation.hpp"

namespace spread::session {
namespace {

using namespace std::string_literals;
using protocol::SessionHeader;
using testing::HasSubstr;
using testing::SizeIs;

TEST(SessionMachineRequests, AMulticastComesOutExactlyAsSent) {
    Conversation c = opened();
    const Bytes sent = from_hex(
        "900000802374737423643100000000000000000000000000000000000000000000000000010000008001008005"
        "000000237473742364310000000000000000000000000000000000000000000000000070726f6265");
    c.feed(sent);
    ASSERT_THAT(c.frames(), SizeIs(1));
    EXPECT_EQ(c.frame_bytes(0), sent);
}

TEST(SessionMachineRequests, SafeMessagesTravelSafeAllOthersAgreed) {
    for (const std::uint32_t type :
         {protocol::kUnreliableMess, protocol::kReliableMess, protocol::kFifoMess,
          protocol::kCausalMess, protocol::kAgreedMess, protocol::kSafeMess}) {
        Conversation c = opened();
        c.feed(multicast_bytes({"room"}, "x", type));
        EXPECT_THAT(c.last(), testing::StartsWith(type == protocol::kSafeMess ? "safe" : "agreed"));
    }
}

TEST(SessionMachineRequests, AWholeMulticastSharesTheReadBuffer) {
    Conversation c = opened();
    const protocol::Slice input =
        slice_of(concat({multicast_bytes({"a"}, "first"), multicast_bytes({"b", "c"}, "second")}));
    c.feed(input);
    ASSERT_THAT(c.frames(), SizeIs(2));
    EXPECT_EQ(&*c.frames()[0].slice(0).buffer, &*input.buffer);
    EXPECT_EQ(c.frames()[0].slice(0).offset, input.offset);
    EXPECT_EQ(&*c.frames()[1].slice(0).buffer, &*input.buffer);
    EXPECT_EQ(c.frames()[1].slice(0).offset, input.offset + c.frames()[0].size());
}

TEST(SessionMachineRequests, AMulticastInPiecesIsPutTogetherInABufferOfItsSize) {
    const Bytes sent = multicast_bytes({"room"}, std::string(20000, 'x'));
    for (const std::size_t piece : {1U, 47U, 48U, 49U, 80U, 4096U, 19999U}) {
        Conversation c = opened();
        c.feed(sent, piece);
        ASSERT_THAT(c.frames(), SizeIs(1)) << piece;
        EXPECT_EQ(c.frame_bytes(0), sent);
        EXPECT_EQ(c.frames()[0].slice(0).buffer->capacity(), sent.size());
        EXPECT_EQ(c.machine().assembly_bytes(), 0U);
    }
}

TEST(SessionMachineRequests, AnyFragmentationSaysTheSame) {
    const Bytes all =
        concat({join_bytes("room"), multicast_bytes({"room"}, "one"), multicast_bytes({}, ""),
                multicast_bytes({"a", "b"}, "two"), leave_bytes("room"),
                request_bytes(protocol::kJoinMess, {"x", "y"}, "body"),
                multicast_bytes({"room"}, std::string(300, 'z')), kill_bytes()});
    Conversation whole = opened();
    whole.feed(all);
    EXPECT_THAT(whole.said(), SizeIs(8));
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        Conversation c = opened();
        c.feed(all, piece);
        ASSERT_EQ(c.said(), whole.said()) << "pieces of " << piece;
    }
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
        Conversation c = opened();
        c.feed(Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut)));
        c.feed(Bytes(all.begin() + static_cast<std::ptrdiff_t>(cut), all.end()));
        ASSERT_EQ(c.said(), whole.said()) << "cut at " << cut;
    }
}

TEST(SessionMachineRequests, NothingHappensBeforeAMessageIsWhole) {
    for (const Bytes& sent : {multicast_bytes({"room"}, "hello"), join_bytes("room"),
                              leave_bytes("room"), kill_bytes()}) {
        for (std::size_t size = 0; size < sent.size(); ++size) {
            Conversation c = opened();
            c.feed(Bytes(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size)));
            EXPECT_THAT(c.said(), SizeIs(0)) << size;
        }
    }
}

TEST(SessionMachineRequests, AnnouncingALargeMessageHoldsLittleMemory) {
    Conversation c = opened();
    const Bytes sent = multicast_bytes({"room"}, std::string(143968, 'x'));
    ASSERT_EQ(sent.size(), protocol::kSessionFrameMax);
    std::size_t fed = 0;
    for (const std::size_t piece : {48U, 1U, 5000U, 20000U, 60000U}) {
        c.feed(Bytes(sent.begin() + static_cast<std::ptrdiff_t>(fed),
                     sent.begin() + static_cast<std::ptrdiff_t>(fed + piece)));
        fed += piece;
        EXPECT_LE(c.machine().assembly_bytes(), std::max<std::size_t>(4096, 2 * fed)) << fed;
    }
}

TEST(SessionMachineRequests, LargestMessagesPassWholeAndInPieces) {
    const std::vector<std::string> hundred(100, "group");
    for (const Bytes& sent :
         {multicast_bytes({"room"}, std::string(143968, 'x')),
          multicast_bytes({}, std::string(144000, 'x')),
          multicast_bytes(hundred, std::string(140800, 'x')), multicast_bytes(hundred, "")}) {
        for (const std::size_t piece : {std::size_t{SIZE_MAX}, std::size_t{65536}}) {
            Conversation c = opened();
            c.feed(sent, piece);
            ASSERT_THAT(c.frames(), SizeIs(1));
            EXPECT_EQ(c.frame_bytes(0), sent);
        }
    }
}

TEST(SessionMachineRequests, ABigEndianClientsHeaderTurnsLittleEndian) {
    SessionHeader header = header_for(protocol::kAgreedMess, 1, 5);
    header.order = protocol::ByteOrder::kBig;
    header.hint = protocol::make_hint(0x1234, protocol::ByteOrder::kBig);
    const Bytes big = message_bytes(header, {"room"}, "hello");
    header.order = protocol::ByteOrder::kLittle;
    const Bytes little = message_bytes(header, {"room"}, "hello");  // hint still big-endian
    for (const std::size_t piece : {std::size_t{SIZE_MAX}, std::size_t{1}}) {
        Conversation c = opened();
        c.feed(big, piece);
        ASSERT_THAT(c.frames(), SizeIs(1));
        EXPECT_EQ(c.frame_bytes(0), little);
    }
}

TEST(SessionMachineRequests, ABigEndianClientJoinsLeavesAndQuits) {
    Conversation c = opened();
    for (const std::uint32_t type :
         {protocol::kJoinMess, protocol::kLeaveMess, protocol::kKillMess}) {
        SessionHeader header = header_for(type, 1, 0);
        header.order = protocol::ByteOrder::kBig;
        c.feed(message_bytes(header, {"room"}, ""));
    }
    EXPECT_THAT(c.said(), testing::ElementsAre("join room", "leave room", "kill"));
}

TEST(SessionMachineRequests, Byte31OfTheSenderIsForcedToZero) {
    Conversation c = opened();
    Bytes sent = multicast_bytes({"room"}, "x");
    sent[20] = std::byte{0xee};
    sent[35] = std::byte{0xee};
    Bytes expected = sent;
    expected[35] = std::byte{0};
    c.feed(sent);
    c.feed(sent, 7);
    ASSERT_THAT(c.frames(), SizeIs(2));
    EXPECT_EQ(c.frame_bytes(0), expected);
    EXPECT_EQ(c.frame_bytes(1), expected);
}

TEST(SessionMachineRequests, OnlyTheFirstGroupOfAJoinOrLeaveCounts) {
    Conversation c = opened();
    c.feed(request_bytes(protocol::kJoinMess, {"one", "two", "three"}, "ignored body"));
    c.feed(request_bytes(protocol::kLeaveMess, {"one", "two"}, "ignored body"));
    c.feed(join_bytes("next"));
    EXPECT_THAT(c.said(), testing::ElementsAre("join one", "leave one", "join next"));
}

TEST(SessionMachineRequests, JoinsEveryNameStockJoins) {
    Conversation c = opened();
    for (const std::string& name :
         {"#tst#d1"s, ""s, "sp ace"s, "\xc3\xa9\x01"s, "room\0garbage"s, std::string(31, 'g')}) {
        c.feed(join_bytes(name));
    }
    EXPECT_THAT(c.said(),
                testing::ElementsAre("join #tst#d1", "join ", "join sp ace", "join \\xc3\\xa9\\x01",
                                     "join room", "join " + std::string(31, 'g')));
}

TEST(SessionMachineRequests, ANameWithoutNulCannotBeJoinedOrLeft) {
    for (const Bytes& sent :
         {join_bytes(std::string(32, 'g')), leave_bytes(std::string(32, '\n'))}) {
        Conversation c = opened();
        c.feed(concat({sent, join_bytes("room")}));
        ASSERT_THAT(c.said(), SizeIs(1));
        EXPECT_THAT(c.last(), HasSubstr("without a NUL"));
        EXPECT_EQ(c.last().find('\n'), std::string::npos);
    }
}

TEST(SessionMachineRequests, JoinAndLeaveMustNameAGroup) {
    for (const std::uint32_t type : {protocol::kJoinMess, protocol::kLeaveMess}) {
        Conversation c = opened();
        c.feed(request_bytes(type, {}, ""));
        EXPECT_THAT(c.last(), HasSubstr("without a group"));
    }
}

TEST(SessionMachineRequests, KillNeedsNoGroupAndEndsTheConversation) {
    for (const Bytes& kill : {kill_bytes(), request_bytes(protocol::kKillMess, {}, ""),
                              request_bytes(protocol::kKillMess, {"a", "b"}, "body")}) {
        Conversation c = opened();
        c.feed(concat({kill, multicast_bytes({"room"}, "too late")}));
        EXPECT_THAT(c.said(), testing::ElementsAre("kill"));
        c.feed(multicast_bytes({"room"}, "too late"));
        EXPECT_THAT(c.said(), SizeIs(1));
    }
}

struct IllegalHeader {
    std::string_view what;
    SessionHeader header;
    std::string_view why;
};

SessionHeader with(SessionHeader header, void (*change)(SessionHeader&)) {
    change(header);
    return header;
}

std::vector<IllegalHeader> illegal_headers() {
    using namespace protocol;
    const SessionHeader good = header_for(kAgreedMess, 1, 5);
    constexpr auto kServiceText = "exactly one service";
    constexpr auto kBitsText = "no client may set";
    return {
        {"no service", header_for(0, 1, 5), kServiceText},
        {"self discard alone", header_for(kSelfDiscard, 1, 5), kServiceText},
        {"two services", header_for(kFifoMess | kAgreedMess, 1, 5), kServiceText},
        {"unreliable and reliable", header_for(0x3, 1, 5), kServiceText},
        {"agreed and join", header_for(kAgreedMess | kJoinMess, 1, 0), kServiceText},
        {"join and leave", header_for(kJoinMess | kLeaveMess, 1, 0), kServiceText},
        {"join and kill", header_for(kJoinMess | kKillMess, 1, 0), kServiceText},
        {"forged membership", header_for(0x1110, 1, 5), kBitsText},
        {"forged groups", header_for(0x80010, 1, 5), kBitsText},
        {"forged reject", header_for(0x400010, 1, 5), kBitsText},
        {"forged transition", header_for(0x2010, 1, 5), kBitsText},
        {"internal bit", header_for(0x4010, 1, 5), kBitsText},
        {"high bit", header_for(0x20000010, 1, 5), kBitsText},
        {"malformed sender",
         with(good, [](SessionHeader& h) { h.private_group_name = NameField("tst"); }),
         "not a private group"},
        {"sender of another daemon",
         with(good, [](SessionHeader& h) { h.private_group_name = NameField("#tst#d2"); }),
         "another daemon"},
        {"sender of another session",
         with(good, [](SessionHeader& h) { h.private_group_name = NameField("#tstx#d1"); }),
         "another session"},
        {"negative groups", header_for(kAgreedMess, -1, 5), "group count"},
        {"101 groups", header_for(kAgreedMess, 101, 5), "group count"},
        {"hint high", with(good, [](SessionHeader& h) { h.hint[3] = std::byte{0x81}; }), "hint"},
        {"hint low", with(good, [](SessionHeader& h) { h.hint[0] = std::byte{0x81}; }), "hint"},
        {"negative length", header_for(kAgreedMess, 1, -1), "body length"},
        {"length over limit", header_for(kAgreedMess, 1, 144001), "body length"},
        {"sum over limit", header_for(kAgreedMess, 1, 143969), "exceed 144000"},
        {"sum over limit of a join", header_for(kJoinMess, 100, 140801), "exceed 144000"},
    };
}

TEST(SessionMachineRequests, EveryIllegalHeaderEndsTheSessionAtItsLastByte) {
    for (const IllegalHeader& k : illegal_headers()) {
        for (const auto order : {protocol::ByteOrder::kLittle, protocol::ByteOrder::kBig}) {
            for (const std::size_t piece : {std::size_t{48}, std::size_t{1}}) {
                SessionHeader header = k.header;
                header.order = order;
                const Bytes sent = message_bytes(header, {}, "");
                Conversation c = opened();
                c.feed(Bytes(sent.begin(), sent.end() - 1), piece);
                EXPECT_THAT(c.said(), SizeIs(0)) << k.what;
                c.feed(Bytes(sent.end() - 1, sent.end()));
                ASSERT_THAT(c.said(), SizeIs(1)) << k.what;
                EXPECT_THAT(c.last(), HasSubstr(k.why)) << k.what;
                EXPECT_EQ(c.machine().phase(), SessionPhase::kDone);
            }
        }
    }
}

TEST(SessionMachineRequests, OneEndianBitWithoutTheOtherEndsTheSession) {
    for (const std::string_view type : {"90000000", "10000080", "00000090", "80000010"}) {
        Bytes sent = multicast_bytes({"room"}, "hello");
        std::ranges::copy(from_hex(type), sent.begin());
        Conversation c = opened();
        c.feed(sent);
        EXPECT_THAT(c.last(), testing::StartsWith("illegal")) << type;
    }
}

TEST(SessionMachineRequests, ClientTextInAComplaintIsEscaped) {
    SessionHeader header = header_for(protocol::kAgreedMess, 1, 5);
    header.private_group_name = protocol::NameField("\x1b[31m\n\xff");
    Conversation c = opened();
    c.feed(message_bytes(header, {}, ""));
    EXPECT_THAT(c.last(), HasSubstr("\\x1b[31m\\x0a\\xff"));
    EXPECT_TRUE(std::ranges::all_of(c.last(), [](char b) { return b >= ' ' && b <= '~'; }));
}

TEST(SessionMachineRequests, DestinationsAndBodyPassUnchecked) {
    Conversation c = opened();
    const Bytes sent = multicast_bytes(
        {"#alice", "##d1", "", std::string(32, '\xff'), "room\0junk"s}, "\0\xff body"s,
        protocol::kFifoMess | protocol::kSelfDiscard | protocol::kDropRecv);
    c.feed(sent);
    ASSERT_THAT(c.frames(), SizeIs(1));
    EXPECT_EQ(c.frame_bytes(0), sent);
}

}  // namespace
}  // namespace spread::session
