#include "daemon/session/overtaking.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/client_bytes.hpp"
#include "tests/unit/session/test_daemon.hpp"

namespace spread::session {
namespace {

/// The way to the ring: two queues, of which a visit of the token stamps so many bytes.
class Way {
  public:
    struct Entry {
        std::size_t client;
        std::uint64_t number;
        std::size_t bytes;
    };

    bool send(std::size_t client, std::size_t bytes) {
        Account& account = accounts_[client];
        const bool ahead = overtaking.take(account.way, bytes);
        (ahead ? ahead_ : ordinary_).push_back({client, ++account.sent, bytes});
        return ahead;
    }
    /// What a visit carries off, in order.
    std::vector<Entry> visit(std::size_t bytes) {
        std::vector<Entry> out;
        for (std::size_t used = 0; used < bytes && !(ahead_.empty() && ordinary_.empty());) {
            std::deque<Entry>& lane = ahead_.empty() ? ordinary_ : ahead_;
            ++(ahead_.empty() ? stamped_.ordinary : stamped_.ahead);
            used += lane.front().bytes;
            out.push_back(lane.front());
            lane.pop_front();
        }
        overtaking.note(stamped_);
        return out;
    }
    [[nodiscard]] std::size_t waiting() const { return ahead_.size() + ordinary_.size(); }
    [[nodiscard]] bool may_go_ahead(std::size_t client) {
        return overtaking.may_go_ahead(accounts_[client].way);
    }

    Overtaking overtaking;

  private:
    struct Account {
        Overtaking::Account way;
        std::uint64_t sent = 0;
    };
    std::map<std::size_t, Account> accounts_;
    std::deque<Entry> ahead_;
    std::deque<Entry> ordinary_;
    ordering::SendProgress stamped_;
};

constexpr std::size_t kBusy = 0;
constexpr std::size_t kQuiet = 1;

TEST(Overtaking, NobodyGoesAheadWhileHardlyAnythingWaits) {
    Way way;
    for (std::uint64_t i = 0; i < Overtaking::kQueueMin; ++i) {
        EXPECT_FALSE(way.send(kBusy, 100));
    }
    EXPECT_TRUE(way.may_go_ahead(kQuiet));
    static_cast<void>(way.visit(1));
    EXPECT_FALSE(way.may_go_ahead(kQuiet));
}

TEST(Overtaking, AQuietClientIsInTheNextVisitHoweverMuchOfOthersWaits) {
    Way way;
    for (int i = 0; i < 3000; ++i) {
        static_cast<void>(way.send(kBusy, 1400));
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(way.send(kQuiet, 200));
        const auto stamped = way.visit(50000);
        EXPECT_EQ(stamped.front().client, kQuiet);
        EXPECT_GT(stamped.size(), 30U) << "the others go on";
    }
}

TEST(Overtaking, WhoSendsMoreThanItsQuantumQueuesUntilThatIsThrough) {
    Way way;
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(way.send(kBusy, 1000));
    }
    std::size_t ahead = 0;
    while (way.send(kQuiet, 1000)) {
        ++ahead;
    }
    EXPECT_EQ(ahead, 5U) << "the last of them may begin within the quantum";
    static_cast<void>(way.visit(5000));  // those ahead
    EXPECT_FALSE(way.send(kQuiet, 1000)) << "one of its messages waits among the ordinary ones";
    static_cast<void>(way.visit(12000));
    EXPECT_EQ(way.waiting(), 0U);
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(way.send(kBusy, 1000));
    }
    EXPECT_TRUE(way.send(kQuiet, 1000));
}

TEST(Overtaking, ALargeMessageMayGoAheadByItself) {
    Way way;
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(way.send(kBusy, 1000));
    }
    EXPECT_TRUE(way.send(kQuiet, 100000));
    EXPECT_FALSE(way.send(kQuiet, 10));
}

TEST(Overtaking, OrdinaryMessagesDoNotStarveBehindManyQuietClients) {
    Way way;
    constexpr std::size_t kClients = 1000;
    constexpr std::size_t kVisit = 10000;  // less than may go ahead at a time
    std::size_t ordinary_stamped = 0;
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(way.send(kBusy, 1000));
    }
    std::size_t visits = 0;
    for (; ordinary_stamped < 100; ++visits) {
        ASSERT_LT(visits, 1000U);
        for (std::size_t client = 1; client <= kClients; ++client) {
            if (way.may_go_ahead(client)) {
                static_cast<void>(way.send(client, 500));
            }
        }
        for (const Way::Entry& each : way.visit(kVisit)) {
            ordinary_stamped += each.client == kBusy ? 1U : 0U;
        }
    }
    // Of five visits at least one is theirs, but for the last few messages, which nobody overtakes.
    EXPECT_LE(visits, 100U * 5);
}

TEST(Overtaking, KeepsTheOrderOfEachClientsMessagesAndLosesNone) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 luck(seed);
        const auto below = [&](std::size_t bound) { return luck() % bound; };
        Way way;
        std::map<std::size_t, std::uint64_t> last;
        std::size_t sent = 0;
        std::size_t stamped = 0;
        std::size_t overtook = 0;
        const auto take = [&](std::size_t bytes) {
            for (const Way::Entry& each : way.visit(bytes)) {
                ASSERT_EQ(each.number, ++last[each.client]) << "seed " << seed;
                ++stamped;
            }
        };
        for (int i = 0; i < 500; ++i) {
            const std::size_t client = below(6);
            for (std::size_t burst = client == 0 ? 30 : 1 + below(3); burst > 0; --burst) {
                overtook += way.send(client, 1 + below(6000)) ? 1U : 0U;
                ++sent;
            }
            take(below(60000));
        }
        while (way.waiting() > 0) {
            take(60000);
        }
        EXPECT_EQ(stamped, sent);
        EXPECT_GT(overtook, 0U);
    }
}

TEST(Overtaking, OldNewsChangesNothing) {
    Way way;
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(way.send(kBusy, 1000));
    }
    static_cast<void>(way.visit(3000));
    way.overtaking.note({});
    EXPECT_TRUE(way.may_go_ahead(kQuiet));
    static_cast<void>(way.visit(100000));
    EXPECT_FALSE(way.may_go_ahead(kQuiet));
}

// Sessions ------------------------------------------------------------------------------------

class OvertakingSessions : public testing::Test {
  protected:
    void send(protocol::SessionId id, const std::string& user, std::string_view body) {
        daemon.send(id, multicast_bytes({"g"}, body, protocol::kAgreedMess, "#" + user + "#d1"));
    }

    TestDaemon daemon;
    protocol::SessionId busy = daemon.open("busy", false);
    protocol::SessionId quiet = daemon.open("quiet", false);
};

TEST_F(OvertakingSessions, AQuietSessionIsReadAndGoesAheadWhileABusyOneWaits) {
    EXPECT_EQ(daemon.core().reading(quiet), Reading::kRequests);
    for (int i = 0; i < 10; ++i) {
        send(busy, "busy", "much");
    }
    EXPECT_EQ(daemon.core().reading(busy), Reading::kRequests);
    EXPECT_EQ(daemon.core().reading(quiet), Reading::kAhead);
    send(quiet, "quiet", "little");
    EXPECT_TRUE(daemon.ring.back().ahead);
    EXPECT_FALSE(daemon.ring.front().ahead);
}

TEST_F(OvertakingSessions, WhatASessionSendsAfterAJoinStaysBehindTheJoin) {
    for (int i = 0; i < 10; ++i) {
        send(busy, "busy", "much");
    }
    daemon.send(quiet, join_bytes("g", "#quiet#d1"));
    EXPECT_FALSE(daemon.ring.back().ahead);
    send(quiet, "quiet", "little");
    EXPECT_FALSE(daemon.ring.back().ahead);
    daemon.core().begin_turn(1000, {.ordinary = 11});
    for (int i = 0; i < 10; ++i) {
        send(busy, "busy", "more");
    }
    send(quiet, "quiet", "it still waits behind its last one");
    EXPECT_FALSE(daemon.ring.back().ahead);
    daemon.core().begin_turn(1000, {.ordinary = 23});
    for (int i = 0; i < 10; ++i) {
        send(busy, "busy", "more");
    }
    send(quiet, "quiet", "now");
    EXPECT_TRUE(daemon.ring.back().ahead);
}

}  // namespace
}  // namespace spread::session
