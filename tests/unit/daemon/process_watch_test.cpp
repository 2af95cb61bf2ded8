#include "daemon/host/process_watch.hpp"

#include <pthread.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using testing::Contains;
using testing::Key;

TEST(StatLine, TheNameMayHaveParenthesesAndSpaces) {
    const auto line = stat_line_of(
        "42 (a) (b) S 1 42 42 0 -1 4194560 10 0 0 0 150 50 0 0 20 0 7 0 12300 4096000 25 999");
    ASSERT_TRUE(line);
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    EXPECT_EQ(line->name, "a) (b");
    EXPECT_EQ(line->cpu_seconds, 200 / ticks);
    EXPECT_EQ(line->threads, 7U);
    EXPECT_EQ(line->started_after_boot, 12300 / ticks);
    EXPECT_EQ(line->virtual_bytes, 4096000U);
    EXPECT_EQ(line->resident_bytes, 25U * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

TEST(StatLine, OtherTextsAreNone) {
    for (const char* text : {"", "42", "42 (a", ")(", "42 (a)", "42 (a) S", "42 (a) S 1 2 x"}) {
        EXPECT_FALSE(stat_line_of(text)) << text;
    }
}

TEST(ProcessWatch, SeesThisProcessAndItsThreads) {
    std::latch end(1);
    std::thread other([&end] { end.wait(); });
    ::pthread_setname_np(other.native_handle(), "idler");
    const ProcessFacts facts = ProcessWatch().look();
    end.count_down();
    other.join();
    ASSERT_TRUE(facts.stat);
    EXPECT_GE(facts.stat->threads, 2U);
    EXPECT_GT(facts.stat->resident_bytes, 100000U);
    EXPECT_GE(facts.resident_bytes_max, facts.stat->resident_bytes / 2);
    EXPECT_GE(facts.files_open.value_or(0), 3U);
    EXPECT_GT(facts.files_max, 3U);
    EXPECT_LE(facts.started_at, std::chrono::system_clock::now() + std::chrono::seconds(1));
    EXPECT_THAT(facts.thread_cpu_seconds, Contains(Key("main")));
    EXPECT_THAT(facts.thread_cpu_seconds, Contains(Key("idler")));
}

}  // namespace
}  // namespace spread::daemon
