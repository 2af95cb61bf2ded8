#include "tools/spsim/commands.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/generator.hpp"
#include "tests/support/read_file.hpp"
#include "tests/unit/spsim/fake.hpp"

namespace spread::spsim {
namespace {

struct Ran {
    int status = 0;
    std::string out;
    std::string messages;
};

Ran ran(const Options& options, const Runner& runner) {
    std::ostringstream out;
    std::ostringstream messages;
    const int status = run_command(options, runner, {out, messages});
    return {status, out.str(), messages.str()};
}

class SpsimCommands : public testing::Test {
  protected:
    std::string write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories(directory_);
        const std::string path = (directory_ / name).string();
        std::ofstream(path) << text;
        return path;
    }
    ~SpsimCommands() override { std::filesystem::remove_all(directory_); }

    std::filesystem::path directory_ =
        std::filesystem::temp_directory_path() / ("spsim-test-" + std::to_string(::getpid()));
    Options options_;
};

TEST_F(SpsimCommands, PrintsTheScenarioOfASeed) {
    options_.seed = 9;
    options_.prints = true;
    const Ran result = ran(options_, Fake{});
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.out, sim::format(sim::generate(9)));
}

TEST_F(SpsimCommands, WhatSeedsDoNotReachIsAFailureWhenItIsAskedFor) {
    options_.seeds = 3;
    const Runner reaches_all_but_one = [](const sim::Scenario&, const sim::RunOptions&) {
        sim::Verdict verdict;
        verdict.reached.times.fill(2);
        verdict.reached.times[0] = 0;
        return verdict;
    };
    const Ran result = ran(options_, reaches_all_but_one);
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.out.find("        0      0  recoveries with a hole  (never)\n"),
              std::string::npos)
        << result.out;
    EXPECT_NE(result.out.find("        6      3  recoveries with a promise to a lost daemon\n"),
              std::string::npos)
        << result.out;
    options_.needs_goals = true;
    EXPECT_EQ(ran(options_, reaches_all_but_one).status, 1);
    EXPECT_EQ(ran(options_,
                  [](const sim::Scenario&, const sim::RunOptions&) {
                      sim::Verdict verdict;
                      verdict.reached.times.fill(1);
                      return verdict;
                  })
                  .status,
              0);
}

TEST_F(SpsimCommands, UnusualSeedsAreOthers) {
    options_.seed = 9;
    options_.unusual = true;
    options_.prints = true;
    EXPECT_EQ(ran(options_, Fake{}).out, sim::format(sim::generate_unusual(9)));
    EXPECT_NE(sim::generate_unusual(9), sim::generate(9));
    options_.prints = false;
    EXPECT_NE(ran(options_, Fake{.violates = 3}).out.find("spsim --unusual --seed 9 --trace"),
              std::string::npos);
}

TEST_F(SpsimCommands, ASeedThatHoldsIsFineAndHasADigest) {
    options_.seed = 9;
    const Ran result = ran(options_, Fake{});
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.out.find("fine: seed 9, 1.234567s with 9 events"), 0U) << result.out;
    EXPECT_NE(result.out.find("\ndigest "), std::string::npos);
}

TEST_F(SpsimCommands, AFailureIsReportedBehindItsTrace) {
    Fake fake;
    fake.violates = 3;
    options_.seed = 9;
    options_.run.trace = sim::TraceLevel::kStates;
    const Ran result = ran(options_, fake);
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.out.find("first line\nsecond line\nFAIL P4 d1 and d2 differ\n"), 0U)
        << result.out;
}

TEST_F(SpsimCommands, ABatchCountsItsFailures) {
    Fake fake;
    fake.violates = 3;
    options_.seeds = 9;
    options_.jobs = 2;
    options_.keeps_going = true;
    const Ran result = ran(options_, fake);
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.out.find("9 seeds, 3 failures, "), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("events median 5 mean 5 most 9 (seed 9), packets"), std::string::npos)
        << result.out;
    EXPECT_NE(result.out.find("3 x P4\n"), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("repeat: spsim --seed 6 --trace"), std::string::npos);
}

TEST_F(SpsimCommands, ScenarioFilesRunOneAfterTheOther) {
    options_.scenarios = {write("a.scn", "luck 1\n"), write("b.scn", "luck 2\n")};
    const Ran result = ran(options_, Fake{});
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.out.find("fine: scenario " + options_.scenarios[0]), std::string::npos);
    EXPECT_NE(result.out.find("fine: scenario " + options_.scenarios[1]), std::string::npos);
}

TEST_F(SpsimCommands, AMistakeInAFileIsNamedWithFileAndLine) {
    options_.scenarios = {write("bad.scn", "luck 1\nfoo\n")};
    const Ran result = ran(options_, Fake{});
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.messages.find(options_.scenarios[0] + ":2: found \"foo\""), 0U)
        << result.messages;
    options_.scenarios = {"/nowhere/x.scn"};
    EXPECT_EQ(ran(options_, Fake{}).status, 2);
}

/// Violates P4 with a crash of d2 and a message, L1 when it settles.
sim::Verdict picky(const sim::Scenario& scenario, const sim::RunOptions&) {
    bool crashed = false;
    sim::Verdict verdict;
    for (const sim::Step& step : scenario.steps) {
        crashed = crashed || (step.action == sim::Action::kCrash && step.who.back() == 1);
        if (crashed && step.action == sim::Action::kSend) {
            verdict.violation = checker::Violation{"P4", "lost", {}};
        }
        if (step.action == sim::Action::kSettle) {
            verdict.violation = checker::Violation{"L1", "no common ring", {}};
        }
    }
    return verdict;
}

TEST_F(SpsimCommands, ShrinkingWritesASmallScenarioThatViolatesTheSameProperty) {
    options_.shrinks = true;
    options_.scenarios = {write("big.scn",
                                "segments 2 3\nset window 30\nat 1s start all\nat 2s crash d1 d2\n"
                                "at 3s heal\nat 4s send c3 5x safe 700 bytes to g2 g3\n")};
    options_.output = (directory_ / "small.scn").string();
    const Ran result = ran(options_, picky);
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(support::read_file(options_.output),
              "# P4, from scenario " + options_.scenarios[0] +
                  "\nsegments 2\nluck 1\nat 0ms      crash d2\n"
                  "at 0ms      send c1 agreed 0 bytes to g1\n");
    EXPECT_NE(result.messages.find("shrunk from 4 to 2 steps"), std::string::npos);
}

TEST_F(SpsimCommands, ShrinkingALivenessFailureLeavesNoFaultBehind) {
    options_.shrinks = true;
    options_.scenarios = {write("rest.scn",
                                "start all\nlink d1 to d2 down\npause d3\nheal\ncontinue d3\n"
                                "settle within 100s\n")};
    const Ran result = ran(options_, picky);
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.out.find("\nsegments 1\nluck 1\n            settle within 100s\n"),
              std::string::npos)
        << result.out;

    options_.scenarios = {write("short.scn", "start all\nsettle within 1ms\n")};
    EXPECT_NE(ran(options_, picky).messages.find("not due"), std::string::npos);
}

TEST_F(SpsimCommands, ARunThatDiesCanBeShrunk) {
    Fake fake;
    fake.dies = 6;
    options_.seed = 6;
    options_.shrinks = true;
    options_.shrink_runs_max = 300;
    const Ran result = ran(options_, fake);
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.out.find("FAIL DIED the run died of exit status 77"), std::string::npos);
    EXPECT_NE(result.out.find("\n# DIED, from seed 6\nsegments 1\nluck 6\n"), std::string::npos)
        << result.out;
}

}  // namespace
}  // namespace spread::spsim
