#include "daemon/driver/snapshot.hpp"

#include <atomic>
#include <set>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "protocol/counters.hpp"

namespace spread::driver {
namespace {

TEST(Snapshot, IsAllZeroBeforeTheFirstPublication) {
    const Snapshot<3> snapshot;
    EXPECT_EQ(snapshot.read(), (Snapshot<3>::Values{0, 0, 0}));
}

TEST(Snapshot, IsOfOneMoment) {
    constexpr std::uint64_t kLast = 2'000;
    Snapshot<40> snapshot;
    std::thread writer([&snapshot] {
        Snapshot<40>::Values values{};
        for (std::uint64_t i = 1; i <= kLast; ++i) {
            values.fill(i);
            snapshot.publish(values);
        }
    });
    std::uint64_t last = 0;
    while (last < kLast) {
        const auto values = snapshot.read();
        ASSERT_GE(values.front(), last);
        last = values.front();
        for (const std::uint64_t value : values) {
            ASSERT_EQ(value, last);
        }
    }
    writer.join();
}

TEST(Counters, HaveNamesOfTheirOwnAndSayWhatTheyAre) {
    std::set<std::string_view> names;
    for (const protocol::CounterInfo& row : protocol::kRingCounters) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.unit.empty()) << row.name;
        EXPECT_FALSE(row.help.empty()) << row.name;
    }
    names.clear();
    for (const protocol::CounterInfo& row : protocol::kTransportCounters) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.unit.empty()) << row.name;
        EXPECT_FALSE(row.help.empty()) << row.name;
    }
    names.clear();
    for (const protocol::CounterInfo& row : protocol::kSealingCounters) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.unit.empty()) << row.name;
        EXPECT_FALSE(row.help.empty()) << row.name;
    }
}

TEST(Counters, ValuesComeInTheOrderOfTheRows) {
    protocol::RingCounters counters;
    counters.packets_sent = 7;
    counters.rotation_time = std::chrono::nanoseconds(8);
    counters.my_aru = protocol::Seq{9};
    const auto values = protocol::values_of(counters);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string_view name = protocol::kRingCounters[i].name;
        EXPECT_EQ(values[i], name == "packets_sent"    ? 7U
                             : name == "rotation_time" ? 8U
                             : name == "my_aru"        ? 9U
                                                       : 0U)
            << name;
    }
}

}  // namespace
}  // namespace spread::driver
