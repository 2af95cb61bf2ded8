#include "tests/sim/shrink.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/generator.hpp"
#include "tests/sim/scenario_edit.hpp"

namespace spread::sim {
namespace {

bool has(const Scenario& scenario, const std::function<bool(const Step&)>& wanted) {
    return std::any_of(scenario.steps.begin(), scenario.steps.end(), wanted);
}

bool has_action(const Scenario& scenario, Action action) {
    return has(scenario, [action](const Step& step) { return step.action == action; });
}

/// The first seed whose scenario fails.
Scenario failing(const StillFails& fails) {
    for (std::uint64_t seed = 1; seed < 5000; ++seed) {
        Scenario scenario = generate(seed);
        if (fails(scenario)) {
            return scenario;
        }
    }
    ADD_FAILURE() << "no seed fails";
    return {};
}

TEST(Shrink, OneStepThatFailsAloneStaysAlone) {
    const auto fails = [](const Scenario& s) { return has_action(s, Action::kCrash); };
    const Scenario small = shrink(failing(fails), fails);
    ASSERT_EQ(small.steps.size(), 1U);
    EXPECT_EQ(format(small.steps[0]), "at 0ms  crash d1");
    EXPECT_EQ(small.segments, std::vector<std::uint16_t>{1});
    EXPECT_TRUE(small.tunables == Tunables());
}

TEST(Shrink, WhatMattersStays) {
    const auto fails = [](const Scenario& s) {
        return s.daemons() >= 3 && s.tunables.gap_max > 0 &&
               has(s,
                   [](const Step& step) {
                       return step.action == Action::kSend && step.bytes > 100 && step.value >= 2 &&
                              step.when.time_us >= 1000;
                   }) &&
               has(s, [](const Step& step) {
                   return step.action == Action::kRates && step.rates.loss > 0;
               });
    };
    const Scenario small = shrink(failing(fails), fails);
    ASSERT_TRUE(fails(small));
    EXPECT_EQ(small.steps.size(), 2U) << format(small);
    EXPECT_EQ(small.daemons(), 3U);
    EXPECT_EQ(small.segments.size(), 1U);
    Tunables only_gap;
    only_gap.gap_max = small.tunables.gap_max;
    EXPECT_TRUE(small.tunables == only_gap) << format(small);
    for (const Step& step : small.steps) {
        if (step.action == Action::kSend) {
            EXPECT_LT(step.value, 4);
            EXPECT_LT(step.bytes, 203U);
            EXPECT_EQ(step.who[0], 0);
            EXPECT_EQ(step.groups.size() + step.privates.size(), 1U);
            EXPECT_FALSE(step.flag);
            EXPECT_EQ(step.when.time_us % 100, 0U);
        } else {
            Rates only_loss;
            only_loss.loss = step.rates.loss;
            EXPECT_TRUE(step.rates == only_loss);
        }
    }
}

TEST(Shrink, StepsThatMatterOnlyTogetherStayTogetherAndInOrder) {
    const auto fails = [](const Scenario& s) {
        const auto crash = std::find_if(s.steps.begin(), s.steps.end(), [](const Step& step) {
            return step.action == Action::kCrash;
        });
        const auto start = std::find_if(crash, s.steps.end(), [&](const Step& step) {
            return step.action == Action::kStart && step.fate == StateFate::kLost &&
                   step.who == crash->who;
        });
        return start != s.steps.end() && start->when.time_us - crash->when.time_us >= 2000;
    };
    const Scenario small = shrink(failing(fails), fails);
    ASSERT_TRUE(fails(small));
    EXPECT_EQ(small.steps.size(), 2U) << format(small);
    EXPECT_EQ(small.daemons(), 1U);
}

TEST(Shrink, FailuresThatComeAndGoWithSizeAreKept) {
    // Fails with an odd number of partitions only: halves of a failing scenario often do not fail.
    const auto fails = [](const Scenario& s) {
        return std::count_if(s.steps.begin(), s.steps.end(),
                             [](const Step& step) { return step.action == Action::kPartition; }) %
                   2 ==
               1;
    };
    const Scenario small = shrink(failing(fails), fails);
    EXPECT_TRUE(fails(small));
    EXPECT_EQ(small.steps.size(), 1U) << format(small);

    // Needs a multiple of seven steps; where that cannot be kept, nothing is lost.
    const auto sevenths = [](const Scenario& s) {
        return !s.steps.empty() && s.steps.size() % 7 == 0;
    };
    const Scenario whole = failing(sevenths);
    const Scenario less = shrink(whole, sevenths);
    EXPECT_TRUE(sevenths(less));
    EXPECT_LE(less.steps.size(), whole.steps.size());
}

TEST(Shrink, AScenarioThatCannotBeLessStaysAsItIs) {
    const Scenario scenario = generate(3);
    const Scenario same = shrink(scenario, [&](const Scenario& s) { return s == scenario; });
    EXPECT_TRUE(same == scenario);
}

TEST(Shrink, NeverRunsMoreOftenThanAllowed) {
    for (const std::uint64_t runs_max : {0U, 1U, 10U, 100U}) {
        std::uint64_t runs = 0;
        const Scenario scenario = generate(12);
        const Scenario small = shrink(
            scenario,
            [&](const Scenario& s) {
                ++runs;
                return s.steps.size() > 3;
            },
            runs_max);
        EXPECT_LE(runs, runs_max);
        if (runs_max == 0) {
            EXPECT_TRUE(small == scenario);
        }
    }
}

TEST(Shrink, EveryCandidateIsALegalScenario) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::uint64_t count = 0;
        const auto fails = [&](const Scenario& s) {
            const auto again = parse_scenario(format(s));
            EXPECT_TRUE(again) << again.error().text << "\n" << format(s);
            EXPECT_TRUE(!again || *again == s) << format(s);
            return ++count % 3 != 0;
        };
        static_cast<void>(shrink(generate(seed), fails, 1000));
    }
}

TEST(Shrink, GapsInTimeAreClosed) {
    auto scenario =
        parse_scenario("at 1s start all\nat 3s crash d1\nat 4123456us start d1\nat 9s crash d2\n");
    ASSERT_TRUE(scenario);
    const auto fails = [](const Scenario& s) {
        return s.steps.size() == 4 && s.steps[3].when.time_us >= s.steps[2].when.time_us + 500 &&
               s.steps[1].who == std::vector<std::uint16_t>{0};
    };
    const Scenario small = shrink(*scenario, fails);
    ASSERT_EQ(small.steps.size(), 4U);
    EXPECT_EQ(small.steps[2].when.time_us, 0U);
    EXPECT_LT(small.steps[3].when.time_us, 2000U);
}

}  // namespace
}  // namespace spread::sim
