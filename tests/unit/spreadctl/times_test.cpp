#include "tools/spreadctl/times.hpp"

#include <gtest/gtest.h>

namespace spread::spreadctl {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// 2026-03-01T12:00:00Z.
const std::chrono::system_clock::time_point kNoon{std::chrono::seconds(1772366400)};

std::string moment(const std::string& text) {
    return moment_of(text, kNoon).value_or("none");
}

TEST(Times, SpansHaveAUnit) {
    EXPECT_EQ(seconds_of("30s"), std::chrono::seconds(30));
    EXPECT_EQ(seconds_of("10m"), minutes(10));
    EXPECT_EQ(seconds_of("2h"), hours(2));
    EXPECT_EQ(seconds_of("7d"), hours(168));
    for (const char* text : {"", "10", "m", "0s", "-1s", "1w", "10mm", "999999999s"}) {
        EXPECT_FALSE(seconds_of(text).has_value()) << text;
    }
}

TEST(Times, MomentsAreAgoOrAsEventsShowThem) {
    EXPECT_EQ(moment("90m"), "2026-03-01T10:30:00");
    EXPECT_EQ(moment("03:00"), "2026-03-01T03:00:00");
    EXPECT_EQ(moment("12:00"), "2026-03-01T12:00:00");
    EXPECT_EQ(moment("12:00:01"), "2026-02-28T12:00:01") << "yesterday";
    EXPECT_EQ(moment("2026-02-27"), "2026-02-27T00:00:00");
    EXPECT_EQ(moment("2026-02-27 03:04"), "2026-02-27T03:04:00");
    EXPECT_EQ(moment("2026-02-27 03:04:05"), "2026-02-27T03:04:05");
    EXPECT_EQ(moment("2026-02-27T03:04:05Z"), "2026-02-27T03:04:05");
    for (const char* text : {"", "yesterday", "25:00", "03:00x", "2026-02-27 ", "2026-13-01"}) {
        EXPECT_EQ(moment(text), "none") << text;
    }
}

}  // namespace
}  // namespace spread::spreadctl
