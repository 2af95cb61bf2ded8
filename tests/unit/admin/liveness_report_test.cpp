#include "daemon/admin/liveness_report.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/admin/sample_status.hpp"

namespace spread::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(LivenessLines, FeedTheWatchdogAndTellOfChangesOnly) {
    Status status = sample_status();
    std::string last;
    EXPECT_THAT(liveness_lines(status, last), HasSubstr("WATCHDOG=1\nSTATUS=ring of 2 of 3"));
    EXPECT_THAT(last, HasSubstr(" clients"));
    EXPECT_EQ(liveness_lines(status, last), "WATCHDOG=1\n");
    ++status.sessions->connected;
    EXPECT_THAT(liveness_lines(status, last), HasSubstr("STATUS="));
}

TEST(LivenessLines, SayWhyButDoNotFeedWhenAThreadHangs) {
    std::string last;
    Status status = sample_status();
    status.sessions.reset();
    EXPECT_THAT(liveness_lines(status, last), Not(HasSubstr("WATCHDOG")));
    EXPECT_THAT(last, HasSubstr("session thread"));

    status = sample_status();
    status.ring.is_stuck = true;
    EXPECT_THAT(liveness_lines(status, last), Not(HasSubstr("WATCHDOG")));
    EXPECT_EQ(liveness_lines(status, last), "") << "nothing new, and nothing good";
}

}  // namespace
}  // namespace spread::admin
