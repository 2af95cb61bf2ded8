#include "daemon/driver/flight_recorder.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/message.hpp"

namespace spread::driver {
namespace {

using protocol::DaemonId;
using protocol::Message;

std::vector<std::byte> bytes_of(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
    }
    return bytes;
}

/// The same bytes in slices of `size`.
Message in_slices(std::span<const std::byte> bytes, std::size_t size) {
    Message message;
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(size, bytes.size()))) {
        message.append(protocol::make_message(bytes.first(std::min(size, bytes.size()))).slice(0));
    }
    return message;
}

void hear(FlightRecorder& recorder, const membership::DeliveryEvent& event) {
    recorder.note({&event, 1});
}

TEST(FlightDigest, IsTheSameHoweverAMessageIsCut) {
    for (const std::size_t size : {1U, 8U, 47U, 48U, 49U, 63U, 64U, 65U, 5000U}) {
        const auto bytes = bytes_of(size);
        const std::uint64_t whole = flight_digest(protocol::make_message(bytes));
        for (const std::size_t slice : {1U, 7U, 64U, 1400U}) {
            EXPECT_EQ(flight_digest(in_slices(bytes, slice)), whole) << size << " by " << slice;
        }
    }
    EXPECT_EQ(flight_digest(Message()), flight_digest(protocol::make_message({})));
}

TEST(FlightDigest, TellsBeginningEndAndLengthApart) {
    auto bytes = bytes_of(300);
    const std::uint64_t before = flight_digest(protocol::make_message(bytes));
    EXPECT_NE(flight_digest(protocol::make_message(std::span(bytes).first(299))), before);
    for (const std::size_t at : {0U, 15U, 40U, 47U, 284U, 299U}) {
        auto other = bytes;
        other[at] ^= std::byte{1};
        EXPECT_NE(flight_digest(protocol::make_message(other)), before) << at;
    }
}

TEST(FlightRecorder, KeepsTheLastEvents) {
    std::vector<FlightSlot> slots(4);
    FlightRecorder recorder(slots, {DaemonId{1}});
    for (std::uint64_t counter = 1; counter <= 6; ++counter) {
        recorder.set_time(protocol::Instant(std::chrono::nanoseconds(10 * counter)));
        recorder.note_resume({DaemonId{1}, 2, counter});
    }
    std::vector<std::uint64_t> numbers;
    for (const FlightSlot& slot : slots) {
        const auto event = event_in(slot);
        ASSERT_TRUE(event);
        numbers.push_back(event->number);
        EXPECT_EQ(event->ring(), (protocol::RingId{DaemonId{1}, 2, event->number}));
        EXPECT_EQ(event->time_ns, 10 * event->number);
    }
    EXPECT_THAT(numbers, testing::ElementsAre(5, 6, 3, 4));
}

TEST(FlightRecorder, TimeDoesNotGoBack) {
    std::vector<FlightSlot> slots(2);
    FlightRecorder recorder(slots, {DaemonId{1}});
    recorder.set_time(protocol::Instant(std::chrono::nanoseconds(9)));
    recorder.set_time(protocol::Instant(std::chrono::nanoseconds(8)));
    recorder.note_resume({});
    EXPECT_EQ(event_in(slots[0])->time_ns, 9U);
}

TEST(FlightRecorder, AnEventThatIsBeingWrittenIsNotThere) {
    std::vector<FlightSlot> slots(2);
    FlightRecorder recorder(slots, {DaemonId{1}});
    recorder.note_resume({});
    EXPECT_TRUE(event_in(slots[0]));
    slots[0].words[0].store(0);
    EXPECT_FALSE(event_in(slots[0]));
    EXPECT_FALSE(event_in(slots[1]));
}

TEST(FlightRecorder, WithoutMemoryItRecordsNothing) {
    FlightRecorder recorder({}, {DaemonId{1}});
    recorder.note_resume({});
    recorder.note_accepted(recorder.about({}));
    hear(recorder, membership::Delivery{});
}

TEST(FlightRecorder, EventsComeBackFromTheirWords) {
    FlightEvent event;
    event.number = 1;
    event.time_ns = 2;
    event.kind = FlightEvent::Kind::kDelivery;
    event.service = 3;
    event.message_kind = 4;
    event.flags = 5;
    event.index = 0xfedc;
    event.from = 6;
    event.to = 0xfd;
    event.ring_counter = 7;
    event.ring_nonce = 0xfffffff8;
    event.ring_representative = 0xfffffff9;
    event.seq = 10;
    event.a = 11;
    event.b = 12;
    const FlightEvent back = event_of(words_of(event));
    EXPECT_EQ(words_of(back), words_of(event));
    EXPECT_EQ(back.kind, event.kind);
    EXPECT_EQ(back.index, event.index);
    EXPECT_EQ(back.to, event.to);
    EXPECT_EQ(back.ring(), event.ring());
    EXPECT_EQ(back.b, event.b);
}

TEST(FlightRecorder, RefusalsAreCountedAndRecordedOnceASecond) {
    std::vector<FlightSlot> slots(4);
    FlightRecorder recorder(slots, {DaemonId{1}});
    recorder.set_time(protocol::Instant(std::chrono::seconds(5)));
    for (int i = 0; i < 100; ++i) {
        recorder.note_refused(Refused::kMalformed);
    }
    recorder.set_time(protocol::Instant(std::chrono::seconds(6)));
    recorder.note_refused(Refused::kSealed + 2);
    EXPECT_EQ(event_in(slots[0])->seq, 1U);
    EXPECT_EQ(event_in(slots[1])->seq, 101U);
    EXPECT_EQ(event_in(slots[1])->a, Refused::kSealed + 2);
    EXPECT_FALSE(event_in(slots[2]));
}

TEST(FlightRecorder, CountsMessagesOfOneSenderInARow) {
    const protocol::RingId ring{DaemonId{1}, 2, 3};
    const auto delivery = [&](std::uint64_t seq, std::uint32_t origin) {
        membership::Delivery out;
        out.ring_id = ring;
        out.seq = protocol::Seq{seq};
        out.origin = DaemonId{origin};
        return out;
    };
    std::vector<membership::DeliveryEvent> events;
    for (const auto& [seq, origin] :
         std::vector<std::pair<std::uint64_t, std::uint32_t>>{{4, 1}, {4, 1}, {5, 1}, {6, 2}}) {
        events.emplace_back(delivery(seq, origin));
    }
    events.emplace_back(
        membership::ConfigurationChange{membership::ConfigurationKind::kTransitional, ring, {}});
    events.emplace_back(delivery(7, 2));
    std::vector<FlightSlot> slots(8);
    FlightRecorder recorder(slots, {DaemonId{1}}, FlightRecorder::Detail::kRuns);
    recorder.note(events);
    const auto first = event_in(slots[0]);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->kind, FlightEvent::Kind::kDeliveries);
    EXPECT_EQ(first->ring(), ring);
    EXPECT_EQ(first->seq, 4U);
    EXPECT_EQ(first->a, 5U);
    EXPECT_EQ(first->count(), 3U);
    EXPECT_EQ(static_cast<std::uint32_t>(first->b), 1U);
    EXPECT_EQ(event_in(slots[1])->count(), 1U);
    EXPECT_EQ(event_in(slots[2])->kind, FlightEvent::Kind::kTransitional);
    EXPECT_EQ(event_in(slots[3])->seq, 7U);
    EXPECT_FALSE(event_in(slots[4]));
}

TEST(FlightRecorder, CountsMessagesTaken) {
    std::vector<FlightSlot> slots(4);
    FlightRecorder recorder(slots, {DaemonId{1}}, FlightRecorder::Detail::kRuns);
    recorder.note_submitted();
    for (int i = 0; i < 3; ++i) {
        recorder.note_accepted(recorder.about({}));
    }
    recorder.note_submitted();
    recorder.note_submitted();
    EXPECT_EQ(event_in(slots[0])->kind, FlightEvent::Kind::kAccepts);
    EXPECT_EQ(event_in(slots[0])->seq, 3U);
    EXPECT_FALSE(event_in(slots[1]));
}

TEST(FlightRecorder, MembersAreASetByPlace) {
    protocol::MemberList daemons;
    for (std::uint32_t id = 1; id <= 70; ++id) {
        daemons.push_back(DaemonId{id});
    }
    std::vector<FlightSlot> slots(2);
    FlightRecorder recorder(slots, daemons);
    hear(recorder, membership::ConfigurationChange{membership::ConfigurationKind::kRegular,
                                                   {},
                                                   {DaemonId{1}, DaemonId{64}, DaemonId{66}}});
    const auto event = event_in(slots[0]);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->a, (std::uint64_t{1} << 63U) | 1U);
    EXPECT_EQ(event->b, 2U);
}

}  // namespace
}  // namespace spread::driver
