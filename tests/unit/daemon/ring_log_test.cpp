#include "daemon/ring/ring_log.hpp"

#include <array>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_to_file.hpp"
#include "tests/unit/daemon/three_nodes.hpp"

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using membership::Absence;
using membership::Cause;
using membership::ConfigurationChange;
using membership::ConfigurationKind;
using protocol::DaemonId;
using testing::HasSubstr;
using testing::Not;

class RingLogTest : public testing::Test {
  protected:
    static membership::RingConfig ring() {
        membership::RingConfig out;
        out.settings = "TokenTimeout 250 ms\n";
        return out;
    }
    static protocol::Roster roster() {
        return protocol::Roster(
            {{DaemonId{1}, "node1"}, {DaemonId{2}, "node2"}, {DaemonId{3}, "node3"}});
    }
    void missing(Cause cause) {
        log_.on_missing(now_,
                        std::array{Absence{DaemonId{3}, cause, DaemonId{3}, DaemonId{1}, {}}});
    }
    void install(std::vector<Absence> missing) {
        ConfigurationChange change;
        change.kind = ConfigurationKind::kRegular;
        change.members = {DaemonId{1}, DaemonId{2}};
        change.missing = std::move(missing);
        log_.on_configuration(now_, change);
    }
    /// Time passes, a quarter of a second at a time.
    void pass(protocol::Duration time) {
        for (const protocol::Instant end = now_ + time; now_ < end;) {
            now_ += 250ms;
            log_.tick(now_);
        }
    }
    /// All so far; ends the log.
    [[nodiscard]] std::string lines() { return file_.lines(); }
    static std::size_t count(const std::string& text, const std::string& part) {
        std::size_t found = 0;
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
            ++found;
        }
        return found;
    }

    LogToFile file_;
    RingLog log_{roster(), ring(), AbsenceText(three_nodes(), 0)};
    protocol::Instant now_{100s};
};

TEST_F(RingLogTest, WhatSomebodyHasToMendIsToldOnceAMinuteUntilItIsOver) {
    install({Absence{DaemonId{3}, Cause::kOneWay, DaemonId{3}, DaemonId{1}, {}}});
    pass(59s);
    missing(Cause::kTokenPort);
    pass(150s);
    install({});
    pass(10min);
    const std::string text = lines();
    EXPECT_EQ(count(text, "still missing in the ring after 1 min: node3 (the token port"), 1U)
        << "a change has just been told";
    EXPECT_EQ(count(text, "still missing in the ring after 2 min: node3"), 1U) << text;
    EXPECT_EQ(count(text, "still missing"), 2U) << text;
}

TEST_F(RingLogTest, ADaemonThatWasStoppedOrHasDiedIsToldOnce) {
    for (const Cause cause : {Cause::kLeft, Cause::kSilent, Cause::kPortClosed}) {
        missing(cause);
        pass(5min);
    }
    EXPECT_THAT(lines(), Not(HasSubstr("still missing")));
}

TEST_F(RingLogTest, AGroupAddressIsNamedWhenItHasFailedForAWhile) {
    log_.on_one_by_one(now_, {DaemonId{2}});
    pass(1s);
    log_.on_one_by_one(now_, {});
    pass(10s);
    log_.on_one_by_one(now_, {DaemonId{2}, DaemonId{3}});
    pass(10min);
    log_.on_one_by_one(now_, {});
    pass(10s);
    const std::string text = lines();
    EXPECT_EQ(count(text, "multicast: 239.192.0.7 does not reach node2 node3"), 1U) << text;
    EXPECT_EQ(count(text, "does not reach"), 1U) << text;
    EXPECT_EQ(count(text, "239.192.0.7 reaches all daemons of the segment again"), 1U) << text;
}

TEST_F(RingLogTest, KnowsHowSettingsDifferNowAndWhatCouldNotBeRead) {
    EXPECT_TRUE(log_.differences().empty());
    EXPECT_FALSE(log_.refused().has_value());
    log_.on_settings(now_, DaemonId{3}, "TokenTimeout 400 ms\n");
    ASSERT_EQ(log_.differences().size(), 1U);
    EXPECT_EQ(log_.differences()[0].first, DaemonId{3});
    EXPECT_EQ(log_.differences()[0].second, "TokenTimeout is 400 ms there, 250 ms here");
    log_.on_settings(now_, DaemonId{3}, "TokenTimeout 250 ms\n");
    EXPECT_TRUE(log_.differences().empty());
    const Endpoint source = make_endpoint(*config::parse_ip("10.0.0.9"), 99);
    log_.on_unreadable(now_, source, ForeignDatagram::of({}));
    ASSERT_TRUE(log_.refused().has_value());
    EXPECT_EQ(log_.refused()->source.to_string(), "10.0.0.9:99");
    EXPECT_EQ(log_.refused()->at, now_);
}

TEST_F(RingLogTest, AnotherFileIsToldOnceForEachDifference) {
    for (int i = 0; i < 5; ++i) {
        log_.on_settings(now_, DaemonId{3}, "TokenTimeout 400 ms\n");
    }
    log_.on_settings(now_, DaemonId{3}, "TokenTimeout 500 ms\n");
    log_.on_settings(now_, DaemonId{3}, "TokenTimeout 250 ms\n");
    for (std::uint32_t stranger = 100; stranger < 1000; ++stranger) {
        log_.on_settings(now_, DaemonId{stranger}, "");
    }
    const std::string text = lines();
    EXPECT_EQ(count(text,
                    "node3 runs another configuration file: 'TokenTimeout 400 ms' there, "
                    "'TokenTimeout 250 ms' here"),
              1U)
        << text;
    EXPECT_EQ(count(text, "node3 runs another configuration file"), 2U) << text;
    EXPECT_LE(count(text, "runs another configuration file"), RepeatedLines::kFreeLines)
        << "whoever makes up daemons does not fill the disk";
}

TEST_F(RingLogTest, ARingThatFlapsFillsNoDisk) {
    for (int i = 0; i < 1000; ++i) {
        install({});
        now_ += 10ms;
        log_.tick(now_);
    }
    pass(20s);
    const std::string text = lines();
    EXPECT_LE(count(text, "installed configuration of"), RepeatedLines::kFreeLines + 2) << text;
    EXPECT_THAT(text, HasSubstr("more lines like this in 10 s)"));
}

}  // namespace
}  // namespace spread::daemon
