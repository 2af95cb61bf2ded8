#include "daemon/admin/ring_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/clock.hpp"
#include "tests/unit/daemon/three_nodes.hpp"

namespace spread::admin {
namespace {

using membership::Absence;
using membership::Cause;
using membership::ChangeReason;
using membership::ConfigurationChange;
using membership::ConfigurationKind;
using membership::RingState;
using protocol::DaemonId;
using protocol::MemberList;
using testing::ElementsAre;
using testing::HasSubstr;

class RingWatchTest : public testing::Test {
  protected:
    void install(const MemberList& members, std::vector<Absence> missing) {
        ConfigurationChange change;
        change.kind = ConfigurationKind::kRegular;
        change.members = members;
        change.missing = std::move(missing);
        watch_.on_installed(change);
    }
    void gather(ChangeReason reason, DaemonId peer = {}) {
        watch_.on_state_change({daemon::now(),
                                DaemonId{1},
                                RingState::kOperational,
                                RingState::kGather,
                                reason,
                                peer,
                                {},
                                members_});
    }

    const config::Configuration configuration_ = daemon::three_nodes();
    History history_;
    RingWatch watch_{configuration_, 0, history_};
    MemberList members_;
};

TEST_F(RingWatchTest, KnowsNothingBeforeTheFirstRing) {
    EXPECT_FALSE(watch_.membership().has_value());
}

TEST_F(RingWatchTest, SaysWhoWasLostWhyAndHowLongItTook) {
    install({DaemonId{1}, DaemonId{2}, DaemonId{3}}, {});
    gather(ChangeReason::kTokenLoss);
    gather(ChangeReason::kJoinReceived, DaemonId{2});  // goes on gathering: the first reason counts
    install({DaemonId{1}, DaemonId{2}},
            {{DaemonId{3}, Cause::kTokenPort, DaemonId{3}, DaemonId{1}}});
    const auto events = history_.events(10);
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[1].event, "ring_changed");
    EXPECT_EQ(events[1].cause, "token_port");
    EXPECT_EQ(events[1].text, "ring 3 -> 2 of 3, lost node3 (token loss)");
    EXPECT_TRUE(events[1].took.has_value());
    EXPECT_EQ(events[2].event, "peer_missing");
    EXPECT_EQ(events[2].subject, "node3");
    EXPECT_THAT(events[2].text, HasSubstr("10.0.0.3:4804"));
    ASSERT_EQ(watch_.membership()->missing.size(), 1U);
    EXPECT_EQ(watch_.membership()->missing[0].absence.cause, Cause::kTokenPort);
}

TEST_F(RingWatchTest, SaysWhomMulticastDoesNotReach) {
    EXPECT_TRUE(watch_.without_group().text.empty());
    watch_.on_without_group({DaemonId{2}, DaemonId{3}});
    EXPECT_THAT(watch_.without_group().daemons, ElementsAre("node2", "node3"));
    EXPECT_THAT(watch_.without_group().text,
                HasSubstr(" at UDP port 4803 does not reach node2, node3,"));
    EXPECT_EQ(history_.events(1)[0].event, "multicast_lost");
    EXPECT_EQ(history_.events(1)[0].subject, "node2, node3");
    watch_.on_without_group({});
    EXPECT_TRUE(watch_.without_group().text.empty());
    EXPECT_EQ(history_.events(1)[0].event, "multicast_back");
}

TEST_F(RingWatchTest, KeepsWhatAFileSaysOtherwise) {
    watch_.on_difference(DaemonId{2}, "'Window 10' there, 'Window 20' here");
    EXPECT_EQ(history_.events(1)[0].event, "settings_differ");
    EXPECT_EQ(history_.events(1)[0].subject, "node2");
    EXPECT_EQ(history_.events(1)[0].text,
              "node2 runs another configuration file: 'Window 10' there, 'Window 20' here");
}

TEST_F(RingWatchTest, WhoComesBackIsNewAndNotMissing) {
    install({DaemonId{1}},
            {{DaemonId{2}, Cause::kSilent, {}, {}}, {DaemonId{3}, Cause::kLeft, {}, {}}});
    install({DaemonId{1}, DaemonId{2}}, {{DaemonId{3}, Cause::kLeft, {}, {}}});
    EXPECT_THAT(history_.events(2)[0].text, HasSubstr("ring 1 -> 2 of 3, new node2"));
    EXPECT_EQ(history_.events(2)[0].cause, "joined");
    EXPECT_EQ(watch_.membership()->formations.changes.at("joined"), 1U);
    EXPECT_EQ(watch_.membership()->formations.changes.at("started"), 1U)
        << "the first ring was of one, whom nobody has joined";
}

TEST_F(RingWatchTest, AnotherCauseIsAnEventAndTheTimeStays) {
    install({DaemonId{1}, DaemonId{2}}, {{DaemonId{3}, Cause::kUnknown, {}, {}}});
    const WallTime since = watch_.membership()->missing[0].since;
    const std::vector<Absence> same = {{DaemonId{3}, Cause::kUnknown, {}, {}}};
    const std::vector<Absence> other = {{DaemonId{3}, Cause::kSilent, {}, {}}};
    const std::size_t before = history_.events(100).size();
    watch_.on_missing(same);
    EXPECT_EQ(history_.events(100).size(), before);
    watch_.on_missing(other);
    ASSERT_EQ(history_.events(100).size(), before + 1);
    EXPECT_EQ(history_.events(1)[0].cause, "silent");
    EXPECT_THAT(history_.events(1)[0].text, testing::StartsWith("still missing, now known why: "));
    EXPECT_EQ(watch_.membership()->missing[0].absence.cause, Cause::kSilent);
    EXPECT_EQ(watch_.membership()->missing[0].since, since);
}

}  // namespace
}  // namespace spread::admin
