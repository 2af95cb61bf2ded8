// Virtual synchrony of one group: what its member says and hears for any order of memberships,
// flushes and messages.

#include "client/c/flush/flush_group.hpp"

#include <fl.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::c_api {
namespace {

using client::GroupId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;
using Kind = FlushControl::Kind;

GroupId id(int index) {
    return {.proc_id = 1, .time = 10, .index = index};
}

client::Membership membership(int index, std::uint32_t cause, const Names& members,
                              std::vector<Names> sets, std::size_t own = 0) {
    client::Membership made;
    made.group = "g";
    made.cause = cause;
    made.id = id(index);
    made.members = members;
    made.vs_sets = std::move(sets);
    made.own_vs_set = own;
    return made;
}

client::Membership joined(int index, const Names& members) {
    return membership(index, CAUSED_BY_JOIN, members, {{members.back()}});
}

client::Membership gone(int index, std::uint32_t cause, const Names& members,
                        const std::string& who) {
    return membership(index, cause, members, {{who}});
}

FlushMessage data(const std::string& sender, std::string_view text,
                  std::uint32_t type = AGREED_MESS) {
    FlushMessage message;
    message.type = type;
    message.sender = sender;
    message.add_group("g");
    const auto bytes = std::as_bytes(std::span(text));
    message.body.assign(bytes.begin(), bytes.end());
    return message;
}

std::string text_of(const FlushMessage& message) {
    std::string text(message.body.size(), ' ');
    std::transform(message.body.begin(), message.body.end(), text.begin(),
                   [](std::byte byte) { return static_cast<char>(byte); });
    return text;
}

/// "view join 1: a b", "flush", "signal", "data b hello", in the order delivered.
std::string describe(const FlushMessage& message) {
    if ((message.type & FLUSH_REQ_MESS) != 0) {
        return "flush";
    }
    if (message.type == TRANSITION_MESS) {
        return "signal";
    }
    if ((message.type & REG_MEMB_MESS) == 0) {
        return "data " + message.sender + " " + text_of(message);
    }
    const std::map<std::uint32_t, std::string> causes{{CAUSED_BY_JOIN, "join"},
                                                      {CAUSED_BY_LEAVE, "leave"},
                                                      {CAUSED_BY_DISCONNECT, "disconnect"},
                                                      {CAUSED_BY_NETWORK, "network"}};
    std::string text = "view " + causes.at(message.type & ~std::uint32_t{REG_MEMB_MESS});
    for (std::size_t i = 0; i < message.groups.size(); ++i) {
        text += " " + message.group(i);
    }
    return text;
}

/// Names behind the count in a view's body: who changed, or who came along.
Names names_in(const FlushMessage& view) {
    Names names;
    for (std::size_t at = 16; at + 32 <= view.body.size(); at += 32) {
        names.push_back(text_of(view).substr(at, 32));
        names.back().resize(names.back().find('\0'));
    }
    return names;
}

/// One member and what came of each step.
class FlushGroupTest : public ::testing::Test {
  protected:
    /// What was delivered since the last call.
    Names delivered() {
        Names texts;
        for (const auto& message : output_.deliveries) {
            texts.push_back(describe(message));
        }
        output_.deliveries.clear();
        return texts;
    }
    /// "ok 1", "received 2" since the last call.
    Names said() {
        Names texts;
        for (const auto& control : output_.controls) {
            texts.push_back((control.kind == Kind::kOk ? "ok " : "received ") +
                            std::to_string(control.id.index));
        }
        output_.controls.clear();
        return texts;
    }
    void hear(Kind kind, int index, const std::string& sender) {
        group_.on_control({kind, id(index)}, sender, output_);
    }
    void hear_ok(int index, const Names& senders) {
        for (const auto& sender : senders) {
            hear(Kind::kOk, index, sender);
        }
    }
    void see(client::Membership seen) { group_.on_membership(std::move(seen), output_); }
    void get(FlushMessage message, std::optional<GroupId> view = {}) {
        group_.on_data(std::move(message), view, output_);
    }
    /// The view of `members`, whose last one joined, installed everywhere.
    void install(int index, const Names& members) {
        see(joined(index, members));
        static_cast<void>(group_.flush(output_));
        hear_ok(index, members);
        for (const auto& member : members) {
            hear(Kind::kReceived, index, member);
        }
        static_cast<void>(delivered());
        static_cast<void>(said());
    }

    FlushGroup group_{"g", "a"};
    FlushOutput output_;
};

TEST_F(FlushGroupTest, TheJoinerFlushesByItselfAndHasItsViewWhenItsOkIsBack) {
    see(joined(1, {"a"}));
    EXPECT_THAT(delivered(), IsEmpty());
    EXPECT_THAT(said(), ElementsAre("ok 1"));
    EXPECT_FALSE(group_.has_view());
    hear(Kind::kOk, 1, "a");
    EXPECT_EQ(output_.deliveries.front().mess_type, 0);
    EXPECT_THAT(names_in(output_.deliveries.front()), ElementsAre("a"));
    EXPECT_THAT(delivered(), ElementsAre("view join a"));
    EXPECT_THAT(said(), ElementsAre("received 1"));
    EXPECT_TRUE(group_.is_in_view("a"));
}

TEST_F(FlushGroupTest, AMemberIsAskedToFlushAndTheViewWaitsForAllOks) {
    install(1, {"a"});
    see(joined(2, {"a", "b"}));
    EXPECT_THAT(delivered(), ElementsAre("flush"));
    EXPECT_THAT(said(), IsEmpty());
    hear(Kind::kOk, 2, "b");
    ASSERT_TRUE(group_.flush(output_));
    EXPECT_THAT(said(), ElementsAre("ok 2"));
    EXPECT_THAT(delivered(), IsEmpty());  // our own is still on its way
    hear(Kind::kOk, 2, "a");
    EXPECT_THAT(delivered(), ElementsAre("view join a b"));
    EXPECT_THAT(said(), ElementsAre("received 2"));
}

TEST_F(FlushGroupTest, OnlyAQuestionCanBeAnsweredAndOnlyOnce) {
    install(1, {"a"});
    EXPECT_FALSE(group_.flush(output_));
    see(joined(2, {"a", "b"}));
    EXPECT_TRUE(group_.flush(output_));
    EXPECT_TRUE(group_.has_flushed());
    EXPECT_FALSE(group_.flush(output_));
    hear_ok(2, {"a", "b"});
    EXPECT_FALSE(group_.has_flushed());
    EXPECT_FALSE(group_.flush(output_));
}

TEST_F(FlushGroupTest, MessagesOfTheOldViewComeBeforeTheNewOne) {
    install(1, {"a", "b"});
    see(joined(2, {"a", "b", "c"}));
    get(data("b", "late"));
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(2, {"b", "c", "a"});
    get(data("c", "first"));
    EXPECT_THAT(delivered(),
                ElementsAre("flush", "data b late", "view join a b c", "data c first"));
}

TEST_F(FlushGroupTest, WhoIsNotInTheViewIsNotHeard) {
    install(1, {"a", "b"});
    get(data("stranger", "hello"));
    see(joined(2, {"a", "b", "c"}));
    get(data("c", "too early"));
    EXPECT_THAT(delivered(), ElementsAre("flush"));
}

TEST_F(FlushGroupTest, AVulnerableMessageWaitsForItsView) {
    install(1, {"a", "b"});
    see(joined(2, {"a", "b", "c"}));
    get(data("c", "sent in view 2", FIFO_MESS), id(2));
    ASSERT_TRUE(group_.flush(output_));
    EXPECT_THAT(delivered(), ElementsAre("flush"));
    hear_ok(2, {"a", "b", "c"});
    EXPECT_THAT(delivered(), ElementsAre("view join a b c", "data c sent in view 2"));
    // One of a view that is over, or that will never be here, is nobody's.
    get(data("b", "old", FIFO_MESS), id(1));
    get(data("b", "unknown", FIFO_MESS), id(9));
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(FlushGroupTest, AFloodOfMessagesForAViewToComeIsBounded) {
    install(1, {"a", "b"});
    see(joined(2, {"a", "b", "c"}));
    const std::string large(1 << 20U, 'x');
    for (int i = 0; i < 40; ++i) {
        get(data("c", large, FIFO_MESS), id(2));
    }
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(2, {"a", "b", "c"});
    const std::size_t count = output_.deliveries.size();
    EXPECT_GT(count, 10U);
    EXPECT_LT(count, 20U);
}

TEST_F(FlushGroupTest, WhatIsSentIsVulnerableUntilAllHaveTheViewAndFromTheNextRequestOn) {
    EXPECT_FALSE(group_.vulnerable_view());
    see(joined(1, {"b", "a"}));
    hear_ok(1, {"a", "b"});
    EXPECT_EQ(group_.vulnerable_view(), id(1));
    hear(Kind::kReceived, 1, "a");
    hear(Kind::kReceived, 7, "b");  // of some other view
    EXPECT_EQ(group_.vulnerable_view(), id(1));
    hear(Kind::kReceived, 1, "b");
    EXPECT_FALSE(group_.vulnerable_view());
    see(joined(2, {"b", "a", "c"}));
    EXPECT_EQ(group_.vulnerable_view(), id(1));
}

TEST_F(FlushGroupTest, ADisconnectIsSignalledBeforeItsViewOnce) {
    install(1, {"a", "b", "c"});
    group_.on_transitional(output_);
    see(gone(2, CAUSED_BY_DISCONNECT, {"a", "c"}, "b"));
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(2, {"c", "a"});
    EXPECT_THAT(names_in(output_.deliveries.back()), ElementsAre("b"));
    EXPECT_THAT(delivered(), ElementsAre("signal", "flush", "view disconnect a c"));
    // The next view has a signal of its own.
    see(gone(3, CAUSED_BY_DISCONNECT, {"a"}, "c"));
    EXPECT_THAT(delivered(), ElementsAre("flush", "signal"));
}

TEST_F(FlushGroupTest, ASignalBeforeTheFirstViewIsNotOurs) {
    group_.on_transitional(output_);
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(FlushGroupTest, PendingMembershipsAreInstalledOneByOneEachWithAFlushOfItsOwn) {
    install(1, {"a"});
    see(joined(2, {"a", "b"}));
    see(joined(3, {"a", "b", "c"}));
    EXPECT_THAT(delivered(), ElementsAre("flush"));
    ASSERT_TRUE(group_.flush(output_));
    EXPECT_THAT(said(), ElementsAre("ok 2"));  // the oldest comes first
    hear_ok(2, {"a", "b"});
    // No FLUSH_RECV for a view that is about to be left.
    EXPECT_THAT(said(), IsEmpty());
    EXPECT_THAT(delivered(), ElementsAre("view join a b", "flush"));
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(3, {"a", "b", "c"});
    EXPECT_THAT(said(), ElementsAre("ok 3", "received 3"));
    EXPECT_THAT(delivered(), ElementsAre("view join a b c"));
}

TEST_F(FlushGroupTest, AViewWhoseMemberWentUnflushedIsAbsorbedByTheNextAsANetworkChange) {
    install(1, {"a", "b"});
    see(joined(2, {"a", "b", "c"}));
    ASSERT_TRUE(group_.flush(output_));
    EXPECT_THAT(said(), ElementsAre("ok 2"));
    hear_ok(2, {"a", "b"});
    see(gone(3, CAUSED_BY_DISCONNECT, {"a", "b"}, "c"));  // c never said FLUSH_OK
    EXPECT_THAT(said(), ElementsAre("ok 3"));             // we have flushed already
    hear_ok(3, {"b", "a"});
    // Together from the last view into this one: both.
    EXPECT_THAT(names_in(output_.deliveries.back()), ElementsAre("a", "b"));
    EXPECT_THAT(delivered(), ElementsAre("flush", "signal", "view network a b"));
}

TEST_F(FlushGroupTest, AViewWhoseMemberWentAfterItsOkIsInstalled) {
    install(1, {"a", "b"});
    see(joined(2, {"a", "b", "c"}));
    hear_ok(2, {"b", "c"});
    see(gone(3, CAUSED_BY_LEAVE, {"a", "b"}, "c"));
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(2, {"a"});
    EXPECT_THAT(delivered(), ElementsAre("flush", "view join a b c", "flush"));
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(3, {"a", "b"});
    EXPECT_THAT(delivered(), ElementsAre("view leave a b"));
}

TEST_F(FlushGroupTest, ANetworkViewNamesThoseOfTheOldViewWhoAreInTheOwnSet) {
    install(1, {"a", "b", "c"});
    see(membership(2, CAUSED_BY_NETWORK, {"a", "c", "d"}, {{"d"}, {"a", "c"}}, 1));
    ASSERT_TRUE(group_.flush(output_));
    hear_ok(2, {"a", "c", "d"});
    EXPECT_THAT(names_in(output_.deliveries.back()), ElementsAre("a", "c"));
    EXPECT_THAT(delivered(), ElementsAre("flush", "signal", "view network a c d"));
}

TEST_F(FlushGroupTest, WhoComesIntoAnAbsorbingViewHasOnlyItself) {
    // We join, the network changes before anybody could flush: our first view.
    see(joined(1, {"b", "a"}));
    see(membership(2, CAUSED_BY_NETWORK, {"a"}, {{"a"}}));
    EXPECT_THAT(said(), ElementsAre("ok 1", "ok 2"));
    hear_ok(2, {"a"});
    EXPECT_THAT(names_in(output_.deliveries.back()), ElementsAre("a"));
    EXPECT_THAT(delivered(), ElementsAre("view network a"));
}

TEST_F(FlushGroupTest, AnOkForNoPendingMembershipChangesNothing) {
    install(1, {"a", "b"});
    hear_ok(5, {"a", "b"});
    hear(Kind::kOk, 1, "b");
    EXPECT_THAT(delivered(), IsEmpty());
    EXPECT_THAT(said(), IsEmpty());
}

TEST(FlushFunctions, ErrorsOfTheSessionArePrintedAsTheSessionDoes) {
    ::testing::internal::CaptureStdout();
    FL_error(ILLEGAL_STATE);
    FL_error(CONNECTION_CLOSED);
    const std::string printed = ::testing::internal::GetCapturedStdout();
    EXPECT_EQ(printed.rfind("FL_error: (-27) ", 0), 0U) << printed;
    EXPECT_NE(printed.find("\nSP_error: (-8) "), std::string::npos) << printed;
}

}  // namespace
}  // namespace spread::c_api
