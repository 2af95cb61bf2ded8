#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "tests/mutants/planted_table.hpp"
#include "tests/sim/generator.hpp"
#include "tests/sim/run.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/support/read_file.hpp"

// The checkers are tested, too: each planted bug must be found, and named by a property that it
// breaks.

namespace spread::mutants {

void PrintTo(const PlantedBug& shown, std::ostream* out) {
    *out << shown.name;
}

namespace {

TEST(PlantedBugs, AreManyAndHaveNames) {
    EXPECT_GE(planted_bugs().size(), 45U);
    EXPECT_TRUE(plant(planted_bugs().front().name));
    EXPECT_TRUE(plant(""));
    EXPECT_FALSE(plant("no-such-bug"));
}

class PlantedBugRun : public testing::TestWithParam<PlantedBug> {
  protected:
    ~PlantedBugRun() override { plant(""); }
};

/// L4 and L5 are checked while one fault lasts, which few seeds have.
bool can_break(const std::vector<std::string_view>& properties, const sim::Scenario& scenario) {
    const bool only_while_faults_last =
        std::all_of(properties.begin(), properties.end(),
                    [](std::string_view each) { return each == "L4" || each == "L5"; });
    return !only_while_faults_last ||
           std::any_of(scenario.steps.begin(), scenario.steps.end(),
                       [](const sim::Step& step) { return step.action == sim::Action::kSteady; });
}

/// Runs with the bug; when that finds it, it is named rightly, and the scenario is fine without it.
bool finds(const PlantedBug& wanted, const sim::Scenario& scenario, const std::string& where) {
    const sim::Verdict verdict = sim::run(scenario);
    if (!verdict.violation) {
        return false;
    }
    const auto& found = *verdict.violation;
    EXPECT_NE(std::find(wanted.properties.begin(), wanted.properties.end(), found.property),
              wanted.properties.end())
        << where << ": " << found.property << " " << found.summary;
    // The bug and not the scenario is to blame.
    plant("");
    const sim::Verdict without = sim::run(scenario);
    EXPECT_FALSE(without.violation) << where << " without the bug: " << without.violation->property
                                    << " " << without.violation->summary;
    return true;
}

TEST_P(PlantedBugRun, IsFoundAndNamed) {
    const PlantedBug& wanted = GetParam();
    ASSERT_TRUE(plant(wanted.name));
    if (!wanted.scenario.empty()) {
        const std::string file =
            std::string(SPREAD_SCENARIO_DIR) + "/" + std::string(wanted.scenario) + ".scn";
        const auto scenario = sim::parse_scenario(support::read_file(file));
        ASSERT_TRUE(scenario) << file;
        EXPECT_TRUE(finds(wanted, *scenario, file)) << "not found by " << file;
        return;
    }
    for (std::uint64_t seed = 1; seed <= wanted.seeds_max; ++seed) {
        const sim::Scenario scenario =
            wanted.sealed ? sim::generate_sealed(seed) : sim::generate(seed);
        if (can_break(wanted.properties, scenario) &&
            finds(wanted, scenario, "seed " + std::to_string(seed))) {
            return;
        }
    }
    ADD_FAILURE() << "not found by seeds 1 to " << wanted.seeds_max;
}

// "merged-view-early" -> "MergedViewEarly"
std::string test_name(const testing::TestParamInfo<PlantedBug>& info) {
    std::string name;
    bool upper = true;
    for (const char each : info.param.name) {
        if (each == '-') {
            upper = true;
        } else {
            name += upper && each >= 'a' ? static_cast<char>(each - 'a' + 'A') : each;
            upper = false;
        }
    }
    return name;
}

INSTANTIATE_TEST_SUITE_P(Each, PlantedBugRun,
                         testing::ValuesIn(planted_bugs().begin(), planted_bugs().end()),
                         test_name);

}  // namespace
}  // namespace spread::mutants
