#include "tools/spsim/options.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace spread::spsim {
namespace {

ParsedOptions parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "spsim");
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    auto parsed = parse_options(static_cast<int>(arguments.size()), arguments.data());
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    return parsed;
}

TEST(SpsimOptions, SeedsAreDecimalOrHexadecimal) {
    EXPECT_EQ(parse({"--seed", "24301"}).options.seed, 24301U);
    EXPECT_EQ(parse({"--seed", "0x5eed"}).options.seed, 0x5eedU);
    EXPECT_EQ(parse({"--seed", "18446744073709551615"}).options.seed, UINT64_MAX);
    for (const char* wrong : {"", "0x", "x", "-1", "1.5", "18446744073709551616", "1 "}) {
        EXPECT_FALSE(parse_seed(wrong)) << wrong;
    }
    EXPECT_EQ(parse({"--seed", "five"}).exit_status, 2);
}

TEST(SpsimOptions, ABatchHasAFirstSeedAndJobs) {
    const auto parsed =
        parse({"--seeds", "2000", "--first", "0x10", "--jobs", "3", "--keep-going"});
    ASSERT_FALSE(parsed.exit_status);
    EXPECT_EQ(parsed.options.seeds, 2000U);
    EXPECT_EQ(parsed.options.first, 16U);
    EXPECT_EQ(parsed.options.jobs, 3U);
    EXPECT_TRUE(parsed.options.keeps_going);
    EXPECT_GE(parse({"--seeds", "5"}).options.jobs, 1U);
}

TEST(SpsimOptions, TraceHasTwoLevelsAndABeginning) {
    EXPECT_EQ(parse({"--seed", "1"}).options.run.trace, sim::TraceLevel::kNone);
    EXPECT_EQ(parse({"--seed", "1", "--trace"}).options.run.trace, sim::TraceLevel::kStates);
    EXPECT_EQ(parse({"--seed", "1", "--trace=states"}).options.run.trace, sim::TraceLevel::kStates);
    const auto parsed = parse({"--seed", "1", "--trace=packets", "--from", "1.19s"});
    EXPECT_EQ(parsed.options.run.trace, sim::TraceLevel::kPackets);
    EXPECT_EQ(parsed.options.run.trace_from_us, 1190000U);
    EXPECT_EQ(parse({"--seed", "1", "--trace=everything"}).exit_status, 2);
    EXPECT_EQ(parse({"--seed", "1", "--trace", "--from", "soon"}).exit_status, 2);
    EXPECT_EQ(parse({"--seed", "1", "--from", "1s"}).exit_status, 2);
}

TEST(SpsimOptions, ShrinkingHasAnOutputAndALimit) {
    const auto parsed =
        parse({"--scenario", "a.scn", "--shrink", "--output", "b.scn", "--shrink-runs", "70"});
    ASSERT_FALSE(parsed.exit_status);
    EXPECT_TRUE(parsed.options.shrinks);
    EXPECT_EQ(parsed.options.output, "b.scn");
    EXPECT_EQ(parsed.options.shrink_runs_max, 70U);
}

TEST(SpsimOptions, WhatContradictsItselfIsRefused) {
    const std::vector<std::vector<const char*>> wrong = {
        {},
        {"--jobs", "2"},
        {"--seed", "1", "--seeds", "2"},
        {"--seed", "1", "--scenario", "a.scn"},
        {"--seeds", "5", "--scenario", "a.scn"},
        {"--seeds", "5", "--trace"},
        {"--seeds", "5", "--print"},
        {"--seeds", "5", "--sealed", "--unusual"},
        {"--seeds", "5", "--shrink"},
        {"--seed", "1", "--first", "2"},
        {"--seed", "1", "--output", "x"},
        {"--scenario", "a.scn", "b.scn", "--shrink"},
        {"--seeds", "5", "--jobs", "0"},
        {"--unknown"},
    };
    for (const auto& arguments : wrong) {
        std::string joined;
        for (const char* argument : arguments) {
            joined += std::string(argument) + " ";
        }
        EXPECT_EQ(parse(arguments).exit_status, 2) << joined;
    }
}

TEST(SpsimOptions, HelpAndVersionAreNoErrors) {
    EXPECT_EQ(parse({"--help"}).exit_status, 0);
    EXPECT_EQ(parse({"--version"}).exit_status, 0);
}

}  // namespace
}  // namespace spread::spsim
