// The alert rules and the dashboard that come with the daemon, and the document that explains them,
// speak of metrics that there are.

#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/admin/metrics.hpp"
#include "sample_status.hpp"

namespace spread::admin {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

std::string document(const std::string& name) {
    std::ifstream in(std::string(SPREAD_TEST_DATA) + "/../../docs/" + name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::set<std::string> all_of(const std::string& text, const std::string& pattern) {
    const std::regex word(pattern);
    std::set<std::string> out;
    for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
        out.insert((*at)[1]);
    }
    return out;
}

std::set<std::string> metrics() {
    const std::string text = metrics_text(sample_status(), sample_usage());
    std::set<std::string> out = all_of(text, "# TYPE ((?:spread|process)_[a-z_]+) ");
    out.merge(all_of(text, "\n(spread_[a-z_]+_bucket)\\{"));  // of histograms
    return out;
}

TEST(Alerts, RulesAndDashboardUseMetricsThatThereAre) {
    for (const char* name : {"prometheus/spread.rules.yml", "prometheus/spread.dashboard.json"}) {
        const auto used = all_of(document(name), "\\b((?:spread|process)_[a-z_]+)\\b");
        ASSERT_THAT(used, SizeIs(testing::Ge(10U))) << name;
        for (const std::string& metric : used) {
            EXPECT_THAT(metrics(), Contains(metric)) << name;
        }
    }
}

TEST(Alerts, EachHasItsChapter) {
    const std::string rules = document("prometheus/spread.rules.yml");
    const std::string chapters = document("alerts.md");
    const auto alerts = all_of(rules, "- alert: ([A-Za-z]+)");
    ASSERT_THAT(alerts, SizeIs(testing::Ge(10U)));
    for (const std::string& alert : alerts) {
        EXPECT_THAT(chapters, HasSubstr("\n## " + alert + "\n"));
        std::string anchor = alert;
        std::ranges::transform(anchor, anchor.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        EXPECT_THAT(rules, HasSubstr("docs/alerts.md#" + anchor + "\n"));
    }
    EXPECT_EQ(all_of(chapters, "\n## (Spread[A-Za-z]+)\n"), alerts);
}

TEST(Alerts, TheDashboardIsJson) {
    const auto dashboard = nlohmann::json::parse(document("prometheus/spread.dashboard.json"));
    EXPECT_GE(dashboard["panels"].size(), 10U);
    for (const auto& panel : dashboard["panels"]) {
        EXPECT_FALSE(panel["targets"].empty()) << panel["title"];
    }
}

}  // namespace
}  // namespace spread::admin
