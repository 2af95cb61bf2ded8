#include "tests/chaos/ring_history.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/ring/flight_memory.hpp"
#include "protocol/message.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::chaos {
namespace {

using membership::ConfigurationChange;
using membership::ConfigurationKind;
using protocol::DaemonId;

constexpr DaemonId kOne{1};
constexpr DaemonId kTwo{2};
constexpr protocol::RingId kRing{kOne, 7, 100};

/// A daemon that does what it is told, and records it.
class Recorded {
  public:
    Recorded(DaemonId self, const std::filesystem::path& file)
        : memory_(self, protocol::Roster({{kOne, "d1"}, {kTwo, "d2"}}), file.string()),
          recorder_(memory_.slots(), {kOne, kTwo}),
          self_(self) {}

    void install(const protocol::RingId& ring) {
        hear(ConfigurationChange{ConfigurationKind::kTransitional, ring, {self_}});
        hear(ConfigurationChange{ConfigurationKind::kRegular, ring, {kOne, kTwo}});
        recorder_.note_resume(ring);
    }
    void accept(const std::string& text) {
        recorder_.note_accepted(recorder_.about({.body = body(text)}));
    }
    void deliver(std::uint64_t seq, DaemonId origin, const std::string& text) {
        hear(membership::Delivery{
            .ring_id = kRing, .seq = protocol::Seq{seq}, .origin = origin, .body = body(text)});
    }
    void at(int ms) { recorder_.set_time(protocol::Instant(std::chrono::milliseconds(ms))); }

  private:
    void hear(const membership::DeliveryEvent& event) { recorder_.note({&event, 1}); }
    static protocol::Message body(const std::string& text) {
        return protocol::make_message(std::as_bytes(std::span(text)));
    }

    daemon::FlightMemory memory_;
    driver::FlightRecorder recorder_;
    DaemonId self_;
};

class RingHistoryTest : public testing::Test {
  protected:
    RingHistoryTest() : one_(kOne, directory_.path() / "1"), two_(kTwo, directory_.path() / "2") {
        history_.begin_life(0, directory_.path() / "1");
        history_.begin_life(1, directory_.path() / "2");
        one_.at(1);
        two_.at(2);
        one_.install(kRing);
        two_.install(kRing);
        two_.at(3);
        two_.accept("first");
        two_.accept("second");
        one_.at(4);
        two_.at(5);
    }

    support::TempDir directory_;
    Recorded one_;
    Recorded two_;
    RingHistory history_;
};

TEST_F(RingHistoryTest, IsFineWhenAllDeliverTheSame) {
    for (Recorded* const each : {&one_, &two_}) {
        each->deliver(1, kTwo, "first");
        each->deliver(2, kTwo, "second");
    }
    history_.finish(true);
    EXPECT_FALSE(history_.violation()) << history_.violation()->summary;
    EXPECT_EQ(history_.deliveries(), 4U);
    EXPECT_EQ(history_.configurations(), 4U);
}

TEST_F(RingHistoryTest, NamesAMessageThatNobodySent) {
    one_.deliver(1, kTwo, "third");
    history_.finish(false);
    ASSERT_TRUE(history_.violation());
    EXPECT_EQ(history_.violation()->property, "P1a");
}

TEST_F(RingHistoryTest, NamesAMessageLeftOut) {
    two_.deliver(1, kTwo, "first");
    two_.deliver(2, kTwo, "second");
    one_.at(6);
    one_.deliver(2, kTwo, "second");
    history_.finish(false);
    ASSERT_TRUE(history_.violation());
    EXPECT_EQ(history_.violation()->property, "P6c");
}

TEST_F(RingHistoryTest, NamesAnOwnMessageThatNeverCame) {
    one_.deliver(1, kTwo, "first");
    two_.deliver(1, kTwo, "first");
    history_.finish(true);
    ASSERT_TRUE(history_.violation());
    EXPECT_EQ(history_.violation()->property, "P3");
}

TEST_F(RingHistoryTest, TellsOnlyWhatIsOldEnough) {
    one_.deliver(1, kTwo, "third");  // at 4 ms
    history_.check(4'000'000);
    EXPECT_FALSE(history_.violation());
    history_.check(4'000'001);
    EXPECT_TRUE(history_.violation());
}

TEST(RingHistory, NoticesWhatIsHiddenFromIt) {
    support::TempDir directory;
    Recorded one(kOne, directory.path() / "1");
    RingHistory history(1);
    history.begin_life(0, directory.path() / "1");
    one.at(1);
    one.install(kRing);
    one.accept("first");
    one.accept("second");
    one.deliver(1, kOne, "first");
    one.deliver(2, kOne, "second");
    history.finish(false);
    ASSERT_TRUE(history.violation());
    EXPECT_EQ(history.violation()->property, "P3");
}

}  // namespace
}  // namespace spread::chaos
