// The page spread-metrics(7) lists the metrics that the daemon has.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/admin/metrics.hpp"
#include "tests/support/prometheus_text.hpp"
#include "tests/unit/admin/sample_status.hpp"

namespace spread::admin {
namespace {

/// A list item for each metric, as the page has it, by what /metrics says of them.
std::string items_of(const std::string& text) {
    std::vector<std::string> order;
    const auto metrics = support::metrics_in(text, &order);
    std::string items;
    for (const std::string& name : order) {
        items += support::item_of(name, metrics.at(name)) + metrics.at(name).help + "\n";
    }
    return items;
}

TEST(MetricsPage, ListsEachMetricWithItsLabelsKindAndHelp) {
    std::ifstream file(std::string(SPREAD_TEST_DATA) + "/../../docs/man/spread-metrics.7");
    std::ostringstream page;
    page << file.rdbuf();
    const std::string items = items_of(metrics_text(sample_status(), sample_usage()));
    EXPECT_GT(items.size(), 1000U);
    EXPECT_NE(page.str().find(".Bl -tag -width indent\n" + items + ".El\n"), std::string::npos)
        << "put this list into docs/man/spread-metrics.7:\n"
        << items;
}

}  // namespace
}  // namespace spread::admin
