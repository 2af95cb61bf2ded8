#include "membership/token_watch.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonId;
using protocol::Duration;
using protocol::Instant;
using protocol::TokenSeq;

class TokenWatchTest : public testing::Test {
  protected:
    TokenWatch watch_{{.retransmit_timeout = 1ms, .loss_timeout = 400ms}};
    Instant now_{1s};
    TokenSeq token_seq_;

    void TearDown() override { watch_.check_invariants(); }

    Duration send(Duration silent_for = {}) {
        protocol::Slice datagram{protocol::BufferRef::allocate(8), 0, 8};
        ++token_seq_.value;
        return watch_.sent(now_, DaemonId{2}, datagram, token_seq_, silent_for) - now_;
    }

    /// A token whose first sign takes so long.
    void pass(Duration took) {
        send();
        now_ += took;
        EXPECT_TRUE(watch_.progress(now_, token_seq_));
    }

    Duration send_again() {
        Instant next;
        EXPECT_NE(watch_.send_again(now_, next), nullptr);
        return next - now_;
    }
};

TEST_F(TokenWatchTest, WaitsABitWhileNothingIsKnown) {
    EXPECT_EQ(send(), 5ms);
}

TEST_F(TokenWatchTest, WaitsForFourRotationsWhereTheseAreLong) {
    watch_.note_rotation(10ms);
    EXPECT_EQ(send(), 40ms);
}

TEST_F(TokenWatchTest, WaitsAsLongAsSignsTakeAndFourDeviations) {
    pass(10ms);
    EXPECT_EQ(watch_.patience(), 30ms) << "half the first time counts as deviation";
    for (int i = 0; i < 100; ++i) {
        pass(10ms);
    }
    EXPECT_GE(watch_.patience(), 10ms);
    EXPECT_LT(watch_.patience(), 11ms);
}

TEST_F(TokenWatchTest, NeverSendsAgainBeforeTheConfiguredTime) {
    for (int i = 0; i < 100; ++i) {
        pass(10us);
    }
    EXPECT_EQ(watch_.patience(), 1ms);
}

TEST_F(TokenWatchTest, SendsAgainWellBeforeTheTokenCountsAsLost) {
    pass(10s);
    EXPECT_EQ(send(), 100ms);
    EXPECT_EQ(send_again(), 100ms);
}

TEST_F(TokenWatchTest, BacksOff) {
    EXPECT_EQ(send(), 5ms);
    EXPECT_EQ(send_again(), 10ms);
    EXPECT_EQ(send_again(), 20ms);
    EXPECT_EQ(send_again(), 40ms);
    EXPECT_TRUE(watch_.progress(now_, token_seq_));
    EXPECT_EQ(send(), 10ms) << "and is more patient with the next token";
    EXPECT_TRUE(watch_.progress(now_, token_seq_));
    now_ += 1ms;
    EXPECT_LT(send(), 10ms) << "until tokens get through at once again";
}

TEST_F(TokenWatchTest, MeasuresNothingByTokensThatWereSentAgain) {
    pass(1ms);
    const Duration before = watch_.patience();
    send();
    send_again();
    now_ += 90ms;
    EXPECT_TRUE(watch_.progress(now_, token_seq_));
    EXPECT_EQ(watch_.patience(), 2 * before) << "only the back-off is left";
}

TEST_F(TokenWatchTest, MeasuresNothingByTokensThatMayRest) {
    pass(1ms);
    const Duration before = watch_.patience();
    EXPECT_EQ(send(50ms), 50ms);
    now_ += 40ms;
    EXPECT_TRUE(watch_.progress(now_, token_seq_));
    EXPECT_EQ(watch_.patience(), before);
}

TEST_F(TokenWatchTest, EarlierTokensAreNoSign) {
    send();
    EXPECT_FALSE(watch_.progress(now_, TokenSeq{token_seq_.value - 1}));
    EXPECT_NE(watch_.watched(), nullptr);
    EXPECT_TRUE(watch_.progress(now_, TokenSeq{token_seq_.value + 5}));
    EXPECT_EQ(watch_.watched(), nullptr);
    Instant next;
    EXPECT_EQ(watch_.send_again(now_, next), nullptr);
}

TEST_F(TokenWatchTest, ANewRingIsMeasuredAnew) {
    pass(20ms);
    watch_.note_rotation(20ms);
    send();
    watch_.begin_ring();
    EXPECT_EQ(watch_.patience(), 5ms);
    EXPECT_NE(watch_.watched(), nullptr) << "the token of its recovery may still get lost";
}

TEST_F(TokenWatchTest, SmoothsRotations) {
    watch_.note_rotation(8ms);
    EXPECT_EQ(watch_.rotation_time(), 8ms);
    watch_.note_rotation(16ms);
    EXPECT_EQ(watch_.rotation_time(), 9ms);
}

}  // namespace
}  // namespace spread::membership
