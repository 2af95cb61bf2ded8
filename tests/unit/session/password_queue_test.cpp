#include "daemon/session/password_queue.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/client_bytes.hpp"

namespace spread::session {
namespace {

using access::PeerAddress;
using protocol::SessionId;
using testing::ElementsAre;

const PeerAddress kHere = PeerAddress::unix_socket();

class PasswordQueueOrder : public testing::Test {
  protected:
    SessionId wait(const PeerAddress& peer, std::string_view user) {
        const SessionId id{++last_};
        queue_.push(peer, {id, std::string(user), "secret"});
        return id;
    }

    /// Whose turns come, to the end.
    std::vector<SessionId> turns() {
        std::vector<SessionId> order;
        while (const auto turn = queue_.pop()) {
            EXPECT_EQ(turn->check.password, "secret");
            order.push_back(turn->check.session);
        }
        EXPECT_EQ(queue_.size(), 0U);
        return order;
    }

    PasswordQueue queue_;
    std::uint64_t last_ = 0;
};

TEST_F(PasswordQueueOrder, OneUserAtOnePlaceIsServedInOrder) {
    const SessionId a = wait(kHere, "alice");
    const SessionId b = wait(kHere, "alice");
    const SessionId c = wait(kHere, "alice");
    EXPECT_EQ(queue_.size(), 3U);
    EXPECT_THAT(turns(), ElementsAre(a, b, c));
}

TEST_F(PasswordQueueOrder, ManyGuessesAtOneUserCostOthersOneTurn) {
    const SessionId m1 = wait(kHere, "mallory");
    const SessionId m2 = wait(kHere, "mallory");
    const SessionId m3 = wait(kHere, "mallory");
    const SessionId alice = wait(kHere, "alice");
    const SessionId bob = wait(kHere, "bob");
    EXPECT_THAT(turns(), ElementsAre(m1, alice, bob, m2, m3));
}

TEST_F(PasswordQueueOrder, ManyUsersFromOnePlaceCostOtherPlacesOneTurn) {
    const PeerAddress bad = address_of("10.0.0.66");
    const SessionId m1 = wait(bad, "a");
    const SessionId m2 = wait(bad, "b");
    const SessionId m3 = wait(bad, "c");
    const SessionId good = wait(address_of("10.0.0.7"), "alice");
    const SessionId here = wait(kHere, "alice");
    EXPECT_THAT(turns(), ElementsAre(m1, good, here, m2, m3));
}

TEST_F(PasswordQueueOrder, WhoComesAgainAfterItsTurnIsBehindTheOthers) {
    wait(kHere, "mallory");
    const SessionId alice = wait(kHere, "alice");
    ASSERT_TRUE(queue_.pop());
    const SessionId again = wait(kHere, "mallory");
    EXPECT_THAT(turns(), ElementsAre(alice, again));
}

TEST_F(PasswordQueueOrder, AddressesOneClientMayTakeAtWillAreOnePlace) {
    const SessionId m1 = wait(address_of("fd00::1"), "a");
    const SessionId m2 = wait(address_of("fd00::2"), "b");
    const SessionId h1 = wait(kHere, "a");
    const SessionId h2 = wait(address_of("127.0.0.1"), "b");
    const SessionId h3 = wait(address_of("127.9.9.9"), "c");
    const SessionId h4 = wait(address_of("::1"), "d");
    const SessionId other = wait(address_of("fd00:0:0:1::1"), "a");
    EXPECT_THAT(turns(), ElementsAre(m1, h1, other, m2, h2, h3, h4));
}

TEST_F(PasswordQueueOrder, WhoIsRemovedHasNoTurn) {
    const SessionId a = wait(kHere, "alice");
    const SessionId b = wait(kHere, "alice");
    const SessionId c = wait(kHere, "carol");
    const SessionId d = wait(address_of("10.0.0.7"), "dave");
    queue_.remove(a);
    queue_.remove(c);
    queue_.remove(d);
    queue_.remove(d);
    queue_.remove(SessionId{99});
    EXPECT_EQ(queue_.size(), 1U);
    EXPECT_THAT(turns(), ElementsAre(b));
    const SessionId e = wait(address_of("10.0.0.7"), "dave");
    EXPECT_THAT(turns(), ElementsAre(e));
}

TEST_F(PasswordQueueOrder, TheLastComeWhenNobodyElseWaits) {
    queue_.push_last({SessionId{50}, "gone", "secret"});
    queue_.push_last({SessionId{51}, "gone", "secret"});
    const SessionId alice = wait(kHere, "alice");
    EXPECT_EQ(queue_.size(), 3U);
    const auto first = queue_.pop();
    EXPECT_EQ(first->check.session, alice);
    EXPECT_FALSE(first->is_last);
    queue_.remove(SessionId{51});
    const auto last = queue_.pop();
    EXPECT_EQ(last->check.session, SessionId{50});
    EXPECT_TRUE(last->is_last);
    EXPECT_FALSE(queue_.pop());
}

}  // namespace
}  // namespace spread::session
