#include "protocol/routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr DaemonId kD1{101};
constexpr DaemonId kD2{102};
constexpr DaemonId kD3{103};
constexpr DaemonId kD4{104};

TEST(Routing, AGroupAddressReachesTheOwnSegmentInOneSend) {
    const std::vector<RouteSegment> segments = {{{kD1, kD2, kD3}, 1}};
    const RoutePlan plan = plan_route(segments, kD2);
    EXPECT_EQ(plan.group_addresses, 1U);
    EXPECT_THAT(plan.unicast, IsEmpty());
}

TEST(Routing, EverySegmentAddressIsUsedForRedundancy) {
    const std::vector<RouteSegment> segments = {{{kD1, kD2}, 3}};
    EXPECT_EQ(plan_route(segments, kD1).group_addresses, 3U);
}

TEST(Routing, ADaemonAloneSendsNothing) {
    const std::vector<RouteSegment> segments = {{{kD1}, 1}};
    const RoutePlan plan = plan_route(segments, kD1);
    EXPECT_EQ(plan.group_addresses, 0U);
    EXPECT_THAT(plan.unicast, IsEmpty());
}

TEST(Routing, ASegmentWithoutGroupAddressIsServedDaemonByDaemon) {
    const std::vector<RouteSegment> segments = {{{kD1, kD2, kD3}, 0}};
    const RoutePlan plan = plan_route(segments, kD2);
    EXPECT_EQ(plan.group_addresses, 0U);
    EXPECT_THAT(plan.unicast, ElementsAre(kD1, kD3));
}

TEST(Routing, OtherSegmentsGetOneCopyPerDaemonWithoutARelay) {
    const std::vector<RouteSegment> segments = {{{kD1, kD2}, 1}, {{kD3, kD4}, 1}};
    const RoutePlan plan = plan_route(segments, kD1);
    EXPECT_EQ(plan.own_segment, 0U);
    EXPECT_EQ(plan.group_addresses, 1U);
    EXPECT_THAT(plan.unicast, ElementsAre(kD3, kD4));
}

TEST(Routing, ADaemonAloneInItsSegmentSendsToTheOthersOnly) {
    const std::vector<RouteSegment> segments = {{{kD1, kD2}, 1}, {{kD3}, 1}};
    const RoutePlan plan = plan_route(segments, kD3);
    EXPECT_EQ(plan.own_segment, 1U);
    EXPECT_EQ(plan.group_addresses, 0U);
    EXPECT_THAT(plan.unicast, ElementsAre(kD1, kD2));
}

TEST(Routing, EveryOtherDaemonIsReachedExactlyOnceWhateverTheSegments) {
    const std::vector<RouteSegment> segments = {{{kD1}, 1}, {{kD2, kD3}, 0}, {{kD4}, 2}};
    for (const DaemonId self : {kD1, kD2, kD3, kD4}) {
        const RoutePlan plan = plan_route(segments, self);
        MemberList expected = {kD1, kD2, kD3, kD4};
        std::erase(expected, self);
        EXPECT_EQ(plan.unicast, expected) << self.value;
    }
}

TEST(Routing, TheTokenPortNeverWrapsToZero) {
    EXPECT_EQ(token_port_of(4803), 4804);
    EXPECT_EQ(token_port_of(65534), 65535);
}

}  // namespace
}  // namespace spread::protocol
