#include "tools/spbench/syscall_meter.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <limits>

#include <gmock/gmock.h>

namespace spread::spbench {
namespace {

TEST(SyscallMeter, CountsEverySystemCallOrSaysWhyItCannot) {
    const auto meter = SyscallMeter::create({getpid()});
    if (!meter) {
        EXPECT_THAT(meter.error(), ::testing::HasSubstr("cannot be counted"));
        GTEST_SKIP() << "NOT RUN: " << meter.error();
    }
    constexpr int kCalls = 1000;
    const auto before = meter->count();
    for (int i = 0; i < kCalls; ++i) {
        static_cast<void>(syscall(SYS_getppid));
    }
    const auto counted = meter->count() - before;
    constexpr int kReadsOfTheCounters = 64;
    EXPECT_GE(counted, kCalls);
    EXPECT_LE(counted, kCalls + kReadsOfTheCounters);
}

TEST(SyscallMeter, RefusesAProcessThatIsNotThere) {
    const auto meter = SyscallMeter::create({std::numeric_limits<pid_t>::max()});
    ASSERT_FALSE(meter);
}

}  // namespace
}  // namespace spread::spbench
