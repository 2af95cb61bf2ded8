// The page spread-metrics(7) lists the metrics that the daemon has.
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "daemon/admin/metrics.hpp"
#include "tests/unit/admin/sample_status.hpp"

namespace spread::admin {
namespace {

/// A list item for each metric, as the page has it, by what /metrics says of them.
std::string items_of(const std::string& metrics) {
    std::istringstream lines(metrics);
    std::string items;
    std::string line;
    std::string help;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string hash;
        std::string what;
        std::string name;
        words >> hash >> what >> name >> std::ws;
        if (hash != "#") {
            continue;
        }
        std::string rest;
        std::getline(words, rest);
        if (what == "HELP") {
            help = rest;
        } else if (what == "TYPE") {
            items += ".It Li " + name + " Pq " + rest + "\n" + help + "\n";
        }
    }
    return items;
}

TEST(MetricsPage, ListsEachMetricWithItsKindAndHelp) {
    std::ifstream file(std::string(SPREAD_TEST_DATA) + "/../../docs/man/spread-metrics.7");
    std::ostringstream page;
    page << file.rdbuf();
    const std::string items = items_of(metrics_text(sample_status()));
    EXPECT_GT(items.size(), 1000U);
    EXPECT_NE(page.str().find(".Bl -tag -width indent\n" + items + ".El\n"), std::string::npos)
        << "put this list into docs/man/spread-metrics.7:\n"
        << items;
}

}  // namespace
}  // namespace spread::admin
