#include "membership/recovery_plan.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using protocol::CommitMember;
using protocol::CommitToken;
using protocol::DaemonId;
using protocol::DaemonSet;
using protocol::RingId;
using protocol::Seq;
using testing::ElementsAre;
using testing::IsEmpty;

const RingId kOld{DaemonId{1}, 7, 100};
const RingId kOtherOld{DaemonId{3}, 8, 90};
constexpr std::uint64_t kSpanMax = 1000;

class RecoveryPlanTest : public testing::Test {
  protected:
    protocol::Roster roster_{{{DaemonId{1}, {}}, {DaemonId{2}, {}}, {DaemonId{3}, {}}}};
    CommitToken token_;

    CommitMember& add(std::uint32_t id, const RingId& old_ring, std::uint64_t aru,
                      std::vector<protocol::SeqRange> held = {}, std::uint64_t safe = 0) {
        CommitMember& member = token_.members.emplace_back();
        member.id = DaemonId{id};
        member.filled = true;
        member.old_ring = old_ring;
        member.aru = Seq{aru};
        member.safe_up_to = Seq{safe};
        member.held = std::move(held);
        return member;
    }

    [[nodiscard]] RecoveryPlan plan_of(std::uint32_t self) const {
        RecoveryPlan plan = plan_recovery(token_, roster_, DaemonId{self}, kSpanMax);
        plan.check_invariants();
        return plan;
    }
};

TEST_F(RecoveryPlanTest, WhoHoldsTheSameNeedsNothing) {
    add(1, kOld, 10);
    add(2, kOld, 10);
    const RecoveryPlan plan = plan_of(1);
    EXPECT_EQ(plan.expected, 0U);
    EXPECT_THAT(plan.mine, IsEmpty());
    EXPECT_EQ(plan.transitional, (DaemonSet{0, 1}));
    EXPECT_EQ(plan.first_hole(), Seq{11});
}

TEST_F(RecoveryPlanTest, TheFirstHolderResendsWhatOthersLack) {
    add(1, kOld, 10, {{Seq{12}, 1}});
    add(2, kOld, 11);
    const RecoveryPlan first = plan_of(1);
    const RecoveryPlan second = plan_of(2);
    EXPECT_EQ(first.expected, 2U);
    EXPECT_EQ(second.expected, 2U) << "everybody expects the same";
    EXPECT_THAT(first.mine, ElementsAre(Seq{12}));
    EXPECT_THAT(second.mine, ElementsAre(Seq{11}));
}

TEST_F(RecoveryPlanTest, WhatNobodyHoldsIsAHole) {
    add(1, kOld, 10, {{Seq{12}, 2}});
    add(2, kOld, 10, {{Seq{12}, 2}});
    const RecoveryPlan plan = plan_of(2);
    EXPECT_EQ(plan.expected, 0U);
    EXPECT_EQ(plan.first_hole(), Seq{11});
    EXPECT_EQ(plan.available_end(), Seq{14});
    EXPECT_TRUE(plan.is_available(Seq{10}));
    EXPECT_FALSE(plan.is_available(Seq{11}));
    EXPECT_TRUE(plan.is_available(Seq{13}));
    EXPECT_FALSE(plan.is_available(Seq{14}));
}

TEST_F(RecoveryPlanTest, OtherOldRingsCountButAreNotMine) {
    add(1, kOld, 10);
    add(2, kOtherOld, 5);
    add(3, kOtherOld, 7);
    const RecoveryPlan plan = plan_of(1);
    EXPECT_EQ(plan.expected, 2U);
    EXPECT_THAT(plan.mine, IsEmpty());
    EXPECT_EQ(plan.transitional, DaemonSet{0});
    EXPECT_EQ(plan.available_end(), Seq{11});
    EXPECT_THAT(plan_of(3).mine, ElementsAre(Seq{6}, Seq{7}));
    EXPECT_EQ(plan_of(3).transitional, (DaemonSet{1, 2}));
}

TEST_F(RecoveryPlanTest, TakesTheBestSafeLineAndAllPromises) {
    add(1, kOld, 10, {}, 4);
    add(2, kOld, 10, {}, 8).obligation = {2};
    const RecoveryPlan plan = plan_of(1);
    EXPECT_EQ(plan.safe_up_to, Seq{8});
    EXPECT_EQ(plan.obligation, (DaemonSet{0, 1, 2})) << "who comes along, and who was promised";
}

TEST_F(RecoveryPlanTest, PromisesToDaemonsThatAreNotConfiguredDoNotCount) {
    add(1, kOld, 10).obligation = DaemonSet::first(16);
    EXPECT_EQ(plan_of(1).obligation, (DaemonSet{0, 1, 2}));
}

TEST_F(RecoveryPlanTest, CountsNoFurtherThanAWindowCanSpan) {
    add(1, kOld, 1);
    add(2, kOld, std::uint64_t{1} << 40U);
    const RecoveryPlan plan = plan_of(1);
    EXPECT_EQ(plan.expected, kSpanMax);
    EXPECT_EQ(plan.available.size(), kSpanMax);
}

TEST_F(RecoveryPlanTest, AloneWhatIsHeldIsAllThereIs) {
    protocol::BufferPool pool(2048, 16);  // outlives what it lends
    ordering::OrderConfig config;
    config.self = DaemonId{2};
    ordering::RingOrder order(config, kOld);
    for (const std::uint64_t seq : {1U, 2U, 4U}) {
        protocol::DataBuilder builder(pool.acquire_or_heap(), 1400);
        static_cast<void>(builder.add_entry(0, true, true, protocol::Service::kAgreed,
                                            protocol::MessageKind::kClientFrame));
        order.on_data(
            {Seq{seq}, {}, 1}, DaemonId{1},
            builder.finish({protocol::PacketKind::kData, 0, DaemonId{1}, kOld}, Seq{seq}, {}));
    }
    const RecoveryPlan plan = plan_alone(order, 1, DaemonSet{0});
    plan.check_invariants();
    EXPECT_EQ(plan.transitional, DaemonSet{1});
    EXPECT_EQ(plan.obligation, (DaemonSet{0, 1}));
    EXPECT_EQ(plan.first_hole(), Seq{3});
    EXPECT_TRUE(plan.is_available(Seq{4}));
    EXPECT_EQ(plan.available_end(), Seq{5});
}

}  // namespace
}  // namespace spread::membership
