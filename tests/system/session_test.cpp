// The C++ client library against real daemons: many members, and a daemon that dies under one.

#include "spread/session.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deadline.hpp"
#include "tests/support/next_event.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using std::chrono::milliseconds;
using support::next_event;
using support::TestRing;
using testing::Contains;
using testing::ElementsAre;
using testing::SizeIs;

std::string address(TestRing& ring, std::size_t index) {
    return std::to_string(ring.daemon(index).port()) + "@" + ring.daemon(index).spec().address;
}

Session connect(TestRing& ring, std::size_t index, const std::string& name) {
    Options options;
    options.servers = {address(ring, index)};
    options.private_name = name;
    options.connect_timeout = support::kPatience;
    auto session = Session::connect(options);
    if (!session) {
        throw std::runtime_error(session.error().text);
    }
    return std::move(*session);
}

Membership wait_for_members(Session& session, std::size_t count) {
    while (true) {
        auto membership = next_event<Membership>(session);
        if (membership.members.size() == count) {
            return membership;
        }
    }
}

TEST(ClientLibrary, OneMulticastReachesTwelvePrivateGroupsOverThreeDaemons) {
    constexpr std::size_t kClients = 12;
    TestRing ring(3);
    ring.wait_formed();
    std::vector<Session> sessions;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kClients; ++i) {
        sessions.push_back(connect(ring, i % ring.size(), "user" + std::to_string(i)));
        names.push_back(sessions.back().private_group());
        ASSERT_TRUE(sessions.back().join("room"));
    }
    std::vector<Membership> views;
    for (auto& session : sessions) {
        views.push_back(wait_for_members(session, kClients));
        EXPECT_EQ(views.back().id, views.front().id);
        EXPECT_EQ(views.back().members, views.front().members);
    }
    ASSERT_TRUE(sessions[4].multigroup_multicast({Service::kFifo, 42}, names, "to each of you"));
    // Nobody gets it twice, and nobody misses the message behind it.
    ASSERT_TRUE(sessions[4].multicast(Service::kFifo, "room", "to all of you"));
    for (auto& session : sessions) {
        const auto first = next_event<Message>(session);
        EXPECT_EQ(first.text(), "to each of you");
        EXPECT_EQ(first.sender, names[4]);
        EXPECT_EQ(first.groups, names);
        EXPECT_EQ(first.mess_type, 42);
        EXPECT_EQ(next_event<Message>(session).text(), "to all of you");
    }
}

TEST(ClientLibrary, ADaemonThatDiesCostsLessThanASecond) {
    TestRing ring(2);
    ring.wait_formed();
    Session witness = connect(ring, 1, "witness");
    ASSERT_TRUE(witness.join("room"));
    Options options;
    options.servers = {address(ring, 0), address(ring, 1)};
    options.private_name = "alice";
    options.reconnect.emplace();
    auto alice = Session::connect(options);
    ASSERT_TRUE(alice) << alice.error().text;
    ASSERT_TRUE(alice->join("room"));
    EXPECT_THAT(wait_for_members(*alice, 2).members, ElementsAre("#alice#d1", "#witness#d2"));
    ASSERT_TRUE(witness.multicast(Service::kAgreed, "room", "before"));
    EXPECT_EQ(next_event<Message>(*alice).text(), "before");

    ring.daemon(0).crash();
    const auto crashed = std::chrono::steady_clock::now();
    const auto gone = alice->receive(support::kPatience);
    ASSERT_TRUE(gone);
    EXPECT_TRUE(std::get<Disconnected>(*gone).will_reconnect);
    const auto back = alice->receive(support::kPatience);
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Reconnected>(*back).private_group, "#alice#d2");
    EXPECT_THAT(std::get<Reconnected>(*back).rejoining, ElementsAre("room"));
    EXPECT_LT(std::chrono::steady_clock::now() - crashed, std::chrono::seconds(1));
    // The join is ordered as soon as the ring is whole again, which is up to its timeouts.
    Membership view;
    do {
        view = next_event<Membership>(*alice);
    } while (!view.has_member("#alice#d2"));
    ASSERT_TRUE(witness.multicast(Service::kAgreed, "room", "after"));
    EXPECT_EQ(next_event<Message>(*alice).text(), "after");
    EXPECT_EQ(alice->stats().reconnects, 1U);
}

TEST(ClientLibrary, PingsGoAllTheWayAndAreNotShown) {
    TestRing ring(1);
    ring.wait_formed();
    Options options;
    options.servers = {address(ring, 0)};
    options.ping_interval = milliseconds(10);
    options.pings_max = 500;
    auto session = Session::connect(options);
    ASSERT_TRUE(session) << session.error().text;
    EXPECT_EQ(session->receive(milliseconds(300)).error().code, ErrorCode::kTimedOut);
    EXPECT_GT(session->stats().bytes_in, 100U);
    EXPECT_EQ(session->stats().messages_in, 0U);
}

}  // namespace
}  // namespace spread::system_test
