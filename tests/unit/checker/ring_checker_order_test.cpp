#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ring_story.hpp"
#include "tests/checker/ring_checker.hpp"

namespace spread::checker {
namespace {

using namespace ring_story;
// --- P3 ---

TEST(RingChecker, P3MessagesAheadDoNotOvertakeEachOther) {
    RingStory h;
    static_cast<void>(h.accept_ahead(kD1, 1));
    const Sent second = h.accept_ahead(kD1, 2);
    h.deliver(kD1, second, 1);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3LeavesItsOwnMessageOut) {
    RingStory h;
    static_cast<void>(h.accept(kD1, 1));
    const Sent b = h.accept(kD1, 2);
    h.deliver(kD1, b, 2);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3DeliversAnothersMessageBeforeItsOwn) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, a, 1);
    h.deliver(kD1, b, 2);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3LeavesTheRingWithoutItsOwnMessage) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD2, a, 1);
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3ItsMessageTurnsUpOnARingItHasLeft) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1});
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.verdict(), "P3");
}

TEST(RingChecker, P3NeverDeliversItsOwnMessage) {
    RingStory h;
    static_cast<void>(h.accept(kD1, 1));
    EXPECT_EQ(h.quiet_end(), "P3");
}

TEST(RingChecker, WhatIsUnderWayIsNoViolationOfP3) {
    RingStory h;
    static_cast<void>(h.accept(kD1, 1));
    h.checker.finish(false);
    EXPECT_EQ(h.verdict(), "");
}

// --- P4 ---

TEST(RingChecker, P4DifferentMessagesInTheRegularConfiguration) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD1, a, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.transitional(kD2, {kD1, kD2}, ring(kD1, 102));
    EXPECT_EQ(h.verdict(), "P4");
}

TEST(RingChecker, P4DifferentMessagesInTheTransitionalConfiguration) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    h.regular(kD1, ring(kD1, 102), {kD1, kD2});
    h.install(kD2, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    EXPECT_EQ(h.verdict(), "P4");
}

TEST(RingChecker, P4AMessageTooManyInTheTransitionalConfiguration) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.install(kD2, {kD1, kD2}, ring(kD1, 102), {kD1, kD2});
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P4");
}

// --- P5 ---

TEST(RingChecker, P5StandsBeforeWhatItsSenderHadDelivered) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    h.deliver(kD3, a, 5);
    const Sent b = h.accept(kD3, 2);
    h.deliver(kD2, b, 4);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5NotInTheOrderOfItsSender) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD1, 2);
    h.deliver(kD2, b, 1);
    h.deliver(kD2, a, 2);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5ALostSendersMessageBehindAHoleOfItsOwn) {
    RingStory h;
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
    RingStory h;
    static_cast<void>(h.accept(kD3, 1));
    const Sent two = h.accept(kD3, 2);
    h.end(kD3);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, two, 2);
    EXPECT_EQ(h.verdict(), "P5");
}

TEST(RingChecker, P5AnAnswerWithoutItsQuestion) {
    RingStory h;
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
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, b, 2);
    h.deliver(kD3, a, 1);
    EXPECT_EQ(h.verdict(), "P6a");
}

TEST(RingChecker, P6bTwoMessagesAtOnePlace) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, a, 1);
    h.deliver(kD2, b, 1);
    EXPECT_EQ(h.verdict(), "P6b");
}

TEST(RingChecker, P6cAHoleInTheRegularConfiguration) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD3, a, 1);
    h.deliver(kD2, b, 2);
    EXPECT_EQ(h.verdict(), "P6c");
}

TEST(RingChecker, P6cAHoleThatShowsLater) {
    RingStory h;
    const Sent a = h.accept(kD1, 1);
    const Sent b = h.accept(kD2, 2);
    h.deliver(kD2, b, 2);
    h.deliver(kD3, a, 1);
    EXPECT_EQ(h.verdict(), "P6c");
}

TEST(RingChecker, P6dLeavesOutWhoComesAlong) {
    RingStory h;
    const Sent a = h.accept(kD2, 1);
    const Sent b = h.accept(kD3, 2);
    h.deliver(kD3, a, 1);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, b, 2);
    EXPECT_EQ(h.verdict(), "P6d");
}

TEST(RingChecker, P6dLeftOutWhoComesAlong) {
    RingStory h;
    const Sent a = h.accept(kD2, 1);
    const Sent b = h.accept(kD3, 2);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, b, 2);
    h.deliver(kD3, a, 1);
    EXPECT_EQ(h.verdict(), "P6d");
}

// --- P7 ---

TEST(RingChecker, P7aWhoLeavesHasDeliveredWhatWasSafe) {
    RingStory h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    h.install(kD2, {kD2}, ring(kD2, 102), {kD2});
    EXPECT_EQ(h.verdict(), "P7a");
}

TEST(RingChecker, P7aSafeThoughAMemberHasLeftWithoutIt) {
    RingStory h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.install(kD2, {kD2}, ring(kD2, 102), {kD2});
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P7a");
}

TEST(RingChecker, P7aAMemberNeverInstalledTheRing) {
    RingStory h;
    h.install(kD1, {kD1}, ring(kD1, 102), {kD1, kD2});
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1, ring(kD1, 102));
    h.install(kD2, {kD2}, ring(kD2, 104), {kD2});
    EXPECT_EQ(h.verdict(), "P7a");
}

TEST(RingChecker, P7aIsDueAtAQuietEnd) {
    RingStory h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    h.deliver(kD2, a, 1);
    EXPECT_EQ(h.quiet_end(), "P7a");
}

TEST(RingChecker, P7bSafeAmongThoseWhoComeAlong) {
    RingStory h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    // The recovery breaks at d2, which forgets what it promised.
    h.install(kD2, {kD2}, ring(kD2, 104), {kD2});
    EXPECT_EQ(h.verdict(), "P7b");
}

TEST(RingChecker, P7bAMemberOfTheTransitionalConfigurationHasLeftWithoutIt) {
    RingStory h;
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.install(kD2, {kD2}, ring(kD2, 104), {kD2});
    h.transitional(kD1, {kD1, kD2}, ring(kD1, 102));
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P7b");
}

TEST(RingChecker, P7cSafeThoughAMemberDoesNotHoldIt) {
    LifeId asked;
    RingStory h([&](LifeId member, RingId, Seq) {
        asked = member;
        return std::optional(member.value != 3);
    });
    const Sent a = h.accept(kD1, 1, Service::kSafe);
    h.deliver(kD1, a, 1);
    EXPECT_EQ(h.verdict(), "P7c");
    EXPECT_EQ(asked, h.lives[kD3]);
}

TEST(RingChecker, P7cIsNotAskedOfThoseWhoEndedOrCannotSay) {
    RingStory h([](LifeId member, RingId, Seq) {
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
    const MessageFacts facts{Service::kAgreed, MessageKind::kClientFrame, 1};
    checker.on_accept(life, facts);
    checker.on_configuration(life, {ConfigurationKind::kTransitional, kAll, {kD1}});
    checker.on_configuration(life, {ConfigurationKind::kRegular, kAll, {kD1}});
    checker.on_delivery(life, {kAll, Seq{1}, 0}, kD1, facts);
    ASSERT_TRUE(checker.violation());
    EXPECT_EQ(checker.violation()->property, "R1");
}

TEST(RingChecker, ShowsBothHistoriesThatDisagree) {
    RingStory h;
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
    RingStory h;
    h.regular(kD1, ring(kD1, 102), {kD1});
    h.deliver(kD2, {kD1, {}}, 1);
    EXPECT_EQ(h.quiet_end(), "P2c");
}

}  // namespace
}  // namespace spread::checker
