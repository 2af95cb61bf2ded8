#include "tests/sim/planted_bugs.hpp"

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/generator.hpp"
#include "tests/sim/run.hpp"

// The checkers are tested, too: each planted bug must be found, and named by a property that it
// breaks. Builds without SPREAD_PLANTED_BUGS have no bugs to find; there, the table is checked.

namespace spread::sim {

#ifdef SPREAD_PLANTED_BUGS

void PrintTo(const PlantedBugCase& shown, std::ostream* out) {
    *out << to_string(shown.bug);
}

#endif

namespace {

using protocol::PlantedBug;

TEST(PlantedBugs, EachHasANameAndACase) {
    std::set<PlantedBug> cases;
    for (const PlantedBugCase& each : planted_bug_cases()) {
        EXPECT_TRUE(cases.insert(each.bug).second) << to_string(each.bug) << " twice";
        EXPECT_FALSE(each.properties.empty()) << to_string(each.bug);
        EXPECT_GT(each.seeds_max, 0U) << to_string(each.bug);
    }
    EXPECT_EQ(cases.size(), protocol::kPlantedBugs.size());
    for (const auto& each : protocol::kPlantedBugs) {
        EXPECT_TRUE(cases.contains(each.bug)) << each.name;
        EXPECT_EQ(protocol::planted_bug_named(each.name), each.bug);
    }
    EXPECT_GE(cases.size(), 20U);
}

#ifdef SPREAD_PLANTED_BUGS

class PlantedBugRun : public testing::TestWithParam<PlantedBugCase> {
  protected:
    ~PlantedBugRun() override { protocol::active_planted_bug = PlantedBug::kNone; }
};

TEST_P(PlantedBugRun, IsFoundAndNamed) {
    const PlantedBugCase& wanted = GetParam();
    protocol::active_planted_bug = wanted.bug;
    for (std::uint64_t seed = 1; seed <= wanted.seeds_max; ++seed) {
        const Verdict verdict = run(generate(seed));
        if (!verdict.violation) {
            continue;
        }
        const auto& found = *verdict.violation;
        EXPECT_NE(std::find(wanted.properties.begin(), wanted.properties.end(), found.property),
                  wanted.properties.end())
            << "seed " << seed << ": " << found.property << " " << found.summary;
        // The bug and not the seed is to blame.
        protocol::active_planted_bug = PlantedBug::kNone;
        const Verdict without = run(generate(seed));
        EXPECT_FALSE(without.violation)
            << "seed " << seed << " without the bug: " << without.violation->property << " "
            << without.violation->summary;
        return;
    }
    ADD_FAILURE() << "not found by seeds 1 to " << wanted.seeds_max;
}

std::string test_name(const testing::TestParamInfo<PlantedBugCase>& info) {
    std::string name;
    bool upper = true;
    for (const char each : to_string(info.param.bug)) {
        if (each == '-') {
            upper = true;
        } else {
            name += upper ? static_cast<char>(each - 'a' + 'A') : each;
            upper = false;
        }
    }
    return name;
}

INSTANTIATE_TEST_SUITE_P(Each, PlantedBugRun,
                         testing::ValuesIn(planted_bug_cases().begin(), planted_bug_cases().end()),
                         test_name);

#endif

}  // namespace
}  // namespace spread::sim
