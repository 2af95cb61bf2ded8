#include "tests/checker/ring_checker.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace spread::checker {
namespace {

using membership::ConfigurationKind;
using protocol::DaemonId;
using protocol::MemberList;
using protocol::MessageKind;
using protocol::RingId;
using protocol::Seq;
using protocol::Service;

constexpr DaemonId kD1{1};
constexpr DaemonId kD2{2};
constexpr DaemonId kD3{3};
constexpr RingId kAll{kD1, 7, 100};

struct Sent {
    DaemonId origin;
    MessageFacts facts;
};

/// Writes histories. A fresh one has d1, d2 and d3 on the ring kAll.
class History {
  public:
    explicit History(RingChecker::Holds holds = {}) : checker(std::move(holds)) {
        for (const DaemonId daemon : {kD1, kD2, kD3}) {
            start(daemon);
        }
        for (const DaemonId daemon : {kD1, kD2, kD3}) {
            install(daemon, {daemon}, kAll, {kD1, kD2, kD3});
        }
    }

    void start(DaemonId daemon) { lives[daemon] = checker.on_start(daemon); }
    void end(DaemonId daemon) { checker.on_end(lives[daemon]); }
    void transitional(DaemonId daemon, const MemberList& members, RingId next) {
        checker.on_configuration(lives[daemon], {ConfigurationKind::kTransitional, next, members});
    }
    void regular(DaemonId daemon, RingId ring, const MemberList& members) {
        checker.on_configuration(lives[daemon], {ConfigurationKind::kRegular, ring, members});
        checker.on_resume(lives[daemon], ring);
    }
    void install(DaemonId daemon, const MemberList& with, RingId ring, const MemberList& members) {
        transitional(daemon, with, ring);
        regular(daemon, ring, members);
    }
    Sent accept(DaemonId daemon, std::uint64_t digest, Service service = Service::kAgreed) {
        return accept(daemon, {service, MessageKind::kClientFrame, false, digest});
    }
    Sent accept(DaemonId daemon, const MessageFacts& facts) {
        checker.on_accept(lives[daemon], facts);
        return {daemon, facts};
    }
    void deliver(DaemonId daemon, const Sent& sent, std::uint64_t seq, RingId ring = kAll) {
        checker.on_delivery(lives[daemon], {ring, Seq{seq}, 0}, sent.origin, sent.facts);
    }
    void deliver_all(const Sent& sent, std::uint64_t seq, RingId ring = kAll) {
        for (const DaemonId daemon : {kD1, kD2, kD3}) {
            deliver(daemon, sent, seq, ring);
        }
    }
    /// The name of the violated property; empty when there is none.
    [[nodiscard]] std::string verdict() const {
        return checker.violation() ? checker.violation()->property : "";
    }
    [[nodiscard]] std::string quiet_end() {
        checker.finish(true);
        return verdict();
    }

    RingChecker checker;
    std::map<DaemonId, LifeId> lives;
};

RingId ring(DaemonId representative, std::uint64_t counter) {
    return {representative, 9, counter};
}

// --- legal histories ---

TEST(RingChecker, AcceptsARingThatDeliversEverythingEverywhere) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2, Service::kSafe);
    const Sent c = h.accept(kD1, 3);
    h.deliver_all(a, 1);
    h.deliver_all(b, 2);
    h.deliver_all(c, 4);
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, AcceptsAPartitionAndAMergeWithMessagesInTheTransitionalConfigurations) {
    History h;
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
    History h;
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
    History h;
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
    History h;
    const Sent join = h.accept(kD3, {Service::kAgreed, MessageKind::kGroupJoin, false, 5});
    const Sent leave = h.accept(kD3, {Service::kAgreed, MessageKind::kGroupLeave, false, 6});
    static_cast<void>(h.accept(kD3, join.facts));
    h.deliver_all(join, 1);
    h.deliver_all(leave, 2);
    h.deliver_all(join, 3);
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, AcceptsAHoleBetweenALostSendersMessagesAndThoseOfOthers) {
    History h;
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
    History h;
    const Sent a = h.accept(kD1, 1);
    for (const DaemonId daemon : {kD1, kD2, kD3}) {
        h.install(daemon, {kD1, kD2, kD3}, ring(kD1, 102), {kD1, kD2, kD3});
    }
    h.deliver_all(a, 3, ring(kD1, 102));
    EXPECT_EQ(h.quiet_end(), "");
}

TEST(RingChecker, ExcusesALifeThatEndsAndTakesItsSuccessor) {
    History h;
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
    History h;
    const Sent ordinary = h.accept(kD1, 1);
    const Sent state = h.accept(kD1, {Service::kAgreed, MessageKind::kGroupState, true, 2});
    h.deliver_all(state, 1);
    h.deliver_all(ordinary, 2);
    EXPECT_EQ(h.quiet_end(), "");
}

// --- P1 ---

TEST(RingChecker, P1aNobodySentIt) {
    History h;
    h.deliver(kD2, {kD1, {Service::kAgreed, MessageKind::kClientFrame, false, 1}}, 1);
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1aAnotherBodyThanSent) {
    History h;
    Sent a = h.accept(kD1, 1);
    a.facts.digest = 2;
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1aSafeIsNotWhatWasSentAsAgreed) {
    History h;
    Sent a = h.accept(kD1, 1, Service::kSafe);
    a.facts.service = Service::kAgreed;
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1aTheOriginIsNotOnTheRing) {
    History h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    const Sent a = h.accept(kD2, 1);
    h.deliver(kD1, a, 1, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P1a");
}

TEST(RingChecker, P1bOnePlaceTwice) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1b");
}

TEST(RingChecker, P1bOneMessageAtTwoPlaces) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    h.deliver(kD2, a, 2);
    EXPECT_EQ(h.verdict(), "P1b");
}

TEST(RingChecker, P1bOneMessageOnTwoRings) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.deliver_all(a, 1);
    for (const DaemonId daemon : {kD1, kD2, kD3}) {
        h.install(daemon, {kD1, kD2, kD3}, ring(kD1, 102), {kD1, kD2, kD3});
    }
    h.deliver(kD2, a, 1, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P1b");
}

TEST(RingChecker, P1cOldMessagesOnTheNewRing) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.install(kD2, {kD2}, ring(kD2, 102), {kD2});
    h.deliver(kD2, a, 1, kAll);
    EXPECT_EQ(h.verdict(), "P1c");
}

TEST(RingChecker, P1cBeforeTheFirstRing) {
    History h;
    h.end(kD2);
    h.start(kD2);
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1c");
}

TEST(RingChecker, P1dSentAfterItsRingWasLeft) {
    History h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P1d");
}

// --- P2 ---

TEST(RingChecker, P2aNotAMember) {
    History h;
    h.transitional(kD1, {kD2}, ring(kD2, 102));
    EXPECT_EQ(h.verdict(), "P2a");
}

TEST(RingChecker, P2aOneRingTwice) {
    History h;
    h.install(kD1, {kD1, kD2, kD3}, kAll, {kD1, kD2, kD3});
    EXPECT_EQ(h.verdict(), "P2a");
}

TEST(RingChecker, P2bDifferentMembers) {
    History h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1, kD2});
    h.install(kD2, {kD2}, ring(kD1, 102), {kD1, kD2, kD3});
    EXPECT_EQ(h.verdict(), "P2b");
}

TEST(RingChecker, P2bDifferentTransitionalMembers) {
    History h;
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.transitional(kD2, {kD1, kD2, kD3}, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P2b");
}

TEST(RingChecker, P2cWithoutATransitionalConfiguration) {
    History h;
    h.regular(kD1, ring(kD1, 102), {kD1});
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2cTwoTransitionalConfigurations) {
    History h;
    h.transitional(kD1, {kD1}, ring(kD1, 102));
    h.transitional(kD1, {kD1}, ring(kD1, 104));
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2cComesWithAStranger) {
    History h;
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    }
    h.transitional(kD1, {kD1, kD3}, ring(kD1, 104));
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2cComesWithSomebodyWhoDoesNotArrive) {
    History h;
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.regular(kD1, ring(kD1, 102), {kD1});
    EXPECT_EQ(h.verdict(), "P2c");
}

TEST(RingChecker, P2dTogetherFromDifferentRings) {
    History h;
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    }
    h.install(kD1, {kD1, kD2}, ring(kD1, 106), {kD1, kD2});
    h.install(kD2, {kD2}, ring(kD2, 104), {kD1, kD2});
    h.transitional(kD2, {kD1, kD2}, ring(kD1, 106));
    EXPECT_EQ(h.verdict(), "P2d");
}

TEST(RingChecker, P2dAnotherRingThanAnnounced) {
    History h;
    h.transitional(kD1, {kD1}, ring(kD1, 102));
    h.regular(kD1, ring(kD1, 104), {kD1});
    EXPECT_EQ(h.verdict(), "P2d");
}

TEST(RingChecker, P2eAMemberNeverInstalled) {
    History h;
    for (const DaemonId daemon : {kD1, kD2}) {
        h.install(daemon, {kD1, kD2}, ring(kD1, 102), {kD1, kD2, kD3});
    }
    EXPECT_EQ(h.verdict(), "");
    EXPECT_EQ(h.quiet_end(), "P2e");
}

TEST(RingChecker, P2eAMemberEnded) {
    History h;
    h.end(kD3);
    EXPECT_EQ(h.quiet_end(), "P2e");
}

TEST(RingChecker, P2eStaysInATransitionalConfiguration) {
    History h;
    h.transitional(kD1, {kD1}, ring(kD1, 102));
    EXPECT_EQ(h.quiet_end(), "P2e");
}

TEST(RingChecker, P2fSaidToComeAlongButCameAlone) {
    History h;
    h.install(kD1, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    h.install(kD2, {kD2}, ring(kD1, 102), {kD1, kD2});
    EXPECT_EQ(h.verdict(), "P2f");
}

TEST(RingChecker, P2fCameAloneAndIsClaimedLater) {
    History h;
    h.install(kD2, {kD2}, ring(kD1, 102), {kD1, kD2});
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P2f");
}

TEST(RingChecker, P2gTheCounterDoesNotGrow) {
    History h;
    h.transitional(kD1, {kD1}, ring(kD1, 100));
    EXPECT_EQ(h.verdict(), "P2g");
}

TEST(RingChecker, P2gTheCounterGoesBackInTheNextLife) {
    History h;
    h.end(kD1);
    h.start(kD1);
    h.transitional(kD1, {kD1}, ring(kD1, 98));
    EXPECT_EQ(h.verdict(), "P2g");
}

TEST(RingChecker, P2gARingIdIsUsedAgain) {
    History h;
    h.end(kD1);
    h.start(kD1);
    h.transitional(kD1, {kD1}, kAll);
    EXPECT_EQ(h.verdict(), "P2g");
}

// --- P3 ---

TEST(RingChecker, P3LeavesItsOwnMessageOut) {
    History h;
    static_cast<void>(h.accept(kD1, 1));
    const Sent b = h.accept(kD1, 2);
    h.deliver(kD1, b, 2);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3DeliversAnothersMessageBeforeItsOwn) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, a, 1);
    h.deliver(kD1, b, 2);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3LeavesTheRingWithoutItsOwnMessage) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3ItsMessageTurnsUpOnARingItHasLeft) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3NeverDeliversItsOwnMessage) {
    History h;
    static_cast<void>(h.accept(kD1, 1));
    EXPECT_EQ(h.quiet_end(), "P3");
}

TEST(RingChecker, WhatIsUnderWayIsNoViolationOfP3) {
    History h;
    static_cast<void>(h.accept(kD1, 1));
    h.checker.finish(false);
    EXPECT_EQ(h.verdict(), "");
}

// --- P4 ---

TEST(RingChecker, P4DifferentMessagesInTheRegularConfiguration) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD1, a, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.transitional(kD2, {kD1, kD2}, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P4");
}

TEST(RingChecker, P4DifferentMessagesInTheTransitionalConfiguration) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    h.regular(kD1, ring(kD1, 102), {kD1, kD2});
    h.install(kD2, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    EXPECT_EQ(h.verdict(), "P4");
}

TEST(RingChecker, P4AMessageTooManyInTheTransitionalConfiguration) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.install(kD2, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P4");
}

// --- P5 ---

TEST(RingChecker, P5StandsBeforeWhatItsSenderHadDelivered) {
    History h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD3, a, 5);
    const Sent b = h.accept(kD3, 2);
    h.deliver(kD2, b, 4);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5NotInTheOrderOfItsSender) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD1, 2);
    h.deliver(kD2, b, 1);
    h.deliver(kD2, a, 2);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5ALostSendersMessageBehindAHoleOfItsOwn) {
    History h;
    const Sent one = h.accept(kD3, 1);
    const Sent two = h.accept(kD3, 2);
    const Sent three = h.accept(kD3, 3);
    h.deliver_all(one, 1);
    h.deliver(kD3, two, 2);
    h.deliver(kD3, three, 3);
    h.end(kD3);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, three, 3);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5TheHoleOfALostSenderThatNobodyLivedToTellOf) {
    History h;
    static_cast<void>(h.accept(kD3, 1));
    const Sent two = h.accept(kD3, 2);
    h.end(kD3);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, two, 2);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5AnAnswerWithoutItsQuestion) {
    History h;
    const Sent question = h.accept(kD3, 1);
    h.deliver(kD3, question, 1);
    h.deliver(kD2, question, 1);
    const Sent answer = h.accept(kD2, 2);
    // d1 never got the question, and the others of its component hold it.
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, answer, 2);
    EXPECT_EQ(h.verdict(), "P5");
}

// --- P6 ---

TEST(RingChecker, P6aBackInTheOrder) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, b, 2);
    h.deliver(kD3, a, 1);
    EXPECT_EQ(h.verdict(), "P6a");
}

TEST(RingChecker, P6bTwoMessagesAtOnePlace) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, a, 1);
    h.deliver(kD2, b, 1);
    EXPECT_EQ(h.verdict(), "P6b");
}

TEST(RingChecker, P6cAHoleInTheRegularConfiguration) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, a, 1);
    h.deliver(kD2, b, 2);
    EXPECT_EQ(h.verdict(), "P6c");
}

TEST(RingChecker, P6cAHoleThatShowsLater) {
    History h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD2, b, 2);
    h.deliver(kD3, a, 1);
    EXPECT_EQ(h.verdict(), "P6c");
}

TEST(RingChecker, P6dLeavesOutWhoComesAlong) {
    History h;
    const Sent a = h.accept(kD2, 1);
    const Sent b = h.accept(kD3, 2);
    h.deliver(kD3, a, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, b, 2);
    EXPECT_EQ(h.verdict(), "P6d");
}

TEST(RingChecker, P6dLeftOutWhoComesAlong) {
    History h;
    const Sent a = h.accept(kD2, 1);
    const Sent b = h.accept(kD3, 2);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, b, 2);
    h.deliver(kD3, a, 1);
    EXPECT_EQ(h.verdict(), "P6d");
}

// --- P7 ---

TEST(RingChecker, P7aWhoLeavesHasDeliveredWhatWasSafe) {
    History h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    h.install(kD2, {kD2}, ring(kD2, 102), {kD2});
    EXPECT_EQ(h.verdict(), "P7a");
}

TEST(RingChecker, P7aSafeThoughAMemberHasLeftWithoutIt) {
    History h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.install(kD2, {kD2}, ring(kD2, 102), {kD2});
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P7a");
}

TEST(RingChecker, P7aAMemberNeverInstalledTheRing) {
    History h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1, kD2});
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1, ring(kD1, 102));
    h.install(kD2, {kD2}, ring(kD2, 104), {kD2});
    EXPECT_EQ(h.verdict(), "P7a");
}

TEST(RingChecker, P7aIsDueAtAQuietEnd) {
    History h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.quiet_end(), "P7a");
}

TEST(RingChecker, P7bSafeAmongThoseWhoComeAlong) {
    History h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    // The recovery breaks at d2, which forgets what it promised.
    h.install(kD2, {kD2}, ring(kD2, 104), {kD2});
    EXPECT_EQ(h.verdict(), "P7b");
}

TEST(RingChecker, P7bAMemberOfTheTransitionalConfigurationHasLeftWithoutIt) {
    History h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.install(kD2, {kD2}, ring(kD2, 104), {kD2});
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P7b");
}

TEST(RingChecker, P7cSafeThoughAMemberDoesNotHoldIt) {
    LifeId asked;
    History h([&](LifeId member, RingId, Seq) {
        asked = member;
        return std::optional(member.value != 3);
    });
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P7c");
    EXPECT_EQ(asked, h.lives[kD3]);
}

TEST(RingChecker, P7cIsNotAskedOfThoseWhoEndedOrCannotSay) {
    History h([](LifeId member, RingId, Seq) {
        return member.value == 2 ? std::nullopt : std::optional(false);
    });
    h.end(kD3);
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "");
}

// --- R1 and the report ---

TEST(RingChecker, R1SentBeforeItsOriginResumed) {
    RingChecker checker;
    const LifeId life = checker.on_start(kD1);
    const MessageFacts facts{Service::kAgreed, MessageKind::kClientFrame, false, 1};
    checker.on_accept(life, facts);
    checker.on_configuration(life, {ConfigurationKind::kTransitional, kAll, {kD1}});
    checker.on_configuration(life, {ConfigurationKind::kRegular, kAll, {kD1}});
    checker.on_delivery(life, {kAll, Seq{1}, 0}, kD1, facts);
    ASSERT_TRUE(checker.violation());
    EXPECT_EQ(checker.violation()->property, "R1");
}

TEST(RingChecker, ShowsBothHistoriesThatDisagree) {
    History h;
    const Sent a = h.accept(kD1, 0x1f);
    h.deliver(kD1, a, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.transitional(kD2, {kD1, kD2}, ring(kD1, 102));
    ASSERT_TRUE(h.checker.violation());
    const Violation& violation = *h.checker.violation();
    EXPECT_NE(violation.summary.find("d2/1 and d1/1"), std::string::npos) << violation.summary;
    bool first = false;
    bool second = false;
    for (const std::string& line : violation.evidence) {
        first = first || (line.starts_with("d1/1: ") &&
                          line.find("message 1f of d1 at 1.0") != std::string::npos);
        second = second || line.starts_with("d2/1: ");
    }
    EXPECT_TRUE(first && second);
}

TEST(RingChecker, TheFirstViolationStays) {
    History h;
    h.regular(kD1, ring(kD1, 102), {kD1});
    h.deliver(kD2, {kD1, {}}, 1);
    EXPECT_EQ(h.quiet_end(), "P2c");
}

}  // namespace
}  // namespace spread::checker
