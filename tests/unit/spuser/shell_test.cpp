#include "tools/spuser/shell.hpp"

#include <sstream>

#include <gmock/gmock.h>

#include "protocol/session_wire.hpp"
#include "tests/unit/client/scripted_daemon.hpp"

namespace spread::spuser {
namespace {

using client::testing::bytes_of;
using client::testing::frame;
using ::testing::HasSubstr;

class ShellTest : public ::testing::Test {
  protected:
    ShellTest() : session_(daemon_.session()), shell_(session_, out_, errors_, {}) {}

    Event from_bob(std::string_view text) {
        Message message;
        message.sender = "#bob#d2";
        message.groups = {"room"};
        message.body = bytes_of(text);
        return message;
    }

    client::testing::ScriptedDaemon daemon_;
    Session session_;
    std::ostringstream out_;
    std::ostringstream errors_;
    Shell shell_;
};

TEST_F(ShellTest, JoinsAndLeaves) {
    shell_.on_line("j room");
    EXPECT_EQ(daemon_.heard(), frame(protocol::kJoinMess, "#alice#d1", {"room"}, {}));
    shell_.on_line("l room");
    EXPECT_EQ(daemon_.heard(), frame(protocol::kLeaveMess, "#alice#d1", {"room"}, {}));
    EXPECT_FALSE(shell_.has_failures());
}

TEST_F(ShellTest, TheLineBehindSIsTheMessage) {
    shell_.on_line("s room hall");
    EXPECT_TRUE(daemon_.heard().empty());
    shell_.on_line("q is no command here");
    EXPECT_EQ(daemon_.heard(), frame(protocol::kSafeMess, "#alice#d1", {"room", "hall"},
                                     bytes_of("q is no command here"), 1));
}

TEST_F(ShellTest, AnEmptyLineEndsAMessageOfSeveral) {
    shell_.on_line("m room");
    shell_.on_line("one");
    shell_.on_line("two");
    EXPECT_TRUE(daemon_.heard().empty());
    shell_.on_line("");
    EXPECT_EQ(daemon_.heard(),
              frame(protocol::kSafeMess, "#alice#d1", {"room"}, bytes_of("one\ntwo\n"), 1));
}

TEST_F(ShellTest, ABurstIsTenMessagesOfTheWantedSize) {
    shell_.on_line("b room");
    shell_.on_line("30");
    const auto heard = daemon_.heard();
    EXPECT_EQ(heard.size(), 10U * (48 + 32 + 30));
    EXPECT_THAT(out_.str(), HasSubstr("sent 10 messages of 30 bytes"));
    shell_.on_line("b room");
    shell_.on_line("many");
    EXPECT_TRUE(daemon_.heard().empty());
    EXPECT_TRUE(shell_.has_failures());
}

TEST_F(ShellTest, RefusedCommandsAreReportedAndCounted) {
    shell_.on_line("j #room");
    shell_.on_line("x");
    EXPECT_THAT(errors_.str(), HasSubstr("no group name"));
    EXPECT_THAT(errors_.str(), HasSubstr("unknown command"));
    EXPECT_TRUE(shell_.has_failures());
    EXPECT_FALSE(shell_.is_done());
}

TEST_F(ShellTest, WhatTheDaemonRefusesIsAFailureToo) {
    shell_.on_event(Rejected{});
    EXPECT_TRUE(shell_.has_failures());
}

TEST_F(ShellTest, MessagesAreHeldBackAfterDUntilR) {
    shell_.on_line("d");
    shell_.on_event(from_bob("one"));
    shell_.on_event(from_bob("two"));
    shell_.on_event(from_bob("three"));
    EXPECT_THAT(out_.str(), ::testing::Not(HasSubstr("one")));
    shell_.on_line("p");
    EXPECT_THAT(out_.str(), HasSubstr("3 messages and 0 bytes wait"));
    shell_.on_line("r");
    EXPECT_THAT(out_.str(), HasSubstr("one"));
    EXPECT_THAT(out_.str(), ::testing::Not(HasSubstr("two")));
    EXPECT_TRUE(shell_.wants_line());
    shell_.on_line("e");
    EXPECT_THAT(out_.str(), HasSubstr("three"));
    shell_.on_event(from_bob("four"));
    EXPECT_THAT(out_.str(), HasSubstr("four"));
}

TEST_F(ShellTest, RWaitsWhenNothingIsHeldBack) {
    shell_.on_line("d");
    shell_.on_line("r 5");
    EXPECT_FALSE(shell_.wants_line());
    shell_.on_event(from_bob("hello"));
    EXPECT_THAT(out_.str(), HasSubstr("hello"));
    EXPECT_TRUE(shell_.wants_line());
}

TEST_F(ShellTest, MessagesAreReadThoughHeldBackUpToANumber) {
    shell_.on_line("d");
    int held = 0;
    for (; shell_.wants_message(); ++held) {
        ASSERT_LT(held, 1000);
        shell_.on_event(from_bob("more"));
    }
    EXPECT_GT(held, 10);
    shell_.on_end_of_input();
    EXPECT_THAT(out_.str(), HasSubstr("more"));
}

TEST_F(ShellTest, RGivesUpAtItsDeadline) {
    shell_.on_line("r 0.5");
    EXPECT_TRUE(shell_.deadline());
    shell_.on_deadline();
    EXPECT_TRUE(shell_.wants_line());
    EXPECT_THAT(errors_.str(), HasSubstr("no message came in time"));
    shell_.on_line("r soon");
    EXPECT_TRUE(shell_.wants_line());
}

TEST_F(ShellTest, TheEndOfInputWaitsForWhatWasSent) {
    shell_.on_line("j room");
    static_cast<void>(daemon_.heard());
    shell_.on_end_of_input();
    EXPECT_FALSE(shell_.is_done());
    const auto fence = daemon_.heard();
    ASSERT_FALSE(fence.empty());
    daemon_.say(fence);  // the daemon delivers it to us, as the only member of our private group
    auto back = session_.receive(std::chrono::milliseconds(0));
    ASSERT_TRUE(back);
    shell_.on_event(from_bob("in between"));
    EXPECT_FALSE(shell_.is_done());
    shell_.on_event(*back);
    EXPECT_TRUE(shell_.is_done());
    EXPECT_THAT(out_.str(), HasSubstr("in between"));
    EXPECT_THAT(out_.str(), ::testing::Not(HasSubstr("end of input")));
}

TEST_F(ShellTest, QGoesAtOnce) {
    shell_.on_line("q");
    EXPECT_TRUE(shell_.is_done());
}

}  // namespace
}  // namespace spread::spuser
