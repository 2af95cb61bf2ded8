#include "tools/spbench/cpu_meter.hpp"

#include <unistd.h>

#include <limits>

#include <gmock/gmock.h>

namespace spread::spbench {
namespace {

TEST(CpuMeter, ReadsSchedstatInNanoseconds) {
    EXPECT_EQ(parse_schedstat("2500000000 1234 77\n"), 2.5);
    EXPECT_FALSE(parse_schedstat(""));
    EXPECT_FALSE(parse_schedstat("garbage"));
}

TEST(CpuMeter, ReadsStatWhateverTheCommandIsCalled) {
    const std::string fields = " S 1 1 1 0 -1 4194304 100 0 0 0 250 150 0 0 20 0 1 0 5 6 7";
    EXPECT_EQ(parse_stat("42 (spreadd)" + fields, 100), 4.0);
    EXPECT_EQ(parse_stat("42 (a) b (c 1 2 3)" + fields, 100), 4.0);
    EXPECT_FALSE(parse_stat("42 (spreadd) S 1 1", 100));
    EXPECT_FALSE(parse_stat("", 100));
}

TEST(CpuMeter, SeesThisProcess) {
    const auto seconds = process_cpu_seconds(getpid());
    ASSERT_TRUE(seconds);
    EXPECT_GE(*seconds, 0);
}

TEST(CpuMeter, RefusesAProcessThatIsNotThere) {
    Watched watched;
    watched.pids = {std::numeric_limits<pid_t>::max()};
    const auto meter = CpuMeter::create(watched);
    ASSERT_FALSE(meter);
    EXPECT_THAT(meter.error(), ::testing::HasSubstr("no process"));
}

}  // namespace
}  // namespace spread::spbench
