#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ordering/delivery_cursor.hpp"
#include "ordering/delivery_gate.hpp"
#include "ordering/flow_control.hpp"
#include "ordering/packer.hpp"
#include "ordering/receive_window.hpp"
#include "ordering/ring_order.hpp"
#include "ordering/send_queue.hpp"

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

const protocol::RingId kRing{DaemonId{1}, 2, 3};
constexpr DaemonId kMe{1};
constexpr DaemonId kOther{2};

Submission message(std::size_t bytes, Service service = Service::kAgreed, bool control = false) {
    Submission submission;
    submission.service = service;
    submission.control = control;
    std::vector<std::byte> body(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        body[i] = static_cast<std::byte>(i * 7 + bytes);
    }
    submission.body = protocol::make_message(body);
    return submission;
}

std::vector<std::byte> bytes_of(const protocol::Message& body) {
    std::vector<std::byte> out(body.size());
    body.copy_to(out);
    return out;
}

/// Stamps everything in `queue` into packets of `sender`, numbered from `next`.
std::vector<Slice> stamp(SendQueue& queue, BufferPool& pool, DaemonId sender, Seq& next,
                         std::size_t bytes_max = 300) {
    std::vector<Slice> packets;
    while (queue.current() != nullptr) {
        DataBuilder builder(pool.acquire(), bytes_max);
        fill_packet(queue, builder);
        packets.push_back(
            builder.finish({protocol::PacketKind::kData, 0, sender, kRing}, next, TokenSeq{1}));
        ++next;
    }
    return packets;
}

TEST(DeliveryGate, OneTokenVisitIsNotEnoughForSafe) {
    DeliveryGate gate;
    gate.on_token_visit(Seq{10});
    EXPECT_EQ(gate.safe_up_to(), Seq{0});
    gate.on_token_visit(Seq{10});
    EXPECT_EQ(gate.safe_up_to(), Seq{10});
}

TEST(DeliveryGate, ALoweredAruHoldsTheLineBack) {
    DeliveryGate gate;
    gate.on_token_visit(Seq{10});
    gate.on_token_visit(Seq{4});
    EXPECT_EQ(gate.safe_up_to(), Seq{4});
    gate.on_token_visit(Seq{3});
    EXPECT_EQ(gate.safe_up_to(), Seq{4});  // never goes back
}

TEST(ReceiveWindow, AdvancesOverContiguousPacketsOnly) {
    BufferPool pool(64, 20);
    ReceiveWindow window(16);
    const auto insert = [&](std::uint64_t seq) {
        return window.insert(Seq{seq}, kOther, Slice{pool.acquire(), 0, 1});
    };
    EXPECT_EQ(insert(1), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(insert(3), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(insert(4), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(insert(9), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(insert(3), ReceiveWindow::Insert::kDuplicate);
    EXPECT_EQ(insert(17), ReceiveWindow::Insert::kOutOfRange);
    EXPECT_EQ(window.my_aru(), Seq{1});
    std::vector<SeqRange> missing;
    window.append_missing(Seq{12}, 10, missing);
    EXPECT_THAT(missing,
                ElementsAre(SeqRange{Seq{2}, 1}, SeqRange{Seq{5}, 4}, SeqRange{Seq{10}, 3}));
    EXPECT_THAT(window.held_beyond_aru(10), ElementsAre(SeqRange{Seq{3}, 2}, SeqRange{Seq{9}, 1}));
    EXPECT_THAT(window.held_beyond_aru(1), ElementsAre(SeqRange{Seq{3}, 2}));
    EXPECT_EQ(insert(2), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(window.my_aru(), Seq{4});
    window.release_up_to(Seq{4});
    EXPECT_EQ(insert(4), ReceiveWindow::Insert::kDuplicate);
    EXPECT_EQ(insert(17), ReceiveWindow::Insert::kNew);  // room again
    EXPECT_EQ(pool.blocks_in_use(), 2U);                 // 9 and 17
}

TEST(ReceiveWindow, GrowsWithUseUpToItsCapacity) {
    BufferPool pool(1500, 10);
    ReceiveWindow window(20000);
    const auto packet = [&] { return Slice{pool.acquire(), 0, 10}; };
    EXPECT_EQ(window.insert(Seq{3}, kMe, packet()), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(window.insert(Seq{20000}, kOther, packet()), ReceiveWindow::Insert::kNew);
    EXPECT_EQ(window.insert(Seq{40000}, kOther, packet()), ReceiveWindow::Insert::kOutOfRange);
    EXPECT_EQ(window.insert(Seq{3}, kMe, packet()), ReceiveWindow::Insert::kDuplicate);
    EXPECT_EQ(window.high(), Seq{20000});
    ASSERT_NE(window.find(Seq{3}), nullptr);
    EXPECT_EQ(window.find(Seq{3})->sender, kMe);
    EXPECT_EQ(window.find(Seq{4}), nullptr);
    ASSERT_NE(window.find(Seq{20000}), nullptr);
    EXPECT_EQ(window.find(Seq{20000})->sender, kOther);
    EXPECT_EQ(window.end(), Seq{1 + 32768});
}

WindowConfig fixed_windows(std::uint32_t window, std::uint32_t personal) {
    return {.window = window, .personal_window = personal, .window_max = window};
}

TEST(FlowControl, NobodyExceedsThePersonalWindowNorAllTheWindow) {
    FlowControl flow(fixed_windows(100, 40));
    Token token;
    EXPECT_EQ(flow.allowance(token, 1000), 40U);
    token.fcc = 80;
    EXPECT_EQ(flow.allowance(token, 1000), 20U);
    token.fcc = 200;
    EXPECT_EQ(flow.allowance(token, 0), 0U);
    EXPECT_EQ(flow.allowance(token, 1000), 1U);  // the others must not use up the window for ever
}

TEST(FlowControl, CountsItsOwnPartOnce) {
    FlowControl flow(fixed_windows(100, 40));
    Token token;
    flow.settle(token, 30, 5);
    EXPECT_EQ(token.fcc, 30U);
    EXPECT_EQ(token.backlog, 5U);
    EXPECT_EQ(flow.allowance(token, 0), 40U);  // our own 30 do not limit us
    flow.settle(token, 10, 0);
    EXPECT_EQ(token.fcc, 10U);
    EXPECT_EQ(token.backlog, 0U);
}

TEST(FlowControl, BusyMembersShareTheWindow) {
    FlowControl flow(fixed_windows(100, 80));
    Token token;
    token.backlog = 900;
    EXPECT_EQ(flow.allowance(token, 100), 10U);
    EXPECT_EQ(flow.allowance(token, 1), 1U);  // never starved
}

TEST(Packer, PacketsOfABurstAreEqualInSize) {
    BufferPool pool(1452, 400);
    std::size_t packed = 0;
    std::size_t runs_ended = 0;
    for (std::size_t bytes = 1; bytes < 3000; bytes += 1 + bytes / 40) {
        SendQueue queue(1000, 1U << 20U);
        for (int i = 0; i < 100; ++i) {
            queue.push(message(bytes));
        }
        Seq next{1};
        const std::vector<Slice> packets = stamp(queue, pool, kMe, next, 1452);
        for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
            EXPECT_GE(packets[i].length, 1452 - protocol::kEntryHeaderBytes) << bytes;
            runs_ended += packets[i].length < packets[i + 1].length ? 1U : 0U;
        }
        packed += packets.size();
    }
    // A packet is shorter when a message happens to end just before its end.
    EXPECT_LT(runs_ended, packed / 20) << packed;
}

/// The representative's side of a ring under load: what the token shows after each rotation.
class SizingWindows : public testing::Test {
  protected:
    SizingWindows() { token_.window_limit = 0; }

    /// A rotation of `took` with work left, the whole window sent and `lost` of it missing.
    std::uint32_t rotate(std::chrono::microseconds took, std::uint32_t lost = 0,
                         std::uint32_t backlog = 1000) {
        token_.fcc = token_.window == 0 ? config_.window : token_.window;
        token_.lost = lost;
        token_.backlog = backlog;
        flow_.on_rotation(token_, took);
        flow_.size_window(token_, took);
        token_.window_limit = std::min(token_.window_limit, others_room_);
        return token_.window;
    }
    std::uint32_t after(int rotations, std::chrono::microseconds took, std::uint32_t loss_percent) {
        for (int i = 0; i < rotations; ++i) {
            rotate(took, token_.window * loss_percent / 100);
        }
        return token_.window;
    }

    WindowConfig config_{
        .window = 200, .personal_window = 50, .window_max = 2000, .receive_room = 5000};
    FlowControl flow_{config_};
    std::uint32_t others_room_ = 5000;
    Token token_;
};

TEST_F(SizingWindows, TheyGrowWhileDelayIsMostOfARotation) {
    EXPECT_EQ(rotate(30ms), 250U);
    EXPECT_EQ(after(30, 31ms, 0), 2000U);
    token_.fcc = token_.backlog = 0;
    EXPECT_EQ(flow_.allowance(token_, 5000), 500U);  // the personal window with them
}

TEST_F(SizingWindows, TheyStayWhereWorkIsMostOfARotation) {
    rotate(150us, 0, 0);  // little to do: what the network takes
    EXPECT_EQ(after(50, 3000us, 0), 200U);
}

TEST_F(SizingWindows, TheyFollowARouteThatHasBecomeLonger) {
    rotate(150us, 0, 0);
    EXPECT_EQ(after(50, 30ms, 0), 200U);  // it could be work
    Token light;
    for (int i = 0; i < 100; ++i) {
        flow_.on_rotation(light, 30ms);
    }
    EXPECT_EQ(after(50, 31ms, 0), 2000U);
}

TEST_F(SizingWindows, TheyStayWhereNothingIsLeftWaiting) {
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(rotate(30ms, 0, 0), 200U);
    }
}

TEST_F(SizingWindows, RandomLossDoesNotShrinkThem) {
    EXPECT_EQ(after(50, 30ms, 2), 2000U);
    EXPECT_EQ(after(200, 30ms, 10), 2000U);
}

TEST_F(SizingWindows, OverflowShrinksThemAndItsEndLetsThemGrowAgain) {
    after(50, 30ms, 0);
    // A buffer on the way takes 600 packets.
    for (int i = 0; i < 100; ++i) {
        rotate(30ms, token_.window > 600 ? token_.window - 600 : 0);
    }
    EXPECT_LE(token_.window, 800U);
    EXPECT_GE(token_.window, 400U);
    // Hosts that cannot take even the first window, though the network is fast.
    rotate(100us, 0, 0);
    for (int i = 0; i < 100; ++i) {
        rotate(5ms, token_.window > 60 ? token_.window - 60 : 0);
    }
    EXPECT_LE(token_.window, 80U);
    EXPECT_GE(token_.window, 32U);
    EXPECT_GE(after(50, 5ms, 0), 200U);
}

TEST_F(SizingWindows, TheSmallestReceiveBufferOfTheRingLimitsThem) {
    others_room_ = 300;
    EXPECT_EQ(after(50, 30ms, 0), 300U);
    FlowControl member(WindowConfig{
        .window = 200, .personal_window = 50, .window_max = 2000, .receive_room = 120});
    EXPECT_EQ(member.window(), 120U);
    member.report(token_, 7);
    EXPECT_EQ(token_.window_limit, 120U);
    EXPECT_EQ(token_.lost, 7U);
    EXPECT_EQ(rotate(30ms), 120U);
}

TEST_F(SizingWindows, AFileThatSetsThemFixesThem) {
    FlowControl fixed(fixed_windows(160, 20));
    token_.window = 1000;
    fixed.take_window(token_);
    EXPECT_EQ(fixed.window(), 160U);
    EXPECT_EQ(fixed.allowance(token_, 100000), 20U);
    fixed.on_rotation(token_, 30ms);
    fixed.size_window(token_, 30ms);
    EXPECT_EQ(token_.window, 0U);  // the others use their own
}

TEST_F(SizingWindows, AForgedTokenCannotMakeThemLargerThanAllowed) {
    token_.window = 0xffffffff;
    flow_.take_window(token_);
    EXPECT_EQ(flow_.window(), 2000U);
}

TEST(SendQueue, ControlGoesFirstAndIsNotHeldBack) {
    SendQueue queue(10, 10000);
    queue.pause();
    queue.push(message(10));
    EXPECT_EQ(queue.current(), nullptr);
    EXPECT_FALSE(queue.has_sendable());
    queue.push(message(20, Service::kAgreed, true));
    ASSERT_NE(queue.current(), nullptr);
    EXPECT_EQ(queue.current()->body.size(), 20U);
    queue.advance(20);
    EXPECT_EQ(queue.current(), nullptr);
    queue.resume();
    ASSERT_NE(queue.current(), nullptr);
    EXPECT_EQ(queue.current()->body.size(), 10U);
}

TEST(SendQueue, AStartedMessageIsFinishedBeforeControl) {
    SendQueue queue(10, 10000);
    queue.push(message(100));
    queue.advance(30);
    queue.push(message(20, Service::kAgreed, true));
    EXPECT_EQ(queue.current()->body.size(), 100U);
    EXPECT_EQ(queue.offset(), 30U);
    queue.rewind();  // the ring broke: now control is first, and the message starts over
    EXPECT_EQ(queue.current()->body.size(), 20U);
    queue.advance(20);
    EXPECT_EQ(queue.current()->body.size(), 100U);
    EXPECT_EQ(queue.offset(), 0U);
}

TEST(SendQueue, IsBoundedByMessagesAndBytes) {
    SendQueue by_count(2, 10000);
    by_count.push(message(1));
    EXPECT_TRUE(by_count.has_room());
    by_count.push(message(1));
    EXPECT_FALSE(by_count.has_room());
    SendQueue by_bytes(100, 50);
    by_bytes.push(message(60));
    EXPECT_FALSE(by_bytes.has_room());
}

TEST(Packer, SmallMessagesShareAPacketAndLargeOnesAreSplitIntoFullOnes) {
    BufferPool pool(300, 100);
    SendQueue queue(100, 100000);
    for (int i = 0; i < 5; ++i) {
        queue.push(message(20));
    }
    queue.push(message(1000));
    Seq next{1};
    const auto packets = stamp(queue, pool, kMe, next);
    ASSERT_EQ(packets.size(), 5U);
    for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
        EXPECT_EQ(packets[i].length, 300U);
        EXPECT_TRUE(protocol::decode_data(packets[i].bytes()));
    }
}

class Delivering : public testing::Test {
  protected:
    void put(const std::vector<Slice>& packets, DaemonId sender) {
        for (const Slice& packet : packets) {
            const auto data = protocol::decode_data(packet.bytes());
            ASSERT_TRUE(data);
            window_.insert(data->seq, sender, packet);
        }
    }
    DeliveryCursor::Stop run(Seq agreed, Seq safe, std::size_t budget = 1000) {
        return cursor_.run(window_, {agreed, safe, budget},
                           [&](Delivery&& delivery) { got_.push_back(std::move(delivery)); });
    }

    BufferPool pool_{300, 1000};
    ReceiveWindow window_{64};
    DeliveryCursor cursor_{kRing};
    std::vector<Delivery> got_;
};

TEST_F(Delivering, AnEmptyMessageBehindAFullPacketStartsTheNext) {
    const std::size_t room = 300 - protocol::kDataHeaderBytes - protocol::kEntryHeaderBytes;
    for (std::size_t left = 0; left < 8; ++left) {
        SendQueue queue(10, 10000);
        queue.push(message(room - left));
        queue.push(message(0));
        Seq next{1};
        const auto packets = stamp(queue, pool_, kMe, next);
        EXPECT_EQ(packets.size(), left > protocol::kEntryHeaderBytes ? 1U : 2U) << left;
        for (const Slice& packet : packets) {
            EXPECT_TRUE(protocol::decode_data(packet.bytes())) << left;
        }
    }
}

TEST_F(Delivering, ReassemblesInterleavedMessagesOfSeveralSenders) {
    SendQueue mine(10, 10000);
    mine.push(message(500));
    SendQueue theirs(10, 10000);
    theirs.push(message(600));
    // Packets alternate: 1 mine, 2 theirs, 3 mine ...
    std::vector<Slice> packets;
    Seq next{1};
    while (mine.current() != nullptr || theirs.current() != nullptr) {
        for (auto* queue : {&mine, &theirs}) {
            if (queue->current() == nullptr) {
                continue;
            }
            DataBuilder builder(pool_.acquire(), 300);
            fill_packet(*queue, builder);
            const DaemonId sender = queue == &mine ? kMe : kOther;
            put({builder.finish({protocol::PacketKind::kData, 0, sender, kRing}, next,
                                TokenSeq{1})},
                sender);
            ++next;
        }
    }
    EXPECT_EQ(run(window_.my_aru(), Seq{0}), DeliveryCursor::Stop::kLimit);
    ASSERT_EQ(got_.size(), 2U);
    EXPECT_EQ(bytes_of(got_[0].body), bytes_of(message(500).body));
    EXPECT_EQ(got_[0].origin, kMe);
    EXPECT_EQ(bytes_of(got_[1].body), bytes_of(message(600).body));
    EXPECT_EQ(got_[1].origin, kOther);
}

TEST_F(Delivering, StopsInFrontOfAnUnstableSafeMessageInTheMiddleOfAPacket) {
    SendQueue queue(10, 10000);
    queue.push(message(10));
    queue.push(message(11, Service::kSafe));
    queue.push(message(12));
    Seq next{1};
    put(stamp(queue, pool_, kMe, next), kMe);
    EXPECT_EQ(run(Seq{1}, Seq{0}), DeliveryCursor::Stop::kUnsafe);
    ASSERT_EQ(got_.size(), 1U);
    EXPECT_EQ(run(Seq{1}, Seq{1}), DeliveryCursor::Stop::kLimit);
    ASSERT_EQ(got_.size(), 3U);
    EXPECT_EQ(got_[1].body.size(), 11U);
    EXPECT_EQ(got_[1].index, 1);
    EXPECT_EQ(got_[2].index, 2);
}

TEST_F(Delivering, StopsWhenTheBudgetIsUsedUpAndGoesOnThere) {
    SendQueue queue(10, 10000);
    for (std::size_t i = 1; i <= 5; ++i) {
        queue.push(message(i));
    }
    Seq next{1};
    put(stamp(queue, pool_, kMe, next), kMe);
    EXPECT_EQ(run(Seq{1}, Seq{0}, 2), DeliveryCursor::Stop::kBudget);
    EXPECT_EQ(got_.size(), 2U);
    EXPECT_EQ(run(Seq{1}, Seq{0}, 3), DeliveryCursor::Stop::kLimit);
    EXPECT_EQ(got_.size(), 5U);
}

TEST_F(Delivering, AMessageWhoseStartWasLeftOutIsNotDelivered) {
    SendQueue queue(10, 10000);
    queue.push(message(500));
    queue.push(message(10));
    Seq next{1};
    put(stamp(queue, pool_, kMe, next), kMe);
    cursor_.skip_packet();
    EXPECT_EQ(run(window_.my_aru(), Seq{0}), DeliveryCursor::Stop::kLimit);
    ASSERT_EQ(got_.size(), 1U);
    EXPECT_EQ(got_[0].body.size(), 10U);
}

TEST_F(Delivering, AnEmptyMessageIsAMessage) {
    SendQueue queue(10, 10000);
    queue.push(message(0));
    queue.push(message(1));
    Seq next{1};
    put(stamp(queue, pool_, kMe, next), kMe);
    EXPECT_EQ(run(Seq{1}, Seq{0}), DeliveryCursor::Stop::kLimit);
    EXPECT_EQ(got_.size(), 2U);
}

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
    config_.windows = fixed_windows(1000, 1000);
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
