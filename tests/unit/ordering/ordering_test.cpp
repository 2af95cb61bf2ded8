#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "messages.hpp"
#include "ordering/delivery_cursor.hpp"
#include "ordering/delivery_gate.hpp"
#include "ordering/packer.hpp"
#include "ordering/receive_window.hpp"
#include "ordering/send_queue.hpp"

namespace spread::ordering {
namespace {

using protocol::BufferPool;
using protocol::DaemonId;
using protocol::DataBuilder;
using protocol::Seq;
using protocol::SeqRange;
using protocol::Service;
using protocol::Slice;
using protocol::TokenSeq;
using testing::ElementsAre;

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

TEST(SendQueue, MessagesAheadGoBeforeOrdinaryOnesAndAfterControl) {
    SendQueue queue(1, 10000);
    const auto ahead = [](std::size_t bytes) {
        Submission submission = message(bytes);
        submission.ahead = true;
        return submission;
    };
    queue.push(message(10));
    EXPECT_FALSE(queue.has_room());
    queue.push(ahead(20));
    queue.push(ahead(30));
    queue.push(message(40, Service::kAgreed, true));
    EXPECT_EQ(queue.sendable_bytes(), 100U);
    EXPECT_EQ(queue.messages(), 4U);
    std::vector<std::size_t> sizes;
    while (const Submission* next = queue.current()) {
        sizes.push_back(next->body.size());
        queue.advance(next->body.size());
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{40, 20, 30, 10}));
    EXPECT_TRUE(queue.has_room());
}

TEST(SendQueue, MessagesAheadWaitForOneThatIsStartedAndForTheRing) {
    SendQueue queue(10, 10000);
    queue.push(message(100));
    queue.advance(30);
    Submission ahead = message(20);
    ahead.ahead = true;
    queue.push(std::move(ahead));
    EXPECT_EQ(queue.current()->body.size(), 100U);
    queue.rewind();
    queue.pause();
    EXPECT_EQ(queue.current(), nullptr);
    EXPECT_FALSE(queue.has_sendable());
    EXPECT_EQ(queue.sendable_messages(), 0U);
    queue.resume();
    EXPECT_EQ(queue.current()->body.size(), 20U);
    EXPECT_EQ(queue.take_current().body.size(), 20U);
    EXPECT_EQ(queue.sendable_bytes(), 100U);
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

TEST_F(Delivering, AMessageWhoseEndWasLeftOutDoesNotGetIntoTheNext) {
    Seq next{1};
    Seq second;
    for (const std::size_t bytes : {500U, 600U}) {
        SendQueue queue(10, 10000);
        queue.push(message(bytes));
        second = next;
        put(stamp(queue, pool_, kMe, next), kMe);
    }
    EXPECT_EQ(run(Seq{1}, Seq{0}), DeliveryCursor::Stop::kLimit);
    while (cursor_.next() < second) {
        cursor_.skip_packet();
    }
    EXPECT_EQ(run(window_.my_aru(), Seq{0}), DeliveryCursor::Stop::kLimit);
    ASSERT_EQ(got_.size(), 1U);
    EXPECT_EQ(bytes_of(got_[0].body), bytes_of(message(600).body));
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

}  // namespace
}  // namespace spread::ordering
