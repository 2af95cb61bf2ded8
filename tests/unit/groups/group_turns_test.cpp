// Work in turns: what becomes of an event does not depend on how much is done at once.

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "membership/groups/group_engine.hpp"
#include "tests/support/ordered.hpp"
#include "total_order_bus.hpp"

namespace spread::membership::testing {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using protocol::DaemonId;
using protocol::SessionId;

constexpr protocol::RingId kRing{.representative = DaemonId{1}, .nonce = 1, .counter = 100};

/// Daemon d1, alone on its ring: what it submits comes back at once.
class Alone {
  public:
    Alone() : engine_({.daemons = {{DaemonId{1}, "d1"}}, .self = DaemonId{1}}) {
        for (const auto kind : {ConfigurationKind::kTransitional, ConfigurationKind::kRegular}) {
            engine_.on_event(ConfigurationChange{kind, kRing, {DaemonId{1}}}, out_);
        }
        out_.clear();
    }

    void open(std::uint64_t id, const std::string& user) {
        engine_.on_session_open(SessionId{id}, "#" + user + "#d1", true);
    }
    void join(std::uint64_t id, std::size_t groups) {
        for (std::size_t i = 0; i < groups; ++i) {
            engine_.request_join(SessionId{id}, "g" + std::to_string(i), out_);
        }
        deliver(WorkBudget::unlimited());
        out_.clear();
    }

    /// Submissions become deliveries.
    void deliver(WorkBudget budget) {
        out_.budget = budget;
        for (Submission& submission : std::exchange(out_.submissions, {})) {
            engine_.on_event(support::ordered(std::move(submission), kRing,
                                              protocol::Seq{++delivered_}, DaemonId{1}),
                             out_);
        }
    }
    void work(std::size_t units) {
        out_.clear();
        out_.budget = WorkBudget(units);
        engine_.work(out_);
    }

    GroupEngine& engine() { return engine_; }
    GroupOutput& out() { return out_; }

  private:
    GroupEngine engine_;
    GroupOutput out_;
    std::uint64_t delivered_ = 0;
};

TEST(GroupTurns, ADisconnectLeavesAsManyGroupsAsTheBudgetAllows) {
    Alone daemon;
    daemon.open(1, "leaver");
    daemon.open(2, "watcher");
    daemon.join(1, 100);
    daemon.join(2, 100);
    daemon.engine().request_disconnect(SessionId{1}, true, daemon.out());
    daemon.deliver(WorkBudget(11));
    EXPECT_THAT(daemon.out().events, SizeIs(10));
    EXPECT_TRUE(daemon.engine().has_work());
    EXPECT_THAT(daemon.out().disconnected, IsEmpty());
    std::size_t events = daemon.out().events.size();
    while (daemon.engine().has_work()) {
        daemon.work(7);
        EXPECT_LE(daemon.out().events.size(), 7U);
        events += daemon.out().events.size();
    }
    EXPECT_EQ(events, 100U);
    EXPECT_THAT(daemon.out().disconnected, ::testing::ElementsAre(SessionId{1}));
    EXPECT_THAT(daemon.engine().members("g99"), ::testing::ElementsAre("#watcher#d1"));
}

TEST(GroupTurns, WhatIsDeliveredMeanwhileWaitsItsTurn) {
    Alone daemon;
    daemon.open(1, "leaver");
    daemon.open(2, "joiner");
    daemon.join(1, 50);
    daemon.engine().request_disconnect(SessionId{1}, false, daemon.out());
    daemon.engine().request_join(SessionId{2}, "g49", daemon.out());
    daemon.deliver(WorkBudget(5));
    EXPECT_THAT(daemon.engine().members("g49"), ::testing::ElementsAre("#leaver#d1"));
    std::vector<ClientEvent> events;
    while (daemon.engine().has_work()) {
        daemon.work(5);
        std::move(daemon.out().events.begin(), daemon.out().events.end(),
                  std::back_inserter(events));
    }
    // The joiner has never shared a view with the one that had left before.
    EXPECT_THAT(daemon.engine().members("g49"), ::testing::ElementsAre("#joiner#d1"));
    EXPECT_THAT(events, SizeIs(1));
}

TEST(GroupTurns, AClosingSessionHearsNothingOfWhatIsStillWorkedOn) {
    Alone daemon;
    daemon.open(1, "leaver");
    daemon.open(2, "closing");
    daemon.join(1, 50);
    daemon.join(2, 50);
    daemon.engine().request_disconnect(SessionId{1}, false, daemon.out());
    daemon.deliver(WorkBudget(5));
    daemon.engine().request_disconnect(SessionId{2}, false, daemon.out());
    daemon.work(1000);
    EXPECT_FALSE(daemon.engine().has_work());
    EXPECT_THAT(daemon.out().events, IsEmpty());
}

/// How many turns of one unit follow after the state of another daemon was read with so many.
struct ReadState {
    std::size_t bytes = 0;
    int turns = 0;
};
ReadState read_state(std::size_t units) {
    const std::vector<protocol::RosterEntry> daemons{{DaemonId{1}, "d1"}, {DaemonId{2}, "d2"}};
    GroupEngine reader({.daemons = daemons, .self = DaemonId{1}});
    GroupEngine other({.daemons = daemons, .self = DaemonId{2}});
    protocol::RingId ring = kRing;
    GroupOutput out;
    std::uint64_t seq = 0;
    const auto deliver = [&](GroupEngine& engine, DaemonId origin, std::size_t budget) {
        std::size_t bytes = 0;
        GroupOutput output;
        for (Submission& submission : std::exchange(out.submissions, {})) {
            bytes += submission.body.size();
            output.budget = WorkBudget(budget);
            engine.on_event(
                support::ordered(std::move(submission), ring, protocol::Seq{++seq}, origin),
                output);
        }
        return bytes;
    };
    const auto enter = [&](GroupEngine& engine, DaemonId self, const protocol::MemberList& all) {
        engine.on_event(ConfigurationChange{ConfigurationKind::kTransitional, ring, {self}}, out);
        engine.on_event(ConfigurationChange{ConfigurationKind::kRegular, ring, all}, out);
    };
    enter(reader, DaemonId{1}, {DaemonId{1}});
    enter(other, DaemonId{2}, {DaemonId{2}});
    other.on_session_open(SessionId{1}, "#user#d2", true);
    for (int i = 0; i < 60; ++i) {
        other.request_join(SessionId{1}, "a_group_with_a_long_name_" + std::to_string(i), out);
    }
    static_cast<void>(deliver(other, DaemonId{2}, 1000));
    ++ring.counter;
    enter(reader, DaemonId{1}, {DaemonId{1}, DaemonId{2}});
    static_cast<void>(deliver(reader, DaemonId{1}, 1000));
    enter(other, DaemonId{2}, {DaemonId{1}, DaemonId{2}});
    ReadState result;
    result.bytes = deliver(reader, DaemonId{2}, units);
    for (; reader.has_work(); ++result.turns) {
        GroupOutput output;
        output.budget = WorkBudget(1);
        reader.work(output);
    }
    EXPECT_THAT(reader.group_names(), SizeIs(60));
    return result;
}

TEST(GroupTurns, ReadingTheStateOfOthersCostsAUnitForEach64Bytes) {
    const ReadState slowest = read_state(1);
    EXPECT_GT(slowest.bytes, 60U * 25U);
    EXPECT_EQ(read_state(1 + slowest.bytes / 64).turns, slowest.turns) << "nothing was left";
    EXPECT_LT(read_state(1 + slowest.bytes / 64 + 20).turns, slowest.turns);
}

/// A history with merges, partitions, a crash and disconnects; all that its clients saw.
std::vector<std::string> history(std::size_t turn) {
    TotalOrderBus bus({"d1", "d2", "d3"}, {}, 0);
    bus.set_turn(turn);
    bus.reform({{0, 1}, {2}});
    for (std::size_t d = 0; d < 3; ++d) {
        for (const std::string user : {"a", "b"}) {
            auto& client = bus.connect(d, user + std::to_string(d), user == "a");
            for (int g = 0; g < 40; ++g) {
                bus.join(client, "g" + std::to_string(g));
            }
        }
    }
    bus.settle();
    bus.reform({{0, 1, 2}});
    bus.reform({{0, 2}, {1}}, 1);  // before the exchange has ended
    bus.settle();
    bus.disconnect(bus.clients()[1]);
    bus.reform({{0, 1, 2}});
    bus.settle();
    bus.crash(2);
    bus.reform({{0, 1}});
    bus.settle();
    std::vector<std::string> seen;
    for (auto& client : bus.clients()) {
        for (std::string& text : bus.news(client)) {
            seen.push_back(client.user + ": " + text);
        }
    }
    for (std::size_t d = 0; d < 2; ++d) {
        EXPECT_EQ(bus.engine(d).phase(), GroupPhase::kStable);
        EXPECT_THAT(bus.engine(d).group_names(), SizeIs(40));
    }
    return seen;
}

TEST(GroupTurns, EveryTurnLengthTellsTheSameStory) {
    const auto at_once = history(0);
    EXPECT_THAT(at_once, SizeIs(::testing::Gt(500U)));
    for (const std::size_t turn : {std::size_t{1}, std::size_t{3}, std::size_t{64}}) {
        EXPECT_EQ(history(turn), at_once) << turn;
    }
}

}  // namespace
}  // namespace spread::membership::testing
