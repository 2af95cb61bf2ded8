#include "tools/spuser/display.hpp"

#include <gmock/gmock.h>

namespace spread::spuser {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::byte> body_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

TEST(Display, ShowsWhoSaidWhatWhere) {
    Message message;
    message.sender = "#bob#d2";
    message.groups = {"room", "hall"};
    message.mess_type = 7;
    message.body = body_of("hello");
    EXPECT_EQ(describe(message, "#alice#d1"),
              "[agreed] #bob#d2 -> room hall: type 7, 5 bytes\n    hello\n");
    message.endian_mismatch = true;
    EXPECT_THAT(describe(message, "#alice#d1"), HasSubstr("other byte order"));
}

TEST(Display, ShowsAMembershipWithItsCauseAndOurPlace) {
    const Membership membership{
        "room", Cause::kJoin, {-2, 1000, 3}, {"#alice#d1", "#bob#d2"}, {{"#bob#d2"}}, 0};
    EXPECT_EQ(describe(membership, "#alice#d1"),
              "[membership] room: #bob#d2 joined; 2 members, we are number 0; view -2 1000 3\n"
              "    #alice#d1\n    #bob#d2\n");
}

TEST(Display, ShowsWhoCameWithUsThroughANetworkChange) {
    const Membership membership{
        "room", Cause::kNetwork, {1, 2, 3}, {"#alice#d1", "#bob#d2"}, {{"#bob#d2"}, {"#alice#d1"}},
        1};
    const auto text = describe(membership, "#alice#d1");
    EXPECT_THAT(text, HasSubstr("came together: #bob#d2"));
    EXPECT_THAT(text, HasSubstr("came with us: #alice#d1"));
}

TEST(Display, ShowsSignalsSelfLeavesAndRejects) {
    EXPECT_THAT(describe(SelfLeave{"room"}, ""), StartsWith("[left] room"));
    EXPECT_THAT(describe(Transition{"room", {1, 2, 3}}, ""), StartsWith("[transitional] room"));
    EXPECT_THAT(describe(Rejected{}, ""), StartsWith("[rejected]"));
}

TEST(Display, ShowsTheGapAndItsEnd) {
    Disconnected gone;
    gone.error.text = "the daemon closed the connection";
    gone.will_reconnect = true;
    EXPECT_EQ(describe(gone, ""),
              "[disconnected] the daemon closed the connection; looking for a daemon\n");
    EXPECT_EQ(describe(Reconnected{"4803@b", "#alice#d2", {"room"}}, ""),
              "[reconnected] to 4803@b as #alice#d2; joining again: room\n");
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
