#include "tests/sim/generator.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/sim/scenario_edit.hpp"

namespace spread::sim {
namespace {

constexpr std::uint64_t kSeeds = 2000;

/// Calls `visit` with the scenarios of many seeds.
template <typename Visit>
void for_each_seed(const Visit& visit) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        visit(generate(seed));
        if (testing::Test::HasFatalFailure()) {
            return;
        }
    }
}

TEST(Generator, ASeedAlwaysGivesTheSameScenario) {
    EXPECT_TRUE(generate(5) == generate(5));
    EXPECT_FALSE(generate(5) == generate(6));
}

TEST(Generator, ScenariosSurviveAFile) {
    for_each_seed([](const Scenario& scenario) {
        const auto again = parse_scenario(format(scenario));
        ASSERT_TRUE(again) << again.error().line << ": " << again.error().text;
        ASSERT_TRUE(*again == scenario);
    });
}

TEST(Generator, UnusualScenariosSurviveAFile) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const Scenario scenario = generate_unusual(seed);
        const auto again = parse_scenario(format(scenario));
        ASSERT_TRUE(again) << "seed " << seed << ", line " << again.error().line << ": "
                           << again.error().text;
        ASSERT_TRUE(*again == scenario) << "seed " << seed;
    }
}

TEST(Generator, ClustersAreAsLargeAsPromised) {
    std::set<std::size_t> daemons;
    std::set<std::size_t> segments;
    for_each_seed([&](const Scenario& scenario) {
        daemons.insert(scenario.daemons());
        segments.insert(scenario.segments.size());
    });
    EXPECT_EQ(*daemons.begin(), 1U);
    EXPECT_EQ(*daemons.rbegin(), 16U);
    EXPECT_EQ(daemons.size(), 16U);
    EXPECT_EQ(segments, (std::set<std::size_t>{1, 2, 3, 4}));
}

TEST(Generator, EveryActionAndEveryStateFateComes) {
    std::map<Action, std::size_t> actions;
    std::set<StateFate> fates;
    std::set<checker::ClientService> services;
    for_each_seed([&](const Scenario& scenario) {
        for (const Step& step : scenario.steps) {
            ++actions[step.action];
            fates.insert(step.fate);
            services.insert(step.service);
        }
    });
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {  // keys, and names in place of addresses
        for (const Step& step : generate_sealed(seed).steps) {
            const bool is_only_there =
                step.action == Action::kRotate || step.action == Action::kFillDisk ||
                step.action == Action::kSeal || step.action == Action::kMove ||
                step.action == Action::kAnswerNames;
            actions[step.action] += is_only_there ? 1U : 0U;
        }
    }
    for (int action = 0; action < static_cast<int>(Action::kExpectRegular); ++action) {
        // A delay of one kind of packet is only one of many lasting faults.
        const std::size_t least = static_cast<Action>(action) == Action::kDelay ? 1 : 10;
        EXPECT_GT(actions[static_cast<Action>(action)], least) << action;
    }
    EXPECT_EQ(actions[Action::kSettle], kSeeds);
    EXPECT_EQ(fates.size(), 3U);
    EXPECT_EQ(services.size(), 6U);
}

TEST(Generator, StepsAreInOrderAndEndWithSettlingInPeace) {
    for_each_seed([](const Scenario& scenario) {
        ASSERT_FALSE(scenario.steps.empty());
        ASSERT_EQ(scenario.steps.back().action, Action::kSettle);
        ASSERT_GE(scenario.steps.back().within_us, settle_bound_us(scenario.tunables));
        ASSERT_TRUE(settles_in_peace(scenario));
        ASSERT_TRUE(std::is_sorted(scenario.steps.begin(), scenario.steps.end() - 1,
                                   [](const Step& left, const Step& right) {
                                       return left.when.time_us < right.when.time_us;
                                   }));
    });
}

TEST(Generator, NobodyForgetsItsPastAndTheTime) {
    std::size_t steps_back = 0;
    for_each_seed([&](const Scenario& scenario) {
        std::set<DaemonIndex> set_back;
        for (const Step& step : scenario.steps) {
            if (step.action == Action::kStepClock && step.value < 0) {
                set_back.insert(step.who.begin(), step.who.end());
                ++steps_back;
            }
        }
        for (const Step& step : scenario.steps) {
            if (step.action == Action::kStart && step.fate != StateFate::kKept) {
                for (const DaemonIndex daemon : step.who) {
                    ASSERT_EQ(set_back.count(daemon), 0U);
                }
            }
        }
    });
    EXPECT_GT(steps_back, 10U);
}

TEST(Generator, AllDaemonsEndWithOneConfiguration) {
    for_each_seed([](const Scenario& scenario) {
        std::vector<std::int64_t> versions(scenario.daemons(), 0);
        for (const Step& step : scenario.steps) {
            if (step.action == Action::kConfigure) {
                for (const DaemonIndex daemon : step.who) {
                    versions[daemon] = step.value;
                }
            }
        }
        ASSERT_TRUE(std::all_of(versions.begin(), versions.end(),
                                [&](std::int64_t version) { return version == versions[0]; }));
    });
}

TEST(Generator, OnlyAFewHundredMessagesAreSent) {
    std::uint64_t sum = 0;
    for_each_seed([&](const Scenario& scenario) {
        std::int64_t sent = 0;
        for (const Step& step : scenario.steps) {
            sent += step.action == Action::kSend ? step.value : 0;
        }
        ASSERT_LE(sent, 420);
        sum += static_cast<std::uint64_t>(sent);
    });
    EXPECT_GT(sum / kSeeds, 60U);
}

}  // namespace
}  // namespace spread::sim
