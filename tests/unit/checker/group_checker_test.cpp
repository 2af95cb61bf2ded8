#include "tests/checker/group_checker.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client_story.hpp"

namespace spread::checker {
namespace {

using GroupId = protocol::GroupId;
using Order = ClientStory::Order;
using testing::HasSubstr;

/// Ids of the daemon memberships in these stories.
GroupId first(std::int32_t index) {
    return {.proc_id = 1, .time = 100, .index = index};
}
GroupId passing(std::int32_t index) {  // transitional, led by d1
    return {.proc_id = 1, .time = 101, .index = index};
}
GroupId second(std::int32_t index) {
    return {.proc_id = 1, .time = 102, .index = index};
}
GroupId aside(std::int32_t index) {  // d3 alone, or d2 and d3
    return {.proc_id = -3, .time = 102, .index = index};
}
GroupId third(std::int32_t index) {
    return {.proc_id = 1, .time = 104, .index = index};
}

View odd_view(GroupId id, Cause cause, std::string_view members) {
    View view;
    view.group = "g";
    view.id = id;
    view.cause = cause;
    view.members = ClientStory::names(members);
    return view;
}

/// Why a story is not legal, however its clients are fed; "" when it is.
std::string problem(const ClientStory& story) {
    for (const Order order : {Order::kAsWritten, Order::kByClient, Order::kByClientBackward}) {
        if (const std::string property = story.verdict(order); !property.empty()) {
            const Violation violation = story.violation();
            std::string text = "order " + std::to_string(static_cast<int>(order)) + ": " +
                               property + " " + violation.summary;
            for (const std::string& line : violation.evidence) {
                text += "\n  " + line;
            }
            return text;
        }
    }
    return "";
}

/// The property that is broken, if all ways of feeding name the same.
std::string broken(const ClientStory& story) {
    std::string property = story.verdict();
    for (const Order order : {Order::kByClient, Order::kByClientBackward}) {
        if (const std::string other = story.verdict(order); other != property) {
            property += " or " + other;
        }
    }
    return property;
}

/// a1, b2 and c3 join g: first(3).
ClientStory three() {
    ClientStory story;
    story.connect("a1 b2 c3").join("a1").joined("a1", first(1), "a1", "a1");
    story.join("b2").joined("a1 b2", first(2), "a1 b2", "b2");
    story.join("c3").joined("a1 b2 c3", first(3), "a1 b2 c3", "c3");
    return story;
}

/// And d3 is lost: those who stay are in second(1), c3 is in aside(1).
ClientStory split() {
    ClientStory story = three();
    story.signal("a1 b2 c3", first(3)).network("a1 b2", second(1), "a1 b2");
    story.network("c3", aside(1), "c3");
    return story;
}

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
