#include "daemon/admin/liveness_report.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/admin/sample_status.hpp"

namespace spread::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(LivenessLines, FeedTheWatchdogAndSayHowItIs) {
    Status status = sample_status();
    const std::string lines = liveness_lines(status);
    EXPECT_THAT(lines, HasSubstr("WATCHDOG=1\nSTATUS=ring of 2 of 3"));
    EXPECT_THAT(lines, HasSubstr(" clients\n"));
    EXPECT_EQ(liveness_lines(status), lines) << "it may be another line that the manager shows";
    ++status.sessions->connected;
    EXPECT_NE(liveness_lines(status), lines);
}

TEST(LivenessLines, SayWhyButDoNotFeedWhenAThreadHangs) {
    Status status = sample_status();
    status.sessions.reset();
    EXPECT_THAT(liveness_lines(status), Not(HasSubstr("WATCHDOG")));
    EXPECT_THAT(liveness_lines(status), HasSubstr("session thread"));

    status = sample_status();
    status.ring.is_stuck = true;
    EXPECT_THAT(liveness_lines(status), Not(HasSubstr("WATCHDOG")));
}

}  // namespace
}  // namespace spread::admin
