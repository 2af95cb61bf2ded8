#include "tests/checker/ring_checker.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ring_story.hpp"

namespace spread::checker {
namespace {

using namespace ring_story;
// --- legal histories ---

TEST(RingChecker, AcceptsARingThatDeliversEverythingEverywhere) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2, Service::kSafe);
    const Sent c = h.accept(kD1, 3);
    h.deliver_all(a, 1);
    h.deliver_all(b, 2);
    h.deliver_all(c, 4);
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, AcceptsAPartitionAndAMergeWithMessagesInTheTransitionalConfigurations) {
    RingStory h;
    const Sent a = h.accept(kD3, 1);
    const Sent b = h.accept(kD1, 2, Service::kSafe);
    h.deliver_all(a, 1);
    for (const DaemonId daemon : {kD1, kD2}) {
        h.transitional(daemon, {kD1, kD2}, ring(kD1, 102));
        h.deliver(daemon, b, 2);
        h.regular(daemon, ring(kD1, 102), {kD1, kD2});
    }
    h.install(kD3, {kD3}, ring(kD3, 104), {kD3});
    const Sent c = h.accept(kD2, 3);
    for (const DaemonId daemon : {kD1, kD2}) {
        h.deliver(daemon, c, 1, ring(kD1, 102));
        h.install(daemon, {kD1, kD2}, ring(kD1, 106), {kD1, kD2, kD3});
    }
    h.install(kD3, {kD3}, ring(kD1, 106), {kD1, kD2, kD3});
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, AcceptsAHoleInFrontOfMessagesOfThoseWhoComeAlong) {
    RingStory h;
    const Sent lost = h.accept(kD3, 1);
    const Sent kept = h.accept(kD1, 2);
    // d3 alone has its message at 1; the others never got it.
    h.deliver(kD3, lost, 1);
    for (const DaemonId daemon : {kD1, kD2}) {
        h.transitional(daemon, {kD1, kD2}, ring(kD1, 102));
        h.deliver(daemon, kept, 2);
        h.regular(daemon, ring(kD1, 102), {kD1, kD2});
    }
    h.install(kD3, {kD3}, ring(kD3, 104), {kD3});
    EXPECT_EQ(h.verdict(), "");
}

TEST(RingChecker, AcceptsThatTheMessageInTheHoleIsSeenLast) {
    RingStory h;
    const Sent lost = h.accept(kD3, 1);
    const Sent kept = h.accept(kD1, 2);
    for (const DaemonId daemon : {kD1, kD2}) {
        h.transitional(daemon, {kD1, kD2}, ring(kD1, 102));
        h.deliver(daemon, kept, 2);
    }
    h.deliver(kD3, lost, 1);
    for (const DaemonId daemon : {kD1, kD2}) {
        h.regular(daemon, ring(kD1, 102), {kD1, kD2});
    }
    h.install(kD3, {kD3}, ring(kD3, 104), {kD3});
    EXPECT_EQ(h.verdict(), "");
}

TEST(RingChecker, AcceptsEqualMessagesOfOneSender) {
    RingStory h;
    const Sent join = h.accept(kD3, {Service::kAgreed, MessageKind::kGroupJoin, 5});
    const Sent leave = h.accept(kD3, {Service::kAgreed, MessageKind::kGroupLeave, 6});
    static_cast<void>(h.accept(kD3, join.facts));
    h.deliver_all(join, 1);
    h.deliver_all(leave, 2);
    h.deliver_all(join, 3);
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, AcceptsAHoleBetweenALostSendersMessagesAndThoseOfOthers) {
    RingStory h;
    const Sent kept = h.accept(kD3, 1);
    const Sent lost = h.accept(kD3, 2);
    h.deliver_all(kept, 1);
    h.deliver(kD3, lost, 2);
    const Sent after = h.accept(kD1, 3);  // sent without having delivered it
    for (const DaemonId daemon : {kD1, kD2}) {
        h.transitional(daemon, {kD1, kD2}, ring(kD1, 102));
        h.deliver(daemon, after, 3);
        h.regular(daemon, ring(kD1, 102), {kD1, kD2});
    }
    h.install(kD3, {kD3}, ring(kD3, 104), {kD3});
    EXPECT_EQ(h.verdict(), "");
}

TEST(RingChecker, AcceptsAMessageThatWaitsForTheNextRing) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    for (const DaemonId daemon : {kD1, kD2, kD3}) {
        h.install(daemon, {kD1, kD2, kD3}, ring(kD1, 102), {kD1, kD2, kD3});
    }
    h.deliver_all(a, 3, ring(kD1, 102));
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, ExcusesALifeThatEndsAndTakesItsSuccessor) {
    RingStory h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    static_cast<void>(h.accept(kD3, 2));
    h.deliver(kD1, a, 1);
    h.deliver(kD2, a, 1);
    h.end(kD3);
    h.start(kD3);
    h.install(kD3, {kD3}, ring(kD3, 102), {kD3});
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 104), {kD1, kD2, kD3});
    }
    h.install(kD3, {kD3}, ring(kD1, 104), {kD1, kD2, kD3});
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, ControlMessagesOvertakeOrdinaryOnesAndNeedNoResume) {
    RingStory h;
    const Sent ordinary = h.accept(kD1, 1);
    const Sent state =
        h.accept(kD1, {Service::kAgreed, MessageKind::kGroupState, 2, SendLane::kControl});
    h.deliver_all(state, 1);
    h.deliver_all(ordinary, 2);
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, MessagesAheadOvertakeOrdinaryOnes) {
    RingStory h;
    const Sent ordinary = h.accept(kD1, 1);
    const Sent first = h.accept_ahead(kD1, 2);
    const Sent second = h.accept_ahead(kD1, 3);
    h.deliver_all(first, 1);
    h.deliver_all(second, 2);
    h.deliver_all(ordinary, 3);
    EXPECT_EQ(h.quiet_end(), "");
}

// --- P1 ---

TEST(RingChecker, P1aNobodySentIt) {
    RingStory h;
    h.deliver(kD2, {kD1, {Service::kAgreed, MessageKind::kClientFrame, 1}}, 1);
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1aAnotherBodyThanSent) {
    RingStory h;
    Sent a = h.accept(kD1, 1);
    a.facts.digest = 2;
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1aSafeIsNotWhatWasSentAsAgreed) {
    RingStory h;
    Sent a = h.accept(kD1, 1, Service::kSafe);
    a.facts.service = Service::kAgreed;
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1aTheOriginIsNotOnTheRing) {
    RingStory h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    const Sent a = h.accept(kD2, 1);
    h.deliver(kD1, a, 1, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1bOnePlaceTwice) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1b");
}

TEST(RingChecker, P1bOneMessageAtTwoPlaces) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    h.deliver(kD2, a, 2);
    EXPECT_EQ(h.verdict(), "P1b");
}

TEST(RingChecker, P1bOneMessageOnTwoRings) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.deliver_all(a, 1);
    for (const DaemonId daemon : {kD1, kD2, kD3}) {
        h.install(daemon, {kD1, kD2, kD3}, ring(kD1, 102), {kD1, kD2, kD3});
    }
    h.deliver(kD2, a, 1, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P1b");
}

TEST(RingChecker, P1cOldMessagesOnTheNewRing) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.install(kD2, {kD2}, ring(kD2, 102), {kD2});
    h.deliver(kD2, a, 1, kAll);
    EXPECT_EQ(h.verdict(), "P1c");
}

TEST(RingChecker, P1cBeforeTheFirstRing) {
    RingStory h;
    h.end(kD2);
    h.start(kD2);
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1c");
}

TEST(RingChecker, P1dSentAfterItsRingWasLeft) {
    RingStory h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1d");
}

// --- P2 ---

TEST(RingChecker, P2aNotAMember) {
    RingStory h;
    h.transitional(kD1, {kD2}, ring(kD2, 102));
    EXPECT_EQ(h.verdict(), "P2a");
}

TEST(RingChecker, P2aOneRingTwice) {
    RingStory h;
    h.install(kD1, {kD1, kD2, kD3}, kAll, {kD1, kD2, kD3});
    EXPECT_EQ(h.verdict(), "P2a");
}

TEST(RingChecker, P2bDifferentMembers) {
    RingStory h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1, kD2});
    h.install(kD2, {kD2}, ring(kD1, 102), {kD1, kD2, kD3});
    EXPECT_EQ(h.verdict(), "P2b");
}

TEST(RingChecker, P2bDifferentTransitionalMembers) {
    RingStory h;
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.transitional(kD2, {kD1, kD2, kD3}, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P2b");
}

TEST(RingChecker, P2cWithoutATransitionalConfiguration) {
    RingStory h;
    h.regular(kD1, ring(kD1, 102), {kD1});
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2cTwoTransitionalConfigurations) {
    RingStory h;
    h.transitional(kD1, {kD1}, ring(kD1, 102));
    h.transitional(kD1, {kD1}, ring(kD1, 104));
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2cComesWithAStranger) {
    RingStory h;
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    }
    h.transitional(kD1, {kD1, kD3}, ring(kD1, 104));
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2cComesWithSomebodyWhoDoesNotArrive) {
    RingStory h;
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.regular(kD1, ring(kD1, 102), {kD1});
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2dTogetherFromDifferentRings) {
    RingStory h;
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    }
    h.install(kD1, {kD1, kD2}, ring(kD1, 106), {kD1, kD2});
    h.install(kD2, {kD2}, ring(kD2, 104), {kD1, kD2});
    h.transitional(kD2, {kD1, kD2}, ring(kD1, 106));
    EXPECT_EQ(h.verdict(), "P2d");
}

TEST(RingChecker, P2dAnotherRingThanAnnounced) {
    RingStory h;
    h.transitional(kD1, {kD1}, ring(kD1, 102));
    h.regular(kD1, ring(kD1, 104), {kD1});
    EXPECT_EQ(h.verdict(), "P2d");
}

TEST(RingChecker, P2eAMemberNeverInstalled) {
    RingStory h;
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 102), {kD1, kD2, kD3});
    }
    EXPECT_EQ(h.verdict(), "");
    EXPECT_EQ(h.quiet_end(), "P2e");
}

TEST(RingChecker, P2eAMemberEnded) {
    RingStory h;
    h.end(kD3);
    EXPECT_EQ(h.quiet_end(), "P2e");
}

TEST(RingChecker, P2eStaysInATransitionalConfiguration) {
    RingStory h;
    h.transitional(kD1, {kD1}, ring(kD1, 102));
    EXPECT_EQ(h.quiet_end(), "P2e");
}

TEST(RingChecker, P2fSaidToComeAlongButCameAlone) {
    RingStory h;
    h.install(kD1, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    h.install(kD2, {kD2}, ring(kD1, 102), {kD1, kD2});
    EXPECT_EQ(h.verdict(), "P2f");
}

TEST(RingChecker, P2fCameAloneAndIsClaimedLater) {
    RingStory h;
    h.install(kD2, {kD2}, ring(kD1, 102), {kD1, kD2});
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P2f");
}

TEST(RingChecker, P2gTheCounterDoesNotGrow) {
    RingStory h;
    h.transitional(kD1, {kD1}, ring(kD1, 100));
    EXPECT_EQ(h.verdict(), "P2g");
}

TEST(RingChecker, P2gTheCounterGoesBackInTheNextLife) {
    RingStory h;
    h.end(kD1);
    h.start(kD1);
    h.transitional(kD1, {kD1}, ring(kD1, 98));
    EXPECT_EQ(h.verdict(), "P2g");
}

TEST(RingChecker, P2gARingIdIsUsedAgain) {
    RingStory h;
    h.end(kD1);
    h.start(kD1);
    h.transitional(kD1, {kD1}, kAll);
    EXPECT_EQ(h.verdict(), "P2g");
}

}  // namespace
}  // namespace spread::checker
