// Rings of real daemons, in network namespaces where possible: views, total order, crashes,
// restarts, orderly stops, cut links.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using protocol::kAgreedMess;
using protocol::kCausedByDisconnect;
using protocol::kCausedByJoin;
using protocol::kCausedByLeave;
using protocol::kCausedByNetwork;
using protocol::kSafeMess;
using support::Received;
using support::TestClient;
using support::TestRing;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

/// Cutting links needs network namespaces. Without them the test is skipped, loudly.
#define SPREAD_REQUIRE_LINKS(ring)                                              \
    do {                                                                        \
        if (!(ring).has_links()) {                                              \
            GTEST_SKIP() << "NOT TESTED: " << support::enter_private_network(); \
        }                                                                       \
    } while (false)

/// One client on every daemon of `ring`, all members of `group`, each having seen all of them.
std::vector<TestClient> members_everywhere(TestRing& ring, const std::string& group) {
    std::vector<TestClient> clients;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < ring.size(); ++i) {
        clients.push_back(ring.client(i, "user" + std::to_string(i + 1)));
        names.push_back(clients.back().private_group());
        clients.back().join(group);
        for (auto& client : clients) {
            client.wait_for_members(group, names);
        }
    }
    return clients;
}

/// A line for each event, such that equal histories give equal lists.
std::string describe(const Received& message) {
    if (message.view().is_transitional()) {
        return "transition " + message.name();
    }
    if (!message.view().is_regular_membership()) {
        return message.name() + " says " + message.text().substr(0, 40);
    }
    std::string text = "view of " + message.name() + ":";
    for (const auto& member : message.membership().members) {
        text += " " + member;
    }
    return text;
}

/// What a client gets until each of these lines (see describe()) has been among it.
std::vector<Received> receive_until(TestClient& client, std::vector<std::string> wanted) {
    std::vector<Received> messages;
    while (!wanted.empty()) {
        messages.push_back(client.receive());
        std::erase(wanted, describe(messages.back()));
    }
    return messages;
}

std::vector<std::string> history_of(const std::vector<Received>& messages) {
    std::vector<std::string> lines;
    std::ranges::transform(messages, std::back_inserter(lines), describe);
    return lines;
}

std::vector<std::string> said_by(const std::vector<std::string>& history,
                                 const std::string& sender) {
    std::vector<std::string> lines;
    std::ranges::copy_if(history, std::back_inserter(lines), [&](const std::string& line) {
        return line.starts_with(sender + " says ");
    });
    return lines;
}

/// "SENDER says FIRST", ... for numbers from `first` to before `end`.
std::vector<std::string> numbered(const std::string& sender, int first, int end) {
    std::vector<std::string> lines;
    for (int i = first; i < end; ++i) {
        lines.push_back(sender + " says " + std::to_string(i));
    }
    return lines;
}

TEST(Ring, ClientsOfAllDaemonsSeeTheSameViews) {
    TestRing ring(3);
    ring.wait_formed();
    TestClient ann = ring.client(0, "ann");
    TestClient bob = ring.client(1, "bob");
    TestClient cid = ring.client(2, "cid");
    cid.join("room");
    EXPECT_THAT(cid.receive_membership("room", kCausedByJoin).members, ElementsAre("#cid#d3"));
    ann.join("room");
    const auto ann_two = ann.receive_membership("room", kCausedByJoin);
    const auto cid_two = cid.receive_membership("room", kCausedByJoin);
    EXPECT_THAT(ann_two.members, ElementsAre("#ann#d1", "#cid#d3"));
    EXPECT_EQ(ann_two.members, cid_two.members);
    EXPECT_EQ(ann_two.id, cid_two.id);
    bob.join("room");
    const auto ann_three = ann.receive_membership("room", kCausedByJoin);
    const auto bob_three = bob.receive_membership("room", kCausedByJoin);
    const auto cid_three = cid.receive_membership("room", kCausedByJoin);
    EXPECT_THAT(bob_three.members, ElementsAre("#ann#d1", "#bob#d2", "#cid#d3"));
    EXPECT_EQ(ann_three.id, bob_three.id);
    EXPECT_EQ(cid_three.id, bob_three.id);
    EXPECT_NE(ann_three.id, ann_two.id);

    ann.leave("room");
    EXPECT_TRUE(ann.receive().view().is_self_leave());
    EXPECT_EQ(bob.receive_membership("room", kCausedByLeave).changed_member(), "#ann#d1");
    EXPECT_EQ(cid.receive_membership("room", kCausedByLeave).changed_member(), "#ann#d1");
    bob.kill();
    EXPECT_EQ(cid.receive_membership("room", kCausedByDisconnect).changed_member(), "#bob#d2");
}

/// Everybody sends, everybody receives; several rounds are on their way at any time.
void expect_one_total_order(TestRing& ring) {
    constexpr int kRounds = 40;
    constexpr int kPerRound = 10;
    auto clients = members_everywhere(ring, "room");
    const auto send_round = [&](int round) {
        for (auto& client : clients) {
            for (int i = 0; i < kPerRound; ++i) {
                // Large ones are fragmented, small ones share packets, and safe ones wait.
                std::string text = std::to_string(round * kPerRound + i) + " ";
                text.resize(i == 3 ? 20000 : 30, '.');
                client.multicast("room", text, i % 4 == 0 ? kSafeMess : kAgreedMess);
            }
        }
    };
    std::vector<std::vector<std::string>> histories(clients.size());
    const auto read_round = [&] {
        for (std::size_t c = 0; c < clients.size(); ++c) {
            for (std::size_t i = 0; i < kPerRound * clients.size(); ++i) {
                histories[c].push_back(describe(clients[c].receive()));
            }
        }
    };
    send_round(0);
    for (int round = 1; round < kRounds; ++round) {
        send_round(round);
        read_round();
    }
    read_round();

    for (std::size_t c = 1; c < clients.size(); ++c) {
        EXPECT_EQ(histories[c], histories[0]) << "client " << c;
    }
    for (const auto& client : clients) {
        const auto lines = said_by(histories[0], client.private_group());
        ASSERT_EQ(lines.size(), static_cast<std::size_t>(kRounds * kPerRound));
        for (int i = 0; i < kRounds * kPerRound; ++i) {
            EXPECT_THAT(
                lines[static_cast<std::size_t>(i)],
                testing::StartsWith(client.private_group() + " says " + std::to_string(i) + " "));
        }
    }
}

TEST(Ring, AllClientsSeeOneTotalOrder) {
    TestRing ring(3);
    ring.wait_formed();
    expect_one_total_order(ring);
}

TEST(Ring, FormsOnLoopbackToo) {
    TestRing ring(3, {.kind = support::DaemonKind::kOurs,
                      .loopback = true,
                      .segment_address = {},
                      .extra_options = {}});
    ring.wait_formed();
    expect_one_total_order(ring);
}

TEST(Ring, FormsOverMulticast) {
    TestRing ring(3, {.kind = support::DaemonKind::kOurs,
                      .loopback = false,
                      .segment_address = "239.77.0.1",
                      .extra_options = {}});
    SPREAD_REQUIRE_LINKS(ring);
    ring.wait_formed();
    expect_one_total_order(ring);
}

/// The view after the transitional signal; checks that both are there once, in this order.
client::Membership view_after_transition(const std::vector<Received>& messages) {
    const auto signal = std::ranges::find_if(
        messages, [](const Received& message) { return message.view().is_transitional(); });
    if (signal == messages.end()) {
        ADD_FAILURE() << "no transitional signal";
        return {};
    }
    const auto view = std::find_if(signal, messages.end(), [](const Received& message) {
        return message.view().is_regular_membership();
    });
    if (view == messages.end()) {
        ADD_FAILURE() << "no view after the transitional signal";
        return {};
    }
    EXPECT_EQ(std::ranges::count_if(messages,
                                    [](const Received& m) { return m.view().is_transitional(); }),
              1);
    EXPECT_EQ(std::ranges::count_if(
                  messages, [](const Received& m) { return m.view().is_regular_membership(); }),
              1);
    return view->membership();
}

TEST(Ring, SurvivorsOfACrashAgreeAndLoseNothing) {
    TestRing ring(3);
    ring.wait_formed();
    auto clients = members_everywhere(ring, "room");
    TestClient& one = clients[0];
    TestClient& two = clients[1];
    constexpr int kBefore = 200;
    constexpr int kAfter = 400;
    for (int i = 0; i < kBefore; ++i) {
        for (auto& client : clients) {
            client.multicast("room", std::to_string(i));
        }
    }
    // Nobody has read anything yet: daemon 3 dies with messages of all on their way.
    ring.daemon(2).crash();
    for (int i = kBefore; i < kAfter; ++i) {
        one.multicast("room", std::to_string(i));
        two.multicast("room", std::to_string(i));
    }
    // The signal and the view come whether or not messages do; the last messages may be ordered
    // before them.
    const std::vector<std::string> wanted{"#user1#d1 says 399", "#user2#d2 says 399",
                                          "transition room", "view of room: #user1#d1 #user2#d2"};
    const auto seen_by_one = receive_until(one, wanted);
    const auto seen_by_two = receive_until(two, wanted);

    const auto history = history_of(seen_by_one);
    EXPECT_EQ(history_of(seen_by_two), history) << ring.logs();
    EXPECT_EQ(said_by(history, "#user1#d1"), numbered("#user1#d1", 0, kAfter));
    EXPECT_EQ(said_by(history, "#user2#d2"), numbered("#user2#d2", 0, kAfter));
    // Of the dead daemon's messages any number may have got out, in order and without a gap.
    const auto last_words = said_by(history, "#user3#d3");
    EXPECT_EQ(last_words, numbered("#user3#d3", 0, static_cast<int>(last_words.size())));

    const auto view_of_one = view_after_transition(seen_by_one);
    const auto view_of_two = view_after_transition(seen_by_two);
    EXPECT_EQ(view_of_one.cause, kCausedByNetwork);
    EXPECT_EQ(view_of_one.id, view_of_two.id);
    ASSERT_EQ(view_of_one.vs_sets.size(), 1U);
    EXPECT_THAT(view_of_one.vs_sets[view_of_one.own_vs_set],
                UnorderedElementsAre("#user1#d1", "#user2#d2"));
    EXPECT_EQ(view_of_two.vs_sets, view_of_one.vs_sets);
}

TEST(Ring, ARestartedDaemonIsTakenBack) {
    TestRing ring(3);
    ring.wait_formed();
    auto clients = members_everywhere(ring, "room");
    TestClient& one = clients[0];
    ring.daemon(2).crash();
    one.wait_for_members("room", {"#user1#d1", "#user2#d2"});
    ring.daemon(2).restart();
    ring.wait_formed();
    TestClient back = ring.client(2, "user3");
    back.join("room");
    const std::vector<std::string> all{"#user1#d1", "#user2#d2", "#user3#d3"};
    // Nothing else: the daemon came back without members of this group.
    const auto view = one.receive_membership("room", kCausedByJoin);
    EXPECT_EQ(view.members, all);
    EXPECT_EQ(back.receive_membership("room", kCausedByJoin).id, view.id);
    back.multicast("room", "hello again");
    EXPECT_EQ(one.receive().text(), "hello again");
}

TEST(Ring, AnOrderlyStopNeedsNoTimeout) {
    // With ten minutes until a lost token is noticed, only the announcement can tell.
    TestRing ring(3, {.kind = support::DaemonKind::kOurs,
                      .loopback = false,
                      .segment_address = {},
                      .extra_options = "TokenTimeout = 600000\nHurryTimeout = 500\n"
                                       "AliveTimeout = 250\nJoinTimeout = 250\nRepTimeout = 625\n"
                                       "SegTimeout = 500\nGatherTimeout = 1250\n"
                                       "FormTimeout = 1250\nLookupTimeout = 2000\n"});
    ring.wait_formed();
    auto clients = members_everywhere(ring, "room");
    EXPECT_EQ(ring.daemon(2).stop(), 0) << ring.logs();
    for (std::size_t i = 0; i < 2; ++i) {
        const auto seen = receive_until(clients[i], {"view of room: #user1#d1 #user2#d2"});
        const auto view = view_after_transition(seen);
        EXPECT_EQ(view.cause, kCausedByNetwork);
    }
    // What its own client sees is the end of the stream, after any last messages.
    clients[2].connection().drain();
    clients[0].multicast("room", "still here");
    EXPECT_EQ(clients[1].receive().text(), "still here");
}

TEST(Ring, LearnsToWaitForADaemonThatIsNotRunNowAndThen) {
    constexpr int kStopsMax = 40;
    constexpr int kBorneInARow = 3;
    TestRing ring(3);
    ring.wait_formed();
    const auto configurations = [&ring] {
        const std::string log = ring.daemon(0).log();
        const std::regex installed("installed configuration");
        return std::distance(std::sregex_iterator(log.begin(), log.end(), installed), {});
    };
    // Longer than the loss timeout at first, so that the ring breaks.
    int borne = 0;
    for (int stop = 0; stop < kStopsMax && borne < kBorneInARow; ++stop) {
        const auto before = configurations();
        ring.daemon(2).process().signal(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        ring.daemon(2).process().signal(SIGCONT);
        std::this_thread::sleep_for(std::chrono::milliseconds(700));
        borne = configurations() == before ? borne + 1 : 0;
    }
    EXPECT_EQ(borne, kBorneInARow) << ring.logs();
    EXPECT_THAT(ring.daemon(2).log(), testing::HasSubstr("this daemon did not run for"));
}

TEST(Ring, BothSidesOfACutGoOnAndMerge) {
    TestRing ring(3);
    SPREAD_REQUIRE_LINKS(ring);
    ring.wait_formed();
    auto clients = members_everywhere(ring, "room");
    ring.links().partition({{0}, {1, 2}});
    const auto alone =
        view_after_transition(receive_until(clients[0], {"view of room: #user1#d1"}));
    EXPECT_THAT(alone.vs_sets, ElementsAre(ElementsAre("#user1#d1")));
    const auto pair =
        view_after_transition(receive_until(clients[1], {"view of room: #user2#d2 #user3#d3"}));
    EXPECT_THAT(pair.vs_sets, ElementsAre(UnorderedElementsAre("#user2#d2", "#user3#d3")));
    EXPECT_EQ(
        view_after_transition(receive_until(clients[2], {"view of room: #user2#d2 #user3#d3"})).id,
        pair.id);
    EXPECT_NE(alone.id, pair.id);

    clients[0].multicast("room", "left");
    clients[1].multicast("room", "right", kSafeMess);
    EXPECT_EQ(clients[0].receive().text(), "left");
    EXPECT_EQ(clients[1].receive().text(), "right");
    EXPECT_EQ(clients[2].receive().text(), "right");

    ring.links().heal();
    const std::vector<std::string> all{"#user1#d1", "#user2#d2", "#user3#d3"};
    std::vector<client::Membership> merged;
    for (auto& client : clients) {
        // A pure merge: no transitional signal, one message.
        merged.push_back(client.receive_membership("room", kCausedByNetwork));
        EXPECT_EQ(merged.back().members, all);
        EXPECT_EQ(merged.back().id, merged.front().id);
        EXPECT_THAT(
            merged.back().vs_sets,
            UnorderedElementsAre(ElementsAre("#user1#d1"), ElementsAre("#user2#d2", "#user3#d3")));
    }
    EXPECT_THAT(merged[0].vs_sets[merged[0].own_vs_set], ElementsAre("#user1#d1"));
    EXPECT_THAT(merged[2].vs_sets[merged[2].own_vs_set], ElementsAre("#user2#d2", "#user3#d3"));
    clients[2].multicast("room", "together");
    for (auto& client : clients) {
        EXPECT_EQ(client.receive().text(), "together");
    }
}

TEST(Ring, OneDeafDaemonDoesNotKeepTheOthersFromAgreeing) {
    TestRing ring(3);
    SPREAD_REQUIRE_LINKS(ring);
    ring.wait_formed();
    auto clients = members_everywhere(ring, "room");
    // Daemon 3 is heard by the others and hears neither.
    ring.links().deafen(2, 0);
    ring.links().deafen(2, 1);
    clients[0].wait_for_members("room", {"#user1#d1", "#user2#d2"});
    clients[1].wait_for_members("room", {"#user1#d1", "#user2#d2"});
    clients[0].multicast("room", "without the deaf one");
    while (clients[1].receive().text() != "without the deaf one") {
    }
    ring.links().heal();
    ring.wait_formed();
    for (auto& client : clients) {
        client.multicast("room", "done " + client.private_group());
    }
    const std::vector<std::string> all_done{"#user1#d1 says done #user1#d1",
                                            "#user2#d2 says done #user2#d2",
                                            "#user3#d3 says done #user3#d3"};
    for (auto& client : clients) {
        receive_until(client, all_done);
    }
}

}  // namespace
}  // namespace spread::system_test
