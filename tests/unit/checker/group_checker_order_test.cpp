#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "group_story.hpp"
#include "tests/checker/group_checker.hpp"

namespace spread::checker {
namespace {

using namespace group_story;
using testing::HasSubstr;

// ---- G7, G8 ----

TEST(GroupChecker, G7NamesAMessageThatOneMissed) {
    ClientStory story = three();
    story.connect("d1").send("a1", 1).got("a1 b2", {1}).join("d1");
    story.joined("a1 b2 c3 d1", first(4), "a1 d1 b2 c3", "d1");
    EXPECT_EQ(broken(story), "G7");
    EXPECT_THAT(story.violation().summary, HasSubstr("#c#d3 did not get m1"));
    EXPECT_THAT(
        story.violation().evidence,
        testing::Contains("#a#d1: view g (1,100,3) join #c#d3 {#a#d1 #b#d2 #c#d3}; m1; view "
                          "g (1,100,4) join #d#d1 {#a#d1 #d#d1 #b#d2 #c#d3}"));
}

TEST(GroupChecker, G7NamesWhatALeaverMissed) {
    ClientStory story = three();
    story.send("a1", 1).leave("b2").got("a1 c3", {1});
    story.gone("a1 c3", first(4), "a1 c3", "b2").left("b2");
    EXPECT_EQ(broken(story), "G7");
}

TEST(GroupChecker, G7AllowsALeaverToGoBehindASignal) {
    // a1 and b2 read the leave before they lost d3; d3 was alone by then.
    ClientStory story = three();
    story.send("a1", 1).leave("c3").got("a1 b2", {1});
    story.gone("a1 b2", first(4), "a1 b2", "c3").signal("c3", first(3)).left("c3");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, G7NamesASignalAtAnotherPlace) {
    ClientStory story = three();
    story.send("a1", 1).got("a1", {1}).signal("a1 b2 c3", first(3)).got("b2", {1});
    story.network("a1 b2", second(1), "a1 b2").network("c3", aside(1), "c3");
    EXPECT_EQ(broken(story), "G7");
}

TEST(GroupChecker, G7LooksBehindWhatSendersDiscard) {
    ClientStory legal = three();
    legal.connect("d1").send("a1", 1, "g", ClientService::kAgreed, true);
    legal.send("b2", 2, "g", ClientService::kAgreed, true).send("c3", 3);
    legal.got("a1", {2, 3}).got("b2", {1, 3}).got("c3", {1, 2, 3}).join("d1");
    legal.joined("a1 b2 c3 d1", first(4), "a1 d1 b2 c3", "d1");
    EXPECT_EQ(problem(legal), "");
    ClientStory missed = three();
    missed.connect("d1").send("a1", 1, "g", ClientService::kAgreed, true);
    missed.got("b2", {1}).join("d1");
    missed.joined("a1 b2 c3 d1", first(4), "a1 d1 b2 c3", "d1");
    EXPECT_EQ(broken(missed), "G7");
}

TEST(GroupChecker, G7AllowsSidesToDiffer) {
    ClientStory story = three();
    story.send("a1", 1).got("a1 b2", {1}).signal("a1 b2 c3", first(3));
    story.network("a1 b2", second(1), "a1 b2").network("c3", aside(1), "c3");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, G8NamesCompanionsWithAnotherPast) {
    ClientStory story = split();
    story.network("a1 b2 c3", third(1), "a1 b2 c3", "a1 b2 c3");
    EXPECT_EQ(broken(story), "G8");
}

TEST(GroupChecker, G8NamesOneWhoSkippedAView) {
    // b2 went on from another view than a1, which names it all the same.
    ClientStory story = split();
    story.connect("d1").join("d1").joined("a1 d1", second(2), "a1 d1 b2", "d1");
    story.signal("a1 d1", second(2));
    story.network("a1 b2 c3", third(1), "a1 b2 c3", "c3|a1 b2");
    story.network("d1", {.proc_id = 9, .time = 104, .index = 1}, "d1");
    EXPECT_EQ(broken(story), "G8");
}

// ---- G9 ----

TEST(GroupChecker, G9NamesTwoOrdersOfTwoMessages) {
    ClientStory story = three();
    story.send("a1", 1).send("b2", 2).got("a1", {1, 2}).got("b2", {2, 1});
    EXPECT_EQ(broken(story), "G9");
    EXPECT_GE(story.violation().evidence.size(), 2U);
}

TEST(GroupChecker, G9NamesTwoOrdersAcrossGroupsAndViews) {
    ClientStory story = three();
    story.join("a1 b2", "h").joined("a1", first(1), "a1", "a1", "h");
    story.send("c3", 1).got("a1", {1}).joined("a1 b2", first(2), "a1 b2", "b2", "h");
    story.got("b2", {1});
    EXPECT_EQ(broken(story), "G9");
}

TEST(GroupChecker, G9NamesACircleOfThree) {
    // No two of them disagree on two messages.
    ClientStory story;
    story.connect("a1 b2 c3 o1");
    story.send("o1", 1, "c3 a1").send("a1", 2, "a1 b2").send("b2", 3, "b2 c3");
    story.got("a1", {1, 2}).got("b2", {2, 3}).got("c3", {3, 1});
    EXPECT_EQ(broken(story), "G9");
}

TEST(GroupChecker, G9NamesAnAnswerBeforeItsQuestion) {
    ClientStory story = three();
    story.send("a1", 1).got("a1 b2", {1}).send("b2", 2).got("a1 b2", {2}).got("c3", {2, 1});
    EXPECT_EQ(broken(story), "G9");
    ClientStory cause;
    cause.connect("a1 b2 c3").send("a1", 1, "b2 c3").got("b2", {1}).send("b2", 2, "c3");
    cause.got("c3", {2, 1});
    EXPECT_EQ(broken(cause), "G9");
}

// ---- G10 ----

TEST(GroupChecker, G10NamesASafeMessageThatTheOtherSideMissed) {
    ClientStory story = three();
    story.safe("a1", 1).got("a1 b2", {1}).signal("a1 b2 c3", first(3));
    story.network("a1 b2", second(1), "a1 b2").network("c3", aside(1), "c3");
    EXPECT_EQ(broken(story), "G10");
    ClientStory behind = three();
    behind.safe("a1", 1).signal("a1 b2 c3", first(3)).got("a1 b2", {1});
    behind.network("a1 b2", second(1), "a1 b2").network("c3", aside(1), "c3");
    EXPECT_EQ(problem(behind), "");
}

TEST(GroupChecker, G10NamesASafeMessageInAViewThatAMemberNeverSaw) {
    ClientStory story = three();
    story.connect("d1").join("d1").joined("a1 b2 d1", first(4), "a1 d1 b2 c3", "d1");
    story.safe("a1", 1).got("a1 b2 d1", {1}).signal("a1 b2 d1", first(4)).signal("c3", first(3));
    story.network("a1 b2 d1", second(1), "a1 d1 b2").network("c3", aside(1), "c3");
    EXPECT_EQ(broken(story), "G10");
}

TEST(GroupChecker, G10CountsMembersWithoutViews) {
    ClientStory story;
    story.connect("a1").connect("n2", false).join("n2 a1").joined("a1", first(2), "a1 n2", "a1");
    story.safe("a1", 1).got("a1", {1}).signal("a1", first(2)).network("a1", second(1), "a1");
    EXPECT_EQ(broken(story), "G10");
}

// ---- G11, G14 ----

TEST(GroupChecker, G11NamesASignalThatIsOutOfPlace) {
    ClientStory twice = three();
    twice.signal("a1", first(3)).signal("a1", first(3));
    EXPECT_EQ(broken(twice), "G11");
    ClientStory other = three();
    other.signal("a1", first(2));
    EXPECT_EQ(broken(other), "G11");
    ClientStory plain = three();
    plain.signal("a1", first(3)).gone("a1", first(4), "a1 b2", "c3");
    EXPECT_EQ(broken(plain), "G11");
    ClientStory for_nothing = three();
    for_nothing.signal("a1 b2 c3", first(3)).network("a1 b2 c3", second(1), "a1 b2 c3");
    EXPECT_EQ(broken(for_nothing), "G11");
    ClientStory alone = three();
    alone.signal("a1 b2 c3", first(3));
    EXPECT_EQ(broken(alone), "G11");
}

TEST(GroupChecker, G11NamesALossWithoutASignal) {
    ClientStory story = three();
    story.network("a1 b2", second(1), "a1 b2");
    EXPECT_EQ(broken(story), "G11");
}

TEST(GroupChecker, G11NamesAnInterimViewWithoutItsSignal) {
    ClientStory story = three();
    story.leave("b2").signal("a1", first(3)).network("a1", passing(2), "a1 c3", "a1|c3");
    story.network("a1", second(1), "a1");
    EXPECT_EQ(broken(story), "G11");
}

TEST(GroupChecker, G11NamesASignalWithoutALostDaemon) {
    ClientStory story = three();
    story.configuration("d1", true, "d1").configuration("d1", false, "d1 d2 d3 d4");
    EXPECT_EQ(problem(story), "");
    story.configuration("d1", true, "d1 d2 d3").configuration("d1", false, "d1 d2 d3");
    story.signal("a1 b2 c3", first(3)).network("a1 b2", second(1), "a1 b2");
    story.network("c3", aside(1), "c3");
    EXPECT_EQ(broken(story), "G11");
    story.configuration("d1", true, "d1 d2").configuration("d1", false, "d1 d2");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, G14NamesANetworkViewForNothing) {
    ClientStory story = three();
    story.network("a1 b2 c3", second(1), "a1 b2 c3");
    EXPECT_EQ(broken(story), "G14");
}

TEST(GroupChecker, G14NamesAMergeWithNobodyFound) {
    ClientStory story;
    story.connect("a1 c3").join("a1 c3").joined("a1", first(1), "a1", "a1");
    story.joined("c3", aside(1), "c3", "c3").network("a1 c3", third(1), "a1 c3", "c3|a1");
    EXPECT_EQ(problem(story), "");
    ClientStory told = story;
    told.configuration("d1", true, "d1").configuration("d1", false, "d1 d3");
    EXPECT_EQ(problem(told), "");
    story.configuration("d1", true, "d1").configuration("d1", false, "d2 d4");
    EXPECT_EQ(broken(story), "G14");
}

// ---- G12, G13 ----

TEST(GroupChecker, G12NamesAnOwnMessageThatDoesNotComeBack) {
    ClientStory never = three();
    never.send("a1", 1);
    EXPECT_EQ(broken(never), "G12");
    ClientStory overtaken = three();
    overtaken.send("a1", 1).send("a1", 2).got("a1", {2});
    EXPECT_EQ(broken(overtaken), "G12");
    ClientStory before_leave = three();
    before_leave.send("a1", 1).leave("a1").left("a1");
    EXPECT_EQ(broken(before_leave), "G12");
    ClientStory silent;
    silent.connect("n1", false).join("n1").send("n1", 1);
    EXPECT_EQ(broken(silent), "G12");
}

TEST(GroupChecker, G12NamesAnOwnMessageThatWasToBeDiscarded) {
    ClientStory story = three();
    story.send("a1", 1, "g", ClientService::kAgreed, true).got("a1 b2 c3", {1});
    EXPECT_EQ(broken(story), "G12");
}

TEST(GroupChecker, G12DoesNotCountWhatIsSentAfterALeave) {
    ClientStory story = three();
    story.leave("a1").send("a1", 1).gone("b2 c3", first(4), "b2 c3", "a1").left("a1");
    story.got("b2 c3", {1});
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, G13NamesAnInversionOfOneSender) {
    ClientStory story = three();
    story.connect("o1").send("o1", 1).send("o1", 2).got("a1 b2 c3", {2, 1});
    EXPECT_EQ(broken(story), "G13");
}

TEST(GroupChecker, G13NamesAGapOfOneSender) {
    ClientStory story = three();
    story.send("a1", 1).send("a1", 2).send("a1", 3).got("b2", {1, 3});
    EXPECT_EQ(story.verdict(Order::kAsWritten, false), "G13");
    EXPECT_EQ(story.verdict(Order::kByClientBackward, false), "G13");
}

TEST(GroupChecker, G13NamesWhatIsMissingAtTheEnd) {
    ClientStory story = three();
    story.send("a1", 1).got("a1 c3", {1});
    EXPECT_EQ(broken(story), "G13");
}

TEST(GroupChecker, G13CountsMembersWithoutViews) {
    ClientStory story;
    story.connect("a1").connect("n2", false).join("n2 a1").joined("a1", first(2), "a1 n2", "a1");
    story.send("a1", 1).got("a1", {1});
    EXPECT_EQ(broken(story), "G13");
    ClientStory away;
    away.connect("a1").connect("n2", false).join("n2 a1").joined("a1", first(2), "a1 n2", "a1");
    away.send("a1", 1).got("a1", {1}).signal("a1", first(2)).network("a1", second(1), "a1");
    EXPECT_EQ(problem(away), "");
}

TEST(GroupChecker, G13NamesAGapBehindASignal) {
    ClientStory story = three();
    story.send("c3", 1).send("c3", 2).send("c3", 3).got("a1 b2", {1});
    story.end("c3", ClientEnd::kDaemonLost).signal("a1 b2", first(3)).got("a1 b2", {3});
    story.network("a1 b2", second(1), "a1 b2");
    EXPECT_EQ(story.verdict(), "G13");
    EXPECT_EQ(story.verdict(Order::kByClientBackward), "G13");
}

TEST(GroupChecker, G13NamesAGapOfASenderWhoIsNoMember) {
    ClientStory story = three();
    story.connect("o1").send("o1", 1).send("o1", 2).send("o1", 3).got("a1 b2 c3", {1, 3});
    EXPECT_EQ(story.verdict(Order::kAsWritten, false), "G13");
    ClientStory to_one;
    to_one.connect("o1 a2").send("o1", 1, "a2").send("o1", 2, "a2").send("o1", 3, "a2");
    to_one.got("a2", {1, 3});
    EXPECT_EQ(to_one.verdict(Order::kAsWritten, false), "G13");
}

TEST(GroupChecker, G13AllowsAGapOfWhatWasNotForUsOrSentWhileDaemonsWereApart) {
    ClientStory late = three();  // d1 comes into the group between two messages to itself
    late.connect("o2 d1").join("d1").send("o2", 1, "d1").send("o2", 2).send("o2", 3, "d1");
    late.got("d1", {1}).got("a1 b2 c3", {2}).joined("a1 b2 c3 d1", first(4), "a1 d1 b2 c3", "d1");
    late.got("d1", {3});
    EXPECT_EQ(problem(late), "");
    const auto apart = [](bool is_told) {
        ClientStory story;
        for (const char* daemon : {"d1", "d2"}) {
            story.configuration(daemon, false, "d1 d2");
        }
        story.connect("o1 a2").send("o1", 1, "a2").got("a2", {1});
        if (is_told) {
            story.configuration("d2", true, "d2").configuration("d2", false, "d2");
        }
        story.send("o1", 2, "a2");
        if (is_told) {
            story.configuration("d2", true, "d2").configuration("d2", false, "d1 d2");
        }
        return story.send("o1", 3, "a2").got("a2", {3});
    };
    EXPECT_EQ(apart(true).verdict(), "");
    EXPECT_EQ(apart(false).verdict(), "G13");
}

TEST(GroupChecker, G13CountsMembersWithoutViewsUnderANameThatWasUsedBefore) {
    const auto story_of = [](bool is_before) {
        ClientStory story;
        story.connect("a1")
            .connect("n2", false)
            .join("n2 a1")
            .joined("a1", first(2), "a1 n2", "a1");
        if (is_before) {
            story.send("a1", 1).got("a1", {1});
        }
        story.end("n2").killed("a1", first(3), "a1", "n2").connect("n2", false).join("n2");
        story.joined("a1", first(4), "a1 n2", "n2");
        if (!is_before) {
            story.send("a1", 1).got("a1", {1});
        }
        return story;
    };
    EXPECT_EQ(broken(story_of(false)), "G13");
    EXPECT_EQ(problem(story_of(true)), "");
    ClientStory gone = story_of(false);  // whoever has gone may have meant the first one
    gone.end("a1");
    EXPECT_EQ(gone.verdict(), "");
}

// ---- L2 ----

TEST(GroupChecker, L2NamesAPrivateMessageThatNeverComes) {
    ClientStory story;
    story.connect("a1 b2").send("a1", 1, "b2");
    EXPECT_EQ(story.verdict(), "L2");
    EXPECT_EQ(story.verdict(Order::kAsWritten, false), "");
    ClientStory silent;
    silent.connect("a1").connect("n2", false).send("a1", 1, "n2");
    EXPECT_EQ(silent.verdict(), "L2");
}

TEST(GroupChecker, L2NamesAMessageThatNoMemberGotFromOutside) {
    ClientStory story = three();
    story.connect("o1").safe("o1", 1);
    EXPECT_EQ(story.verdict(), "L2");
    ClientStory silent;
    silent.connect("a1 o1").connect("n2", false).join("n2 a1");
    silent.joined("a1", first(2), "a1 n2", "a1").send("o1", 1).got("a1", {1});
    EXPECT_NE(silent.verdict(), "");
}

TEST(GroupChecker, L2AsksForNothingThatWasNotDue) {
    ClientStory late;  // connected, or come into the group, after it was sent
    late.connect("a1 c1").send("a1", 1, "b2").send("a1", 2).connect("b2");
    late.join("c1").joined("c1", first(1), "c1", "c1");
    EXPECT_EQ(problem(late), "");
    ClientStory gone;
    gone.connect("a1 b2 c2").send("a1", 1, "b2").send("c2", 2, "a1").end("b2 c2");
    EXPECT_EQ(problem(gone), "");
    ClientStory left = three();
    left.connect("o1").leave("b2").send("o1", 1).got("a1 c3", {1});
    left.gone("a1 c3", first(4), "a1 c3", "b2").left("b2");
    EXPECT_EQ(left.verdict(), "G7");  // whoever leaves with the others has read the same
    ClientStory apart;
    for (const char* daemon : {"d1", "d2"}) {
        apart.configuration(daemon, false, "d1 d2");
    }
    apart.connect("a1 b2").send("a1", 1, "b2");
    EXPECT_EQ(apart.verdict(), "L2");
    apart.configuration("d1", true, "d1").configuration("d1", false, "d1");
    apart.configuration("d1", true, "d1").configuration("d1", false, "d1 d2");
    EXPECT_EQ(apart.verdict(), "");
}

// ---- D3 ----

TEST(GroupChecker, D3NamesAClientThatWasDroppedForNothing) {
    ClientStory story = three();
    story.send("a1", 1).end("a1", ClientEnd::kDropped);
    EXPECT_EQ(broken(story), "D3");
}

// ---- What is said ----

TEST(GroupChecker, KeepsTheFirstViolation) {
    ClientStory story = three();
    story.send("b2", 1).got("a1", {1, 1}).signal("a1", first(2));
    EXPECT_EQ(story.verdict(), "P1b");
    EXPECT_EQ(story.violation().summary, "#a#d1 received m1 twice");
}

}  // namespace
}  // namespace spread::checker
