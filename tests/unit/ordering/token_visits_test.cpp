#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "messages.hpp"
#include "ordering/ring_order.hpp"

namespace spread::ordering {
namespace {

using namespace std::chrono_literals;
using protocol::BufferPool;
using protocol::DaemonId;
using protocol::DataBuilder;
using protocol::MessageKind;
using protocol::Seq;
using protocol::SeqRange;
using protocol::Service;
using protocol::Slice;
using protocol::Token;
using protocol::TokenSeq;
using testing::ElementsAre;
using testing::IsEmpty;

class TokenVisits : public testing::Test {
  protected:
    using Turn = RingOrder::Turn;

    TokenVisits() {
        config_.self = kMe;
        config_.gap_max = 100;
        config_.windows.personal_window = 10;
    }

    Token token(std::uint64_t token_seq, std::uint64_t seq, std::uint64_t aru,
                DaemonId aru_id = {}) const {
        Token token;
        token.ring_id = kRing;
        token.token_seq = TokenSeq{token_seq};
        token.seq = Seq{seq};
        token.aru = Seq{aru};
        token.aru_id = aru_id;
        return token;
    }
    void receive(RingOrder& order, std::uint64_t seq, std::uint64_t visit = 1) {
        DataBuilder builder(pool_.acquire(), 300);
        static_cast<void>(
            builder.add_entry(4, true, true, Service::kAgreed, MessageKind::kClientFrame));
        const Slice packet = builder.finish({protocol::PacketKind::kData, 0, kOther, kRing},
                                            Seq{seq}, TokenSeq{visit});
        const auto data = protocol::decode_data(packet.bytes());
        ASSERT_TRUE(data);
        order.on_data(*data, kOther, packet);
    }

    OrderConfig config_;
    BufferPool pool_{1500, 1000};
    SendQueue queue_{1000, 1000000};
    TokenVisit visit_;
};

TEST_F(TokenVisits, StampsInOrderAndRaisesAruWithTheOwnPackets) {
    RingOrder order(config_, kRing);
    queue_.push(message(3000));
    Token t = token(1, 0, 0);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(visit_.before_token.size(), 3U);
    EXPECT_THAT(visit_.after_token, IsEmpty());
    EXPECT_EQ(t.seq, Seq{3});
    EXPECT_EQ(t.aru, Seq{3});
    EXPECT_EQ(t.token_seq, TokenSeq{2});
    EXPECT_FALSE(order.is_new(token(1, 3, 3)));
}

TEST_F(TokenVisits, NumbersPass32Bits) {
    constexpr std::uint64_t kPass = std::uint64_t{1} << 32U;
    config_.before_first = Seq{kPass - 2};
    RingOrder order(config_, kRing);
    receive(order, kPass - 1);
    receive(order, kPass + 1);
    Token t = token(1, kPass + 1, kPass - 2);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(order.window().my_aru(), Seq{kPass - 1});
    EXPECT_THAT(t.rtr, ElementsAre(SeqRange{Seq{kPass}, 1}));
    receive(order, kPass);
    EXPECT_EQ(order.window().my_aru(), Seq{kPass + 1});
    std::size_t delivered = 0;
    order.deliver(100, [&](Delivery&& delivery) {
        ++delivered;
        EXPECT_EQ(delivery.seq, (Seq{kPass - 2 + delivered}));
    });
    EXPECT_EQ(delivered, 3U);
}

TEST_F(TokenVisits, WhatHadToBeAskedForWasLost) {
    RingOrder order(config_, kRing);
    receive(order, 1);
    receive(order, 3);
    EXPECT_FALSE(order.was_lost(Seq{2})) << "it may only be late";
    Token t = token(1, 3, 0);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_TRUE(order.was_lost(Seq{2}));
    EXPECT_FALSE(order.was_lost(Seq{4}));
}

TEST_F(TokenVisits, AnAcceleratedTokenGoesBeforeTheLastPackets) {
    config_.accelerated_window = 2;
    RingOrder order(config_, kRing);
    queue_.push(message(5000));
    Token t = token(1, 0, 0);
    order.on_token(t, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_EQ(visit_.before_token.size(), 2U);
    EXPECT_EQ(visit_.after_token.size(), 2U);
    EXPECT_EQ(t.seq, Seq{4});
}

TEST_F(TokenVisits, AnAcceleratedRingAsksOnlyForThePreviousRound) {
    RingOrder order(config_, kRing);
    Token first = token(1, 5, 0);
    order.on_token(first, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_THAT(first.rtr, IsEmpty());  // they may still be on their way
    Token second = token(4, 8, 0, kMe);
    order.on_token(second, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_THAT(second.rtr, ElementsAre(SeqRange{Seq{1}, 5}));
    RingOrder original(config_, kRing);
    Token third = token(1, 5, 0);
    original.on_token(third, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_THAT(third.rtr, ElementsAre(SeqRange{Seq{1}, 5}));
}

TEST_F(TokenVisits, OnALongAcceleratedRingOnlyThePredecessorsPacketsAreWaitedFor) {
    RingOrder order(config_, kRing);
    receive(order, 3, 4);
    receive(order, 6, 5);
    receive(order, 8, 5);
    Token first = token(6, 9, 0);  // visit 5 was our predecessor's
    order.on_rotation(first, 30ms, false);
    order.on_token(first, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_THAT(first.rtr, ElementsAre(SeqRange{Seq{1}, 2}));
    EXPECT_EQ(visit_.lost, 2U);
    // Nothing of the predecessor's has come, so all that has is older.
    receive(order, 1, 4);
    Token second = token(9, 12, 1, kMe);
    order.on_token(second, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_THAT(second.rtr, ElementsAre(SeqRange{Seq{2}, 1}, SeqRange{Seq{4}, 2},
                                        SeqRange{Seq{7}, 1}, SeqRange{Seq{9}, 1}));
}

TEST_F(TokenVisits, ATokenThatDoesNotKnowOfAPacketIsNotOfThisRing) {
    RingOrder order(config_, kRing);
    receive(order, 3);
    EXPECT_FALSE(order.accepts(token(2, 2, 0)));
    EXPECT_TRUE(order.accepts(token(2, 3, 0)));
    EXPECT_FALSE(order.accepts(token(2, order.window().end().value, 0)));
    EXPECT_FALSE(order.accepts(token(~std::uint64_t{0}, 3, 0)));
}

TEST_F(TokenVisits, APacketBeyondTheTokenDoesNotRaiseItsAru) {
    RingOrder order(config_, kRing);
    Token t = token(1, 0, 0);
    receive(order, 1);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(t.aru, Seq{0});
    order.check_invariants();
}

TEST_F(TokenVisits, WhoGetsNothingOfWhatItAsksForAsksForLess) {
    RingOrder order(config_, kRing);
    std::vector<std::uint32_t> asked;
    for (std::uint64_t visit = 0; visit < 8; ++visit) {
        Token t = token(1 + 3 * visit, 80, 0, kMe);
        order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
        asked.push_back(visit_.requested);
        EXPECT_EQ(visit_.lost, visit == 0 ? 80U : 0U);
        EXPECT_EQ(t.rtr.front().first, Seq{1});
    }
    EXPECT_THAT(asked, ElementsAre(80U, 40U, 20U, 10U, 5U, 2U, 1U, 1U));
    receive(order, 1);  // the way is free again
    Token t = token(100, 80, 0, kMe);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(visit_.requested, 79U);
}

TEST_F(TokenVisits, AnswersRequestsOnceAndLeavesTheRest) {
    RingOrder order(config_, kRing);
    for (const std::uint64_t seq : {1U, 2U, 4U}) {
        receive(order, seq);
    }
    Token t = token(1, 5, 0, kOther);
    t.rtr = {{Seq{1}, 4}};
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(visit_.retransmitted, 3U);
    // 3 nobody answered yet, 5 is ours to ask for.
    EXPECT_THAT(t.rtr, ElementsAre(SeqRange{Seq{3}, 1}, SeqRange{Seq{5}, 1}));
}

TEST_F(TokenVisits, LowersAruToWhatItHasAndRaisesOnlyItsOwn) {
    RingOrder order(config_, kRing);
    receive(order, 1);
    Token t = token(1, 5, 5);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(t.aru, Seq{1});
    EXPECT_EQ(t.aru_id, kMe);
    // Somebody else lowered it further: not ours to raise.
    receive(order, 2);
    Token lower = token(4, 5, 0, kOther);
    order.on_token(lower, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(lower.aru, Seq{0});
    EXPECT_EQ(lower.aru_id, kOther);
    Token ours = token(7, 5, 1, kMe);
    order.on_token(ours, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(ours.aru, Seq{2});
}

TEST_F(TokenVisits, AVisitOutOfTurnStampsButMovesNeitherAruNorSafeLine) {
    RingOrder order(config_, kRing);
    queue_.push(message(10));
    Token t = token(1, 0, 0);
    order.on_token(t, queue_, pool_, Turn::kOutOfTurn, visit_);
    EXPECT_EQ(visit_.before_token.size(), 1U);
    EXPECT_EQ(t.seq, Seq{1});
    EXPECT_EQ(t.aru, Seq{0});
    EXPECT_EQ(t.token_seq, TokenSeq{2});
    // The first visit in turn raises the aru, and only the second one after it the safe line.
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(t.aru, Seq{1});
    for (int i = 0; i < 5; ++i) {
        order.on_token(t, queue_, pool_, Turn::kOutOfTurn, visit_);
    }
    EXPECT_EQ(order.safe_up_to(), Seq{0});
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(order.safe_up_to(), Seq{1});
}

TEST_F(TokenVisits, AVisitOutOfTurnLowersNoAruEither) {
    // It would be the one to raise it again, at a visit that others have not had in between.
    RingOrder order(config_, kRing);
    Token t = token(1, 5, 5);
    order.on_token(t, queue_, pool_, Turn::kOutOfTurn, visit_);
    EXPECT_EQ(t.aru, Seq{5});
    EXPECT_EQ(t.aru_id, DaemonId{});
    // Of an original ring: there the token comes behind all packets.
    EXPECT_THAT(t.rtr, ElementsAre(SeqRange{Seq{1}, 5}));
}

TEST_F(TokenVisits, AVisitOutOfTurnDoesNotMissWhatMayStillWaitUnread) {
    config_.accelerated_window = 2;
    RingOrder order(config_, kRing);
    Token first = token(1, 3, 0, kOther);
    order.on_token(first, queue_, pool_, Turn::kOutOfTurn, visit_);
    EXPECT_THAT(first.rtr, IsEmpty());
    Token in_turn = token(4, 3, 0, kOther);
    order.on_token(in_turn, queue_, pool_, Turn::kAccelerated, visit_);
    Token later = token(7, 9, 0, kOther);
    order.on_token(later, queue_, pool_, Turn::kOutOfTurn, visit_);
    EXPECT_THAT(later.rtr, ElementsAre(SeqRange{Seq{1}, 3}));
}

TEST_F(TokenVisits, VisitsOutOfTurnShareTheWindowOfOneRound) {
    RingOrder order(config_, kRing);
    for (int i = 0; i < 50; ++i) {
        queue_.push(message(1300));
    }
    Token t = token(1, 0, 0);
    order.on_token(t, queue_, pool_, Turn::kOutOfTurn, visit_);
    EXPECT_EQ(visit_.stamped, 10U);
    order.on_token(t, queue_, pool_, Turn::kOutOfTurn, visit_);
    EXPECT_EQ(visit_.stamped, 1U);  // who waits may always send one
    EXPECT_EQ(t.fcc, 11U);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(visit_.stamped, 10U);
    EXPECT_EQ(t.fcc, 10U);
}

TEST_F(TokenVisits, NobodyRunsMoreThanAGapAhead) {
    config_.windows = {.window = 1000, .personal_window = 1000, .window_max = 1000};
    RingOrder order(config_, kRing);
    for (int i = 0; i < 400; ++i) {
        queue_.push(message(1300));
    }
    Token t = token(1, 0, 0, kOther);
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(t.seq, Seq{100});
    Token again = token(4, 100, 0, kOther);
    order.on_token(again, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(again.seq, Seq{100});
    Token others_did = token(7, 150, 0, kOther);
    order.on_token(others_did, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(others_did.seq, Seq{150});
}

TEST_F(TokenVisits, ARequestThatItCannotAnswerTravelsOn) {
    RingOrder order(config_, kRing);
    Token t = token(1, 5, 0, kOther);
    t.rtr = {{Seq{4}, 2}};
    order.on_token(t, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_EQ(visit_.requested, 0U) << "for us they may still be on their way";
    EXPECT_THAT(t.rtr, ElementsAre(SeqRange{Seq{4}, 2}));
}

TEST_F(TokenVisits, RequestsOfAllTravelOnInOrderOnce) {
    RingOrder order(config_, kRing);
    receive(order, 1);
    receive(order, 3);
    Token t = token(1, 6, 0, kOther);
    t.rtr = {{Seq{5}, 2}};
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_THAT(t.rtr, ElementsAre(SeqRange{Seq{2}, 1}, SeqRange{Seq{4}, 3}));
}

TEST_F(TokenVisits, WhatItSendsAgainCountsAsSent) {
    RingOrder order(config_, kRing);
    receive(order, 1);
    queue_.push(message(100));
    Token t = token(1, 1, 0, kOther);
    t.rtr = {{Seq{1}, 1}};
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(visit_.retransmitted, 1U);
    EXPECT_EQ(visit_.stamped, 1U);
    EXPECT_EQ(t.fcc, 2U);
}

TEST_F(TokenVisits, ARequestForWhatIsReleasedIsForgotten) {
    RingOrder order(config_, kRing);
    for (std::uint64_t seq = 1; seq <= 4; ++seq) {
        receive(order, seq);
    }
    for (const std::uint64_t visit : {std::uint64_t{1}, std::uint64_t{3}}) {
        Token t = token(visit, 4, 3, kOther);
        order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
        order.deliver(100, [](Delivery&&) {});
    }
    ASSERT_EQ(order.window().base(), Seq{4});
    Token t = token(5, 4, 3, kOther);
    t.rtr = {{Seq{1}, 2}};
    order.on_token(t, queue_, pool_, Turn::kInTurn, visit_);
    EXPECT_EQ(visit_.retransmitted, 0U);
    EXPECT_THAT(t.rtr, IsEmpty());
}

TEST_F(TokenVisits, ARequestForWhatEverybodyHadDoesNotSpin) {
    RingOrder order(config_, kRing);
    receive(order, 1);
    Token t = token(1, 0xffffffffULL, 1, kOther);
    t.rtr = {{Seq{1}, 0xfffffffeU}};
    order.on_token(t, queue_, pool_, Turn::kAccelerated, visit_);
    EXPECT_EQ(visit_.retransmitted, 1U);
}

}  // namespace
}  // namespace spread::ordering
