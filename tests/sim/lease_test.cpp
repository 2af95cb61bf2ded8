#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/sim_cluster.hpp"

// The token of a quiet ring waits where the next message is expected (membership/token_rest.hpp).

namespace spread::sim {
namespace {

using namespace std::chrono_literals;
using protocol::PacketKind;
using protocol::Service;
using testing::IsEmpty;

constexpr Duration kHop = 50us;

/// Four daemons on a network whose every hop takes the same time.
class Lease : public testing::Test {
  protected:
    SimCluster cluster_{4, 41};

    void SetUp() override {
        NetworkFaults faults;
        faults.latency_min = kHop;
        faults.latency_jitter = 0us;
        cluster_.set_faults(faults);
        cluster_.start_all();
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_quiet(); }, 1s));
        cluster_.run_for(100ms);
    }

    void TearDown() override { EXPECT_THAT(cluster_.check(true), IsEmpty()); }

    /// How long it takes until `to` has a message that `from` sends now.
    Duration way(std::size_t from, std::size_t to) {
        const std::size_t before = cluster_.delivered(to).size();
        const auto sent_at = cluster_.now();
        EXPECT_TRUE(cluster_.submit(from, Service::kAgreed, 100));
        while (cluster_.delivered(to).size() == before) {
            cluster_.run_for(kHop / 10);
            if (cluster_.now() - sent_at > 1s) {
                ADD_FAILURE() << "nothing comes from " << from << " to " << to;
                break;
            }
        }
        return cluster_.now() - sent_at;
    }

    /// Messages there and back, each sent as the one before arrives.
    void converse(std::size_t one, std::size_t other, int times) {
        for (int i = 0; i < times; ++i) {
            static_cast<void>(way(one, other));
            static_cast<void>(way(other, one));
        }
    }

    /// A conversation that ends with the token on lease at `holder`, who has nothing to send.
    void lease_to(std::size_t holder) {
        for (int i = 0; i < 20; ++i) {
            converse(0, holder, 5);
            const auto before = stats(0).tokens_leased;
            static_cast<void>(way(0, holder));
            if (stats(0).tokens_leased > before) {  // else a round was due
                return;
            }
        }
        FAIL() << "no lease";
    }

    [[nodiscard]] const membership::RingStats& stats(std::size_t daemon) const {
        return cluster_.engine(daemon).stats();
    }

    /// Everything that was sent is everywhere, and the ring is still the same.
    void expect_peace(const protocol::RingId& ring) {
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_quiet(); }, 1s));
        EXPECT_EQ(cluster_.engine(0).ring_id(), ring);
    }
};

TEST_F(Lease, SavesAskingForTheToken) {
    EXPECT_EQ(way(2, 0), 3 * kHop) << "asks, gets the token, and sends";
    converse(0, 2, 10);
    EXPECT_GT(stats(0).tokens_leased, 4U);
    EXPECT_EQ(stats(0).leases_recalled, 0U);
    static_cast<void>(way(0, 2));
    EXPECT_EQ(way(2, 0), kHop);
}

TEST_F(Lease, IsGivenToOthersThanTheRepresentativesPartners) {
    converse(1, 3, 10);
    EXPECT_GT(stats(0).tokens_leased, 10U);
    cluster_.run_for(2 * kHop);
    EXPECT_EQ(way(1, 3), kHop);
}

TEST_F(Lease, StaysWithAnOnlySender) {
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(way(2, 0));
        cluster_.run_for(500us);
    }
    EXPECT_GT(stats(0).tokens_leased, 4U);
    EXPECT_EQ(way(2, 0), kHop);
}

TEST_F(Lease, IsNotGivenForWhatHappensNowAndThen) {
    for (int i = 0; i < 20; ++i) {
        static_cast<void>(way(0, 2));
        static_cast<void>(way(2, 0));
        cluster_.run_for(10ms);
        static_cast<void>(way(3, 0));
        cluster_.run_for(10ms);
    }
    // What follows at once is found, what comes after a pause is not waited for.
    EXPECT_LE(stats(0).tokens_leased, 20U);
    EXPECT_EQ(way(3, 0), 3 * kHop);
}

TEST_F(Lease, IsAskedBackByARingThatWantsTheToken) {
    for (const std::size_t other : {0U, 1U, 3U}) {
        const auto ring = cluster_.engine(0).ring_id();
        lease_to(2);
        const auto recalled = stats(0).leases_recalled;
        // To the lease and back, and for a third daemon the way to ask and the grant.
        EXPECT_LE(way(other, 2), (other == 0 ? 3 : 5) * kHop);
        EXPECT_EQ(stats(0).leases_recalled, recalled + 1);
        expect_peace(ring);
    }
}

TEST_F(Lease, EndsByItselfWhenNothingComes) {
    lease_to(2);
    const auto visits = stats(3).tokens_received;
    const auto recalled = stats(0).leases_recalled;
    cluster_.run_for(4ms);
    EXPECT_EQ(stats(0).leases_recalled, recalled + 1);
    EXPECT_GT(stats(3).tokens_received, visits) << "the token has gone round";
    cluster_.run_for(1s);
    const auto before = cluster_.packets_sent();
    cluster_.run_for(1s);
    EXPECT_LE(cluster_.packets_sent() - before, 125U) << "the ring is as idle as without leases";
}

TEST_F(Lease, ThatRestsIsNotTakenForLost) {
    const auto again = stats(0).tokens_retransmitted;
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(way(0, 2));
        cluster_.run_for(2ms);
        static_cast<void>(way(2, 0));
        cluster_.run_for(200us);
    }
    EXPECT_GT(stats(0).tokens_leased, 50U);
    EXPECT_EQ(stats(0).tokens_retransmitted, again);
    // Nor does the waiting make it slow to notice what is lost.
    cluster_.drop_next(1, [](PacketKind kind, std::size_t sender, auto) {
        return kind == PacketKind::kToken && sender == 0;
    });
    cluster_.run_for(20ms);
    EXPECT_LE(way(1, 2), 3 * kHop);
}

TEST_F(Lease, ThatGetsLostIsMissedWhenItsHolderAsksTwice) {
    const auto ring = cluster_.engine(0).ring_id();
    lease_to(2);
    cluster_.run_for(20ms);
    const auto leased = stats(0).tokens_leased;
    const auto recalled = stats(0).leases_recalled;
    cluster_.drop_next(1, [](PacketKind kind, std::size_t sender, std::size_t to) {
        return kind == PacketKind::kToken && sender == 0 && to == 2;
    });
    static_cast<void>(way(0, 1));  // with the lease for the third daemon, which loses it
    EXPECT_EQ(stats(0).tokens_leased, leased + 1);
    EXPECT_LE(way(2, 0), 2500us);
    EXPECT_EQ(stats(0).leases_recalled, recalled + 1);
    expect_peace(ring);
}

TEST_F(Lease, MayGetLostOnAnyWay) {
    const auto ring = cluster_.engine(0).ring_id();
    // The lease itself, the request to give it back, the token that comes back.
    for (int lost = 0; lost < 30; ++lost) {
        lease_to(2);
        const std::size_t from = lost % 2 == 0 ? 0 : 2;
        cluster_.drop_next(1 + static_cast<std::size_t>(lost) % 3,
                           [from](PacketKind kind, std::size_t sender, auto) {
                               return kind == PacketKind::kToken && sender == from;
                           });
        ASSERT_TRUE(cluster_.submit(static_cast<std::size_t>(lost) % 4, Service::kAgreed, 100));
        ASSERT_TRUE(cluster_.submit(2, Service::kSafe, 100));
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_quiet(); }, 300ms)) << lost;
    }
    expect_peace(ring);
    EXPECT_GT(stats(0).tokens_leased, 100U);
}

TEST_F(Lease, ItsHolderMayCrash) {
    lease_to(2);
    cluster_.crash(2);
    ASSERT_TRUE(cluster_.submit(1, Service::kAgreed, 100));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_stable(); }, 2s));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_quiet(); }, 1s));
}

TEST_F(Lease, ItsGiverMayCrash) {
    lease_to(2);
    cluster_.crash(0);
    cluster_.run_for(1ms);
    ASSERT_TRUE(cluster_.submit(2, Service::kAgreed, 100));
    ASSERT_TRUE(cluster_.submit(1, Service::kSafe, 100));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_stable(); }, 2s));
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_quiet(); }, 1s));
}

TEST_F(Lease, ItsHolderMayStandStill) {
    lease_to(2);
    cluster_.pause(2, true);
    ASSERT_TRUE(cluster_.submit(0, Service::kAgreed, 100));
    cluster_.run_for(30ms);
    cluster_.pause(2, false);
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.is_quiet(); }, 1s));
}

/// A second copy of a lease, or of the request to give it back, comes long after both are over.
TEST_F(Lease, LateCopiesChangeNothing) {
    const auto ring = cluster_.engine(0).ring_id();
    converse(1, 2, 10);
    static_cast<void>(way(1, 2));
    cluster_.run_for(2 * kHop);
    const auto lease = cluster_.last_sent(0, PacketKind::kToken);
    const auto leased = protocol::decode_token(lease.bytes());
    ASSERT_TRUE(leased);
    ASSERT_TRUE(leased->lease);
    static_cast<void>(way(3, 2));
    const auto grant = cluster_.last_sent(0, PacketKind::kToken);
    for (int i = 0; i < 5; ++i) {
        for (std::size_t daemon = 1; daemon < 4; ++daemon) {
            cluster_.deliver_to(daemon, lease);
            cluster_.deliver_to(daemon, grant);
        }
        static_cast<void>(way(static_cast<std::size_t>(i) % 4, 2));
    }
    expect_peace(ring);
}

}  // namespace
}  // namespace spread::sim
