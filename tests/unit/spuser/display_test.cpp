#include "tools/spuser/display.hpp"

#include <gmock/gmock.h>

#include "protocol/session_wire.hpp"

namespace spread::spuser {
namespace {

using client::Message;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

TEST(Display, ShowsWhoSaidWhatWhere) {
    Message message;
    message.type = protocol::kAgreedMess;
    message.sender = "#bob#d2";
    message.groups = {"room", "hall"};
    message.mess_type = 7;
    message.body = bytes_of("hello");
    EXPECT_EQ(describe(message, "#alice#d1"),
              "[agreed] #bob#d2 -> room hall: type 7, 5 bytes\n    hello\n");
    message.endian_mismatch = true;
    EXPECT_THAT(describe(message, "#alice#d1"), HasSubstr("other byte order"));
}

TEST(Display, ShowsAMembershipWithItsCauseAndOurPlace) {
    Message message;
    message.type = protocol::kRegMembMess | protocol::kCausedByJoin;
    message.sender = "room";
    message.membership = client::Membership{
        "room", protocol::kCausedByJoin, {-2, 1000, 3}, {"#alice#d1", "#bob#d2"}, {{"#bob#d2"}}, 0};
    EXPECT_EQ(describe(message, "#alice#d1"),
              "[membership] room: #bob#d2 joined; 2 members, we are number 0; view -2 1000 3\n"
              "    #alice#d1\n    #bob#d2\n");
}

TEST(Display, ShowsWhoCameWithUsThroughANetworkChange) {
    Message message;
    message.type = protocol::kRegMembMess | protocol::kCausedByNetwork;
    message.sender = "room";
    message.membership = client::Membership{"room",
                                            protocol::kCausedByNetwork,
                                            {1, 2, 3},
                                            {"#alice#d1", "#bob#d2"},
                                            {{"#bob#d2"}, {"#alice#d1"}},
                                            1};
    const auto text = describe(message, "#alice#d1");
    EXPECT_THAT(text, HasSubstr("came together: #bob#d2"));
    EXPECT_THAT(text, HasSubstr("came with us: #alice#d1"));
}

TEST(Display, ShowsSignalsSelfLeavesAndRejects) {
    Message message;
    message.sender = "room";
    message.type = protocol::kCausedByLeave;
    EXPECT_THAT(describe(message, ""), StartsWith("[left] room"));
    message.type = protocol::kTransitionMess;
    message.membership = client::Membership{"room", 0, {1, 2, 3}, {}, {}, 0};
    EXPECT_THAT(describe(message, ""), StartsWith("[transitional] room"));
    message.type = protocol::kRejectMess | protocol::kAgreedMess;
    EXPECT_THAT(describe(message, ""), StartsWith("[rejected]"));
}

TEST(Display, KeepsUtf8AndDisarmsControlCharacters) {
    EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f\tdich"), "gr\xc3\xbc\xc3\x9f\tdich");
    EXPECT_EQ(printable("\x1b[2J\x07\x7f\r"), "\\x1b[2J\\x07\\x7f\\x0d");
    EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Display, IndentsFurtherLines) {
    EXPECT_EQ(printable("one\ntwo\n"), "one\n    two");
}

TEST(Display, CutsLongBodies) {
    const std::string text(kShownBytesMax + 10, 'x');
    EXPECT_EQ(printable(text), std::string(kShownBytesMax, 'x') + "... and 10 bytes more");
}

}  // namespace
}  // namespace spread::spuser
