#include "tests/checker/group_checker.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "group_story.hpp"

namespace spread::checker {
namespace {

using namespace group_story;
// ---- Legal histories ----

TEST(GroupChecker, AcceptsMessagesOfEveryKind) {
    ClientStory story = three();
    story.connect("o2").send("a1", 1).send("o2", 2, "g h", ClientService::kReliable);
    story.send("b2", 3, "g g", ClientService::kFifo, true).send("c3", 4, "a1 c3 nobody1");
    story.got("a1 b2 c3", {1, 2}).got("a1 c3", {3, 4});
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsLeavesDisconnectsAndRejoins) {
    ClientStory story = three();
    story.send("b2", 1).leave("b2").send("b2", 2).join("b2");
    story.got("a1 b2 c3", {1}).gone("a1 c3", first(4), "a1 c3", "b2").left("b2");
    story.got("a1 c3", {2}).joined("a1 b2 c3", first(5), "a1 b2 c3", "b2");
    story.end("c3").killed("a1 b2", first(6), "a1 b2", "c3");
    story.connect("c3").join("c3").joined("a1 b2 c3", first(7), "a1 b2 c3", "c3");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsRequestsThatChangeNothing) {
    ClientStory story = three();
    story.leave("a1", "h").join("a1").join("a1").leave("a1").leave("a1");
    story.gone("b2 c3", first(4), "b2 c3", "a1").left("a1");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsASplitAndAMerge) {
    ClientStory story = three();
    story.safe("a1", 1).send("b2", 2).send("c3", 3);
    story.got("a1 b2", {1}).signal("a1 b2 c3", first(3)).got("a1 b2", {2}).got("c3", {1, 3});
    story.network("a1 b2", second(1), "a1 b2").network("c3", aside(1), "c3");
    story.send("a1", 4).send("c3", 5).got("a1 b2", {4}).got("c3", {5});
    story.network("a1 b2 c3", third(1), "a1 b2 c3", "c3|a1 b2");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsALossAndAGainInOneView) {
    // d3 is away and comes back, with a friend, in the same change.
    ClientStory story = three();
    story.connect("f4").join("f4").joined("f4", {.proc_id = 4, .time = 90, .index = 1}, "f4", "f4");
    story.signal("a1 b2 c3", first(3));
    story.network("a1 b2 c3 f4", third(1), "a1 b2 c3 f4", "c3|a1 b2|f4");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsEventsInsideTheTransitionalPeriod) {
    // Transcript D1 of the specification: a leave, a disconnect, a join, all behind the signal.
    ClientStory story;
    story.connect("a1 a2 k2 l2 a3 j2");
    story.join("a1").joined("a1", first(1), "a1", "a1");
    story.join("a2").joined("a1 a2", first(2), "a1 a2", "a2");
    story.join("k2").joined("a1 a2 k2", first(3), "a1 a2 k2", "k2");
    story.join("l2").joined("a1 a2 k2 l2", first(4), "a1 a2 k2 l2", "l2");
    story.join("a3").joined("a1 a2 k2 l2 a3", first(5), "a1 a2 k2 l2 a3", "a3");
    story.safe("a2", 1).leave("l2").join("j2");
    story.end("a3", ClientEnd::kDaemonLost).signal("a1 a2 k2 l2", first(5));
    story.got("a1 a2 k2 l2", {1});
    story.network("a1 a2 k2", passing(2), "a1 a2 k2 a3", "a1 a2 k2|a3").left("l2");
    story.signal("a1 a2 k2", passing(2)).end("k2");
    story.network("a1 a2", passing(3), "a1 a2 a3", "a1 a2|a3").signal("a1 a2", passing(3));
    story.network("a1 a2 j2", passing(4), "a1 a2 j2 a3", "a1 a2|a3|j2");
    story.signal("a1 a2 j2", passing(4));
    story.network("a1 a2 j2", second(1), "a1 a2 j2");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsAJoinOfALostDaemonInAQuietGroup) {
    // J1, with the transitional id; the joiner itself is on the other side and sees its own.
    ClientStory story;
    story.connect("a1 b2 j3").join("a1").joined("a1", first(1), "a1", "a1");
    story.join("b2").joined("a1 b2", first(2), "a1 b2", "b2");
    story.join("j3").end("j3", ClientEnd::kDaemonLost);
    story.network("a1 b2", passing(2), "a1 b2 j3", "a1 b2||j3").signal("a1 b2", passing(2));
    story.network("a1 b2", second(1), "a1 b2");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsAQuietGroupThatCountsOn) {
    ClientStory story = split();
    story.connect("d1").join("d1").joined("a1 b2 d1", second(2), "a1 d1 b2", "d1");
    story.network("a1 b2 c3 d1", third(1), "a1 d1 b2 c3", "c3|a1 d1 b2");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsAQuietGroupThatTakesANewId) {
    ClientStory story = three();
    story.connect("d1").join("d1").joined("a1 b2 c3 d1", passing(1), "a1 d1 b2 c3", "d1");
    story.leave("d1").gone("a1 b2 c3", passing(2), "a1 b2 c3", "d1").left("d1");
    story.end("c3").killed("a1 b2", second(1), "a1 b2", "c3");
    EXPECT_EQ(problem(story), "");
    ClientStory interim = three();  // somebody joins quietly, then somebody who is lost
    interim.connect("d1").join("d1").joined("a1 b2 c3 d1", passing(1), "a1 d1 b2 c3", "d1");
    interim.network("a1 b2 c3 d1", passing(2), "a1 d1 b2 c3 e4", "a1 d1 b2 c3||e4");
    interim.signal("a1 b2 c3 d1", passing(2));
    interim.network("a1 b2 c3 d1", second(1), "a1 d1 b2 c3");
    EXPECT_EQ(problem(interim), "");
}

TEST(GroupChecker, AcceptsAGroupThatIsEmptiedAndCreatedAgain) {
    ClientStory story;
    story.connect("a1 b2");
    for (int life = 0; life < 3; ++life) {
        const int id = 4 * life;  // it counts on; nobody is left to see the fourth view
        const auto message = static_cast<std::uint64_t>(life);
        story.join("a1").joined("a1", first(id + 1), "a1", "a1");
        story.join("b2").joined("a1 b2", first(id + 2), "a1 b2", "b2");
        story.send("a1", message).got("a1 b2", {message});
        if (life == 1) {
            story.leave("a1").gone("b2", first(id + 3), "b2", "a1").left("a1");
            story.leave("b2").left("b2");
        } else {
            story.leave("b2").gone("a1", first(id + 3), "a1", "b2").left("b2");
            story.leave("a1").left("a1");
        }
    }
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsMembersWithoutViews) {
    ClientStory story;
    story.connect("a1 b2").connect("n2 x3", false).join("n2 x3 a1");
    story.joined("a1", first(3), "a1 n2 x3", "a1");
    story.join("b2").joined("a1 b2", first(4), "a1 b2 n2 x3", "b2");
    story.safe("a1", 1).send("n2", 2).got("a1 b2 n2 x3", {1, 2});
    story.signal("a1 b2", first(4)).send("b2", 3).got("a1 b2 n2", {3});
    story.network("a1 b2", second(1), "a1 b2 n2").leave("n2");
    story.gone("a1 b2", second(2), "a1 b2", "n2");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsLateReadersAndPrivateOrder) {
    // c3 reads long after the others, and much that only it gets.
    ClientStory story = three();
    for (std::uint64_t i = 0; i < 300; i += 3) {
        story.send("a1", i).send("b2", i + 1, "h c3").send("b2", i + 2, "b2");
        story.got("a1 b2", {i}).got("b2", {i + 2});
    }
    for (std::uint64_t i = 0; i < 300; i += 3) {
        story.got("c3", {i, i + 1});
    }
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsAnEndInTheMiddleOfAnything) {
    ClientStory story = three();
    story.send("a1", 1).safe("b2", 2).join("a1", "h").leave("a1").end("a1", ClientEnd::kAtFault);
    story.got("b2 c3", {1, 2}).gone("b2 c3", first(4), "b2 c3", "a1");
    EXPECT_EQ(problem(story), "");
}

TEST(GroupChecker, AcceptsHistoriesThatAreNotOver) {
    ClientStory story = three();
    story.send("a1", 1).join("b2", "h").signal("a1", first(3));
    EXPECT_EQ(story.verdict(Order::kAsWritten, false), "");
    EXPECT_NE(story.verdict(), "");
}

// ---- P1 ----

TEST(GroupChecker, P1aNamesAMessageThatNobodySent) {
    ClientStory story = three();
    Multicast made;
    made.message = 9;
    made.destinations = {"g"};
    for (const char* client : {"a1", "b2", "c3"}) {
        story.received(client, "#a#d1", made);
    }
    EXPECT_EQ(broken(story), "P1a");
}

TEST(GroupChecker, P1aNamesAMessageThatWasChanged) {
    Multicast made;
    made.message = 1;
    made.destinations = {"g"};
    ClientStory service = three();
    made.service = ClientService::kSafe;
    service.send("a1", 1).received("b2", "#a#d1", made);
    EXPECT_EQ(broken(service), "P1a");
    ClientStory sender = three();
    made.service = ClientService::kAgreed;
    sender.send("a1", 1).received("b2", "#c#d3", made);
    EXPECT_EQ(broken(sender), "P1a");
    ClientStory destinations = three();
    made.destinations = {"g", "g"};
    destinations.send("a1", 1).received("b2", "#a#d1", made);
    EXPECT_EQ(broken(destinations), "P1a");
}

TEST(GroupChecker, P1bNamesASecondCopy) {
    ClientStory story = three();
    story.join("a1", "h").joined("a1", first(1), "a1", "a1", "h");
    story.send("b2", 1, "g h").send("b2", 2).got("b2 c3", {1, 2}).got("a1", {1, 2, 1});
    EXPECT_EQ(broken(story), "P1b");
    ClientStory at_once = three();
    at_once.send("b2", 1).got("a1", {1, 1});
    EXPECT_EQ(broken(at_once), "P1b");
}

// ---- G1 ----

TEST(GroupChecker, G1NamesDataBeforeTheFirstViewAndAfterTheLeave) {
    ClientStory before = three();
    before.connect("d1").join("d1").send("a1", 1).got("d1", {1});
    EXPECT_EQ(broken(before), "G1");
    ClientStory after = three();
    after.leave("b2").left("b2").send("a1", 1).got("b2", {1});
    EXPECT_EQ(broken(after), "G1");
}

TEST(GroupChecker, G1NamesMembershipsNobodyAskedFor) {
    ClientStory view;
    view.connect("a1").joined("a1", first(1), "a1", "a1");
    EXPECT_EQ(broken(view), "G1");
    ClientStory leave = three();
    leave.left("a1");
    EXPECT_EQ(broken(leave), "G1");
    ClientStory silent;
    silent.connect("n1", false).join("n1").joined("n1", first(1), "n1", "n1");
    EXPECT_EQ(broken(silent), "G1");
    ClientStory signal;
    signal.connect("a1").join("a1").signal("a1", first(1));
    EXPECT_EQ(broken(signal), "G1");
}

TEST(GroupChecker, G1NamesAJoinThatIsToldAsSomethingElse) {
    ClientStory story = three();
    story.connect("d1").join("d1").network("d1", second(1), "a1 d1 b2 c3");
    EXPECT_EQ(broken(story), "G1");
}

TEST(GroupChecker, G1NamesARequestThatIsNeverAnswered) {
    ClientStory story = three();
    story.join("a1", "h");
    EXPECT_EQ(broken(story), "G1");
}

// ---- G2 ----

TEST(GroupChecker, G2NamesOneIdForTwoLists) {
    // Two sides that lost different messages go on under the old id.
    ClientStory story = three();
    story.connect("x1 y2").join("x1 y2");
    story.joined("a1 x1", first(4), "a1 x1 b2 c3", "x1");
    story.joined("b2 y2", first(4), "a1 b2 y2 c3", "y2");
    EXPECT_EQ(broken(story), "G2");
}

TEST(GroupChecker, G2NamesTwoListsThatNobodySawBoth) {
    // As above, with nobody who was in both: all that b2 saw of it was the beginning.
    ClientStory story;
    story.connect("b2 a1 y2").join("b2").joined("b2", first(1), "b2", "b2");
    story.join("a1").joined("a1", first(2), "a1 b2", "a1");
    story.join("y2").joined("b2 y2", first(2), "b2 y2", "y2");
    EXPECT_EQ(broken(story), "G2");
}

TEST(GroupChecker, G2NamesAnIdThatIsUsedAgainWhenAGroupIsCreatedAgain) {
    ClientStory other;  // by somebody else
    other.connect("a1 b1").join("a1").joined("a1", first(1), "a1", "a1").leave("a1").left("a1");
    other.join("b1").joined("b1", first(1), "b1", "b1");
    EXPECT_EQ(broken(other), "G2");
    ClientStory same;  // by the same client: the lists are alike, the views are not one
    same.connect("a1").join("a1").joined("a1", first(1), "a1", "a1").leave("a1").left("a1");
    same.join("a1").joined("a1", first(1), "a1", "a1");
    EXPECT_EQ(broken(same), "G2");
    ClientStory namesake;
    namesake.connect("a1").join("a1").joined("a1", first(1), "a1", "a1").end("a1");
    namesake.connect("a1").join("a1").joined("a1", first(1), "a1", "a1");
    EXPECT_EQ(broken(namesake), "G2");
}

TEST(GroupChecker, G2NamesTwoNetworkViewsOfOneId) {
    ClientStory story = three();
    story.signal("a1 b2 c3", first(3)).network("a1", second(1), "a1 b2");
    story.network("b2", second(1), "b2").network("c3", aside(1), "c3");
    EXPECT_EQ(broken(story), "G2");
}

TEST(GroupChecker, G2NamesTwoGroupsThatTakeOneNewId) {
    ClientStory story = three();
    story.leave("c3").gone("a1", second(1), "a1 b2", "c3").left("c3");
    story.leave("a1").gone("b2", second(1), "b2 c3", "a1");
    EXPECT_EQ(broken(story), "G2");
}

TEST(GroupChecker, G2NamesAViewThatAMemberIsLeftOutOf) {
    ClientStory story = split();
    story.network("a1 b2", third(1), "a1 b2 c3", "c3|a1 b2");
    EXPECT_EQ(broken(story), "G2");
}

// ---- G3 ----

TEST(GroupChecker, G3NamesAReaderThatIsNotInTheList) {
    ClientStory story = three();
    View view = odd_view(first(4), Cause::kLeave, "b2 c3");
    view.sets = {ClientStory::names("a1")};
    story.leave("a1").view("a1", view);
    EXPECT_EQ(broken(story), "G3");
}

TEST(GroupChecker, G3NamesAWrongIndex) {
    ClientStory story;
    View view = odd_view(first(1), Cause::kJoin, "a1");
    view.sets = {ClientStory::names("a1")};
    view.own_index = 1;
    story.connect("a1").join("a1").view("a1", view);
    EXPECT_EQ(broken(story), "G3");
}

TEST(GroupChecker, G3NamesAWrongOrderOfMembers) {
    ClientStory inside;
    inside.connect("m91").join("m91").joined("m91", first(2), "m91 m101", "m91");
    EXPECT_EQ(broken(inside), "G3");
    ClientStory between = three();
    between.connect("z1 z2").join("z1", "h").joined("z1", first(2), "z2 z1", "z1", "h");
    EXPECT_EQ(broken(between), "G3");
    ClientStory apart;
    apart.connect("a1").join("a1").joined("a1", first(3), "a1 b2 c1", "a1");
    EXPECT_EQ(broken(apart), "G3");
    ClientStory everywhere;  // against the configuration, though all agree
    everywhere.connect("a1 b2").join("b2").joined("b2", first(1), "b2", "b2");
    everywhere.join("a1").joined("a1 b2", first(2), "b2 a1", "a1");
    EXPECT_EQ(broken(everywhere), "G3");
    ClientStory twice;
    twice.connect("a1").join("a1").joined("a1", first(2), "a1 a1", "a1");
    EXPECT_EQ(broken(twice), "G3");
}

TEST(GroupChecker, G3CountsDaemonsOn) {
    ClientStory story;
    View view = odd_view(first(3), Cause::kJoin, "a1 b2");
    view.members.emplace_back("#a#d10");
    view.sets = {ClientStory::names("a1")};
    story.connect("a1").join("a1").view("a1", view);
    EXPECT_EQ(story.verdict(Order::kAsWritten, false), "");
}

// ---- G4, G5, G6 ----

TEST(GroupChecker, G4NamesAnIdThatDoesNotFollow) {
    ClientStory skips = three();
    skips.leave("c3").gone("a1 b2", first(5), "a1 b2", "c3");
    EXPECT_EQ(broken(skips), "G4");
    ClientStory again = three();
    again.signal("a1 b2", first(3)).network("a1 b2", first(1), "a1 b2");
    EXPECT_EQ(broken(again), "G4");
    ClientStory behind = split();
    behind.connect("d1").join("d1").joined("a1", first(1), "a1 d1 b2", "d1");
    EXPECT_EQ(broken(behind), "G4");
    ClientStory fresh;  // a group created in the transitional period, then joined by somebody lost
    fresh.connect("a1 b1").join("a1 b1").joined("a1", passing(1), "a1", "a1");
    fresh.joined("a1 b1", passing(2), "a1 b1", "b1");
    fresh.network("a1 b1", passing(2), "a1 b1 c3", "a1 b1||c3");
    EXPECT_EQ(broken(fresh), "G4");
    ClientStory interim = three();
    interim.leave("b2").signal("a1", first(3)).network("a1", passing(3), "a1 c3", "a1|c3");
    EXPECT_EQ(broken(interim), "G4");
}

TEST(GroupChecker, G4NamesMoreThanOneChange) {
    ClientStory story = three();
    story.leave("c3").gone("a1", first(4), "a1", "c3");
    EXPECT_EQ(broken(story), "G4");
    ClientStory interim = three();
    interim.signal("a1", first(3)).network("a1", passing(2), "a1", "a1");
    EXPECT_EQ(broken(interim), "G4");
}

TEST(GroupChecker, G5NamesACauseThatIsNone) {
    ClientStory present = three();
    present.joined("a1", first(4), "a1 b2 c3", "b2");
    EXPECT_EQ(broken(present), "G5");
    ClientStory absent = three();
    absent.killed("a1", first(4), "a1 b2 c3", "x2");
    EXPECT_EQ(broken(absent), "G5");
    ClientStory staying = three();
    staying.gone("a1", first(4), "a1 b2 c3", "b2");
    EXPECT_EQ(broken(staying), "G5");
    ClientStory two = three();
    View view = odd_view(first(4), Cause::kLeave, "a1");
    view.sets = {ClientStory::names("b2 c3")};
    two.view("a1", view);
    EXPECT_EQ(broken(two), "G5");
}

TEST(GroupChecker, G6NamesSetsThatAreNoPartition) {
    for (const char* sets : {"a1|b2", "a1 b2|b2 c3", "a1 b2 c3|x3", "b2 a1|c3", "a1 b2 c3|"}) {
        ClientStory story = three();
        story.signal("a1", first(3)).network("a1", second(1), "a1 b2 c3", sets);
        EXPECT_EQ(broken(story), "G6") << sets;
    }
}

TEST(GroupChecker, G6NamesSetsAgainstTheOrderOfTheirSides) {
    ClientStory story = split();
    story.network("a1 b2 c3", third(1), "a1 b2 c3", "a1 b2|c3");
    EXPECT_EQ(broken(story), "G6");
}

TEST(GroupChecker, G6NamesAReaderInTheWrongSet) {
    ClientStory story = split();
    View view = odd_view(third(1), Cause::kNetwork, "a1 b2 c3");
    view.sets = {ClientStory::names("c3"), ClientStory::names("a1 b2")};
    story.view("a1", view);
    EXPECT_EQ(broken(story), "G6");
    ClientStory joiner = three();
    joiner.connect("j2").join("j2").signal("a1", first(3));
    joiner.network("a1", passing(2), "a1 b2 j2 c3", "a1 b2 j2|c3");
    EXPECT_EQ(broken(joiner), "G6");
}

}  // namespace
}  // namespace spread::checker
