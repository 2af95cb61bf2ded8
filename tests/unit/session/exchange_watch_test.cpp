#include "daemon/session/exchange_watch.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using membership::PendingExchange;
using protocol::DaemonId;
using protocol::Instant;

class ExchangeWatchTest : public testing::Test {
  protected:
    /// The exchange of ring number `ring` of which `parts` have come.
    static PendingExchange pending(std::uint64_t ring, std::uint64_t parts) {
        return {{DaemonId{1}, 7, ring}, {DaemonId{3}}, parts};
    }

    ExchangeWatch watch_{10s};
};

TEST_F(ExchangeWatchTest, HasNothingToDoWithoutAnExchange) {
    watch_.look(Instant{1s}, std::nullopt);
    EXPECT_EQ(watch_.deadline(), std::nullopt);
    EXPECT_EQ(watch_.overdue(Instant{1h}), std::nullopt);
}

TEST_F(ExchangeWatchTest, NamesOneThatStandsStill) {
    watch_.look(Instant{1s}, pending(5, 2));
    EXPECT_EQ(watch_.deadline(), Instant{11s});
    watch_.look(Instant{8s}, pending(5, 2));
    EXPECT_EQ(watch_.overdue(Instant{11s} - 1ns), std::nullopt);
    EXPECT_EQ(watch_.overdue(Instant{11s}), pending(5, 2));
    EXPECT_EQ(watch_.deadline(), Instant{21s}) << "and again, if that has not helped";
}

TEST_F(ExchangeWatchTest, EveryPartAndEveryRingBeginsAnew) {
    watch_.look(Instant{1s}, pending(5, 2));
    watch_.look(Instant{9s}, pending(5, 3));
    EXPECT_EQ(watch_.deadline(), Instant{19s});
    watch_.look(Instant{12s}, pending(6, 3));
    EXPECT_EQ(watch_.deadline(), Instant{22s});
    watch_.look(Instant{13s}, std::nullopt);
    EXPECT_EQ(watch_.deadline(), std::nullopt) << "it has ended";
}

}  // namespace
}  // namespace spread::session
