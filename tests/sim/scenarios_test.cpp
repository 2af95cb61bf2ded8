// Every scenario file: hand-written situations, and one for every bug that the seeds found.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/run.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/support/read_file.hpp"

namespace spread::sim {
namespace {

std::vector<std::string> scenario_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(SPREAD_SCENARIO_DIR)) {
        if (entry.path().extension() == ".scn") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

class ScenarioFiles : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioFiles, MeetTheirExpectationsAndAllProperties) {
    const std::string path = std::string(SPREAD_SCENARIO_DIR) + "/" + GetParam() + ".scn";
    const auto scenario = parse_scenario(support::read_file(path));
    ASSERT_TRUE(scenario) << path << ':' << scenario.error().line << ": " << scenario.error().text;
    const Verdict verdict = run(*scenario);
    if (verdict.violation) {
        std::string report = verdict.violation->property + " " + verdict.violation->summary + "\n";
        for (const std::string& line : verdict.violation->evidence) {
            report += "  " + line + "\n";
        }
        ADD_FAILURE() << report << "repeat: spsim --trace --scenario " << path;
    }
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioFiles, testing::ValuesIn(scenario_names()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace spread::sim
