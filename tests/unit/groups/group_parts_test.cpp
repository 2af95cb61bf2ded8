// The parts of the group engine, each alone.

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "membership/groups/frame_router.hpp"
#include "membership/groups/group_epoch.hpp"
#include "membership/groups/group_exchange.hpp"
#include "membership/groups/group_notices.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/local_sessions.hpp"
#include "membership/groups/state_sender.hpp"
#include "protocol/session_wire.hpp"

namespace spread::membership {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

using protocol::DaemonId;
using protocol::DaemonSet;
using protocol::NameField;
using protocol::SessionId;

const protocol::Roster kRoster({{DaemonId{11}, "d1"}, {DaemonId{12}, "d2"}, {DaemonId{13}, "d3"}});

constexpr protocol::RingId ring(std::uint64_t counter) {
    return {.representative = DaemonId{12}, .nonce = 1, .counter = counter};
}

LocalSessions::Session session(
    const std::string& name, bool wants_membership = true,
    protocol::MembershipLayout layout = protocol::MembershipLayout::kVsSets) {
    LocalSessions::Session opened;
    opened.name = NameField(name);
    opened.wants_membership = wants_membership;
    opened.layout = layout;
    return opened;
}

// ---- Sessions ----

TEST(LocalSessions, AreFoundByIdAndByName) {
    LocalSessions sessions;
    sessions.open(SessionId{5}, session("#a#d1"));
    EXPECT_THAT(sessions.find(NameField("#a#d1")), Optional(SessionId{5}));
    EXPECT_EQ(sessions.find(SessionId{5})->name, NameField("#a#d1"));
    EXPECT_EQ(sessions.find(SessionId{6}), nullptr);
    sessions.forget(SessionId{5});
    EXPECT_EQ(sessions.find(NameField("#a#d1")), std::nullopt);
    sessions.open(SessionId{6}, session("#a#d1"));  // the name is free again
    EXPECT_THAT(sessions.private_recipient(NameField("#a#d1")), Optional(SessionId{6}));
}

TEST(LocalSessions, ThoseThatCloseAreNoRecipients) {
    LocalSessions sessions;
    for (std::uint64_t id = 1; id <= 5; ++id) {
        sessions.open(SessionId{id}, session("#c" + std::to_string(id) + "#d1"));
    }
    sessions.begin_close(SessionId{4});
    sessions.begin_close(SessionId{2});
    std::vector<SessionId> all{SessionId{1}, SessionId{2}, SessionId{3}, SessionId{4},
                               SessionId{5}};
    sessions.drop_closing(all);
    EXPECT_THAT(all, ElementsAre(SessionId{1}, SessionId{3}, SessionId{5}));
    EXPECT_EQ(sessions.private_recipient(NameField("#c2#d1")), std::nullopt);
    sessions.forget(SessionId{2});
    std::vector<SessionId> rest{SessionId{3}, SessionId{4}};
    sessions.drop_closing(rest);
    EXPECT_THAT(rest, ElementsAre(SessionId{3}));
}

TEST(LocalSessions, ReadersOfTheOldLayoutAreTakenOut) {
    LocalSessions sessions;
    sessions.open(SessionId{1}, session("#a#d1"));
    sessions.open(SessionId{2}, session("#b#d1", true, protocol::MembershipLayout::kOwnSet));
    std::vector<SessionId> recipients{SessionId{1}, SessionId{2}};
    EXPECT_THAT(sessions.split_3x(recipients), ElementsAre(SessionId{2}));
    EXPECT_THAT(recipients, ElementsAre(SessionId{1}));
    sessions.forget(SessionId{2});
    EXPECT_THAT(sessions.split_3x(recipients), IsEmpty());
}

// ---- Ids ----

TEST(GroupEpoch, ViewsOfOneConfigurationCountOnAndTheNextStartsAnew) {
    GroupEpoch epoch(kRoster, 0);
    epoch.enter(DaemonSet{0, 1}, ring(100));
    Group group;
    group.name = NameField("g");
    group.id = epoch.id_before_first(group.name);
    epoch.advance(group);
    epoch.advance(group);
    EXPECT_EQ(group.id, (protocol::GroupId{.proc_id = 12, .time = 100, .index = 2}));
    epoch.note_ended(group);
    EXPECT_EQ(epoch.id_before_first(group.name).index, 2);
    epoch.enter(DaemonSet{0, 1}, ring(102));
    EXPECT_EQ(epoch.id_before_first(group.name).index, 0);
    epoch.advance(group);
    EXPECT_EQ(group.id, (protocol::GroupId{.proc_id = 12, .time = 102, .index = 1}));
}

TEST(GroupEpoch, IndicesCountThroughAll32Bits) {
    constexpr auto kLast = std::numeric_limits<std::int32_t>::max();
    GroupEpoch epoch(kRoster, 0, kLast - 1);
    epoch.enter(DaemonSet{0}, ring(100));
    Group group;
    group.name = NameField("g");
    group.id = epoch.id_before_first(group.name);
    epoch.advance(group);
    EXPECT_EQ(group.id.index, kLast);
    epoch.advance(group);
    EXPECT_EQ(group.id.index, std::numeric_limits<std::int32_t>::min());
    epoch.note_ended(group);
    EXPECT_EQ(epoch.id_before_first(group.name), group.id) << "an index would come twice";
    EXPECT_EQ(epoch.id_before_first(NameField("new")).index, kLast - 1);
}

TEST(GroupEpoch, ATransitionalIdNamesTheFirstOfTheSyncedSet) {
    GroupEpoch epoch(kRoster, 2);
    epoch.enter(DaemonSet{0, 1, 2}, ring(100));
    epoch.note_synced();
    epoch.shrink(DaemonSet{1, 2}, ring(106));
    EXPECT_EQ(epoch.phase, GroupPhase::kTransitional);
    EXPECT_EQ(epoch.synced(), (DaemonSet{1, 2}));
    Group group;
    epoch.hit(group);
    EXPECT_TRUE(group.changed);
    EXPECT_EQ(group.id, (protocol::GroupId{.proc_id = 12, .time = 105, .index = 1}));
    epoch.advance(group);
    epoch.hit(group);  // keeps what has counted on in this configuration
    EXPECT_EQ(group.id.index, 2);
}

// ---- Notices ----

class Notices : public ::testing::Test {
  protected:
    Notices() : group_(table_.create(NameField("g"), {.proc_id = 1, .time = 2, .index = 3})) {
        add(1, "#a#d1");
        add(2, "#b#d1");
    }

    void add(std::uint64_t id, const std::string& name) {
        sessions_.open(SessionId{id}, session(name));
        table_.add_member(group_, 0, NameField(name));
        group_.add_receiver(SessionId{id});
    }

    LocalSessions sessions_;
    GroupStats stats_;
    GroupNotices notices_{sessions_, stats_};
    GroupTable table_;
    Group& group_;
    GroupOutput out_;
};

TEST_F(Notices, AJoinIsOneFrameForAllAndWaitedForByItsSubject) {
    notices_.member_change(protocol::MemberChange::kJoin, group_, true, NameField("#b#d1"), out_);
    ASSERT_THAT(out_.events, SizeIs(1));
    EXPECT_THAT(out_.events[0].recipients, ElementsAre(SessionId{1}, SessionId{2}));
    EXPECT_TRUE(out_.events[0].is_notice);
    EXPECT_THAT(out_.events[0].subject, Optional(SessionId{2}));
    EXPECT_EQ(stats_.views_delivered, 1U);
}

TEST_F(Notices, NothingIsEncodedWhenEverybodyIsClosing) {
    sessions_.begin_close(SessionId{1});
    sessions_.begin_close(SessionId{2});
    notices_.member_change(protocol::MemberChange::kLeave, group_, true, NameField("#c#d1"), out_);
    notices_.signal(group_, out_);
    EXPECT_THAT(out_.events, IsEmpty());
    EXPECT_TRUE(group_.signalled);
}

TEST_F(Notices, CostWhatIsQueuedForClients) {
    for (std::uint64_t id = 3; id <= 300; ++id) {
        add(id, "#c" + std::to_string(id) + "#d1");
    }
    out_.budget = WorkBudget(1000);
    notices_.member_change(protocol::MemberChange::kJoin, group_, true, NameField("#a#d1"), out_);
    EXPECT_FALSE(out_.budget.is_spent());  // 300 times 9.7 kB
    notices_.member_change(protocol::MemberChange::kJoin, group_, true, NameField("#a#d1"), out_);
    EXPECT_TRUE(out_.budget.is_spent());
}

// ---- Routing ----

protocol::Message frame(const std::string& sender, const std::vector<std::string>& groups) {
    protocol::SessionHeader header;
    header.type = protocol::kAgreedMess;
    header.private_group_name = NameField(sender);
    header.num_groups = static_cast<std::int32_t>(groups.size());
    std::vector<std::byte> bytes(protocol::frame_bytes(header));
    protocol::encode_session_header(header,
                                    std::span(bytes).first<protocol::kSessionHeaderBytes>());
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const NameField name(groups[i]);
        std::copy(name.bytes().begin(), name.bytes().end(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(protocol::kSessionHeaderBytes +
                                                              i * protocol::kNameFieldBytes));
    }
    return protocol::make_message(bytes);
}

TEST(FrameRouter, SendsToEachMemberOfAnyOfTheGroupsOnce) {
    LocalSessions sessions;
    GroupTable table;
    sessions.open(SessionId{1}, session("#a#d1"));
    sessions.open(SessionId{2}, session("#b#d1"));
    Group& x = table.create(NameField("x"), {});
    Group& y = table.create(NameField("y"), {});
    x.add_receiver(SessionId{2});
    y.add_receiver(SessionId{1});
    y.add_receiver(SessionId{2});
    const FrameRouter router(kRoster, sessions, table);
    const auto recipients = [&](const protocol::Message& message) {
        const auto routed = router.route(message, 1);
        return routed ? std::optional(routed->recipients) : std::nullopt;
    };
    EXPECT_THAT(recipients(frame("#z#d2", {"x", "y"})),
                Optional(ElementsAre(SessionId{1}, SessionId{2})));
    EXPECT_THAT(recipients(frame("#z#d2", {"#a#d1"})), Optional(ElementsAre(SessionId{1})));
    EXPECT_THAT(recipients(frame("#z#d2", {"nobody"})), Optional(IsEmpty()));
    EXPECT_FALSE(router.route(frame("#z#d2", {"x"}), 2));  // no client of d3
    EXPECT_FALSE(router.route(protocol::make_message({}), 1));
}

// ---- State exchange ----

/// The state messages of a table, as the other side reads them.
std::vector<GroupStatePart> state_of(const GroupTable& table, protocol::DaemonIndex self,
                                     const DaemonSet& synced, std::size_t turn) {
    StateSender sender(kRoster, self, ring(100), synced, table, kGroupStateBytesMin);
    GroupOutput out;
    do {
        out.budget = WorkBudget(turn);
    } while (!sender.send(out));
    std::vector<GroupStatePart> parts;
    for (const Submission& submission : out.submissions) {
        EXPECT_TRUE(submission.control);
        std::vector<std::byte> scratch;
        auto part = decode_group_state(submission.body.contiguous(scratch));
        EXPECT_TRUE(part.has_value());
        parts.push_back(std::move(*part));
    }
    return parts;
}

TEST(GroupTable, WhoseDaemonIsLostIsInNoGroupAnyMore) {
    GroupTable table;
    Group& group = table.create(NameField("x"), {});
    table.add_member(group, 0, NameField("#a#d1"));
    table.add_member(group, 1, NameField("#b#d2"));
    table.keep_daemons(group, {0});
    EXPECT_EQ(table.membership_count(), 1U);
    EXPECT_EQ(table.group_count(NameField("#b#d2")), 0U);
    EXPECT_EQ(table.group_count(NameField("#a#d1")), 1U);
}

TEST(StateSender, SaysTheSameInTurnsOfAnyLength) {
    GroupTable table;
    for (int i = 0; i < 200; ++i) {
        Group& group = table.create(NameField("g" + std::to_string(i)), {1, 2, i});
        table.add_member(group, 1, NameField("#u#d2"));
    }
    const auto parts = state_of(table, 1, {1}, 1000000);
    EXPECT_THAT(parts, SizeIs(::testing::Gt(4U)));
    EXPECT_TRUE(parts.back().last);
    EXPECT_EQ(state_of(table, 1, {1}, 1), parts);
}

/// Groups of 40 members of d2 each.
GroupTable large_groups(int groups) {
    GroupTable table;
    for (int i = 0; i < groups; ++i) {
        Group& group = table.create(NameField("g" + std::to_string(i)), {1, 2, i});
        for (int user = 0; user < 40; ++user) {
            table.add_member(group, 1, NameField("#u" + std::to_string(user) + "#d2"));
        }
    }
    return table;
}

TEST(StateSender, WritesAGroupOf40MembersForElevenUnits) {
    const GroupTable table = large_groups(2);
    for (const std::size_t units : {11U, 12U, 23U}) {
        StateSender sender(kRoster, 1, ring(100), {1}, table, 100000);
        GroupOutput out;
        out.budget = WorkBudget(units);
        EXPECT_EQ(sender.send(out), units > 11) << units;
    }
}

TEST(GroupExchange, MergingCostsAUnitForEachMember) {
    const GroupTable table = large_groups(2);
    const auto is_done_with = [&](std::size_t units) {
        GroupExchange exchange(kRoster, ring(100), {1});
        for (const GroupStatePart& part : state_of(table, 1, {1}, 1000)) {
            EXPECT_EQ(exchange.on_part(part, 1), GroupExchange::Verdict::kTaken);
        }
        WorkBudget budget(units);
        return exchange.merge(budget);
    };
    EXPECT_FALSE(is_done_with(82));
    EXPECT_TRUE(is_done_with(83));
}

TEST(GroupExchange, MergesGroupByGroupWhileTheBudgetLasts) {
    GroupTable one;
    GroupTable two;
    for (int i = 0; i < 50; ++i) {
        Group& group = one.create(NameField("g" + std::to_string(i)), {1, 1, i});
        one.add_member(group, 0, NameField("#a#d1"));
        Group& other = two.create(NameField("g" + std::to_string(i + 25)), {2, 2, i});
        two.add_member(other, 1, NameField("#b#d2"));
    }
    GroupExchange exchange(kRoster, ring(100), {0, 1});
    for (const GroupStatePart& part : state_of(one, 0, {0}, 1000)) {
        EXPECT_EQ(exchange.on_part(part, 0), GroupExchange::Verdict::kTaken);
    }
    EXPECT_FALSE(exchange.is_complete());
    for (const GroupStatePart& part : state_of(two, 1, {1}, 1000)) {
        EXPECT_EQ(exchange.on_part(part, 1), GroupExchange::Verdict::kTaken);
    }
    ASSERT_TRUE(exchange.is_complete());
    int turns = 0;
    bool done = false;
    while (!done) {
        WorkBudget budget(10);
        done = exchange.merge(budget);
        ++turns;
    }
    EXPECT_GE(turns, 10);
    const GroupExchange::Merged merged = exchange.take_merged();
    EXPECT_THAT(merged.table.groups(), SizeIs(75));
    EXPECT_THAT(merged.changed, SizeIs(25));  // those that both sides have
}

TEST(GroupExchange, GivesUpItsMemoryInTurns) {
    GroupTable table;
    for (int i = 0; i < 100; ++i) {
        Group& group = table.create(NameField("g" + std::to_string(i)), {1, 1, i});
        table.add_member(group, 0, NameField("#a#d1"));
    }
    GroupExchange exchange(kRoster, ring(100), {0, 1});
    for (const GroupStatePart& part : state_of(table, 0, {0}, 1000)) {
        static_cast<void>(exchange.on_part(part, 0));
    }
    int turns = 1;
    for (WorkBudget budget(30); !exchange.discard(budget); budget = WorkBudget(30)) {
        ++turns;
    }
    EXPECT_EQ(turns, 4);
}

}  // namespace
}  // namespace spread::membership
