// Configurations people really use, where a collection of them is at hand: what stock accepts we
// accept, without a name server, and what stock refuses we refuse.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "config/parse.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

TEST(RealFiles, AreReadLikeStockReadsThem) {
    const std::string directory = std::string(SPREAD_SHARED_DIR) + "/conf/real";
    if (!std::filesystem::is_directory(directory)) {
        GTEST_SKIP() << "no collection of real files at " << directory;
    }
    const std::map<std::string, std::string> refused = {
        {"PabloPessolani__MOL-IPC.conf", "cannot find the address of host 'node0'"},
        {"jopereira__spread__spread.conf", "cannot find the address of host 'alfa'"},
        {"SeisComP3__seiscomp3.conf", "'${spread.port}' is not a port number"},
        {"open-rsx__rsb-spread-cpp.conf", "'@TEST_SPREAD_PORT@' is not a port number"},
    };
    std::size_t accepted = 0;
    std::set<std::string> seen_refused;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (entry.path().extension() != ".conf") {
            continue;
        }
        TableResolver resolver({});
        const auto result = parse(read_file(entry.path().string()), name, resolver);
        const auto expected = refused.find(name);
        if (expected == refused.end()) {
            EXPECT_TRUE(result.configuration)
                << name << ": " << (result.diagnostics.empty() ? "" : problems(result).front());
            ++accepted;
            continue;
        }
        seen_refused.insert(name);
        EXPECT_FALSE(result.configuration) << name;
        ASSERT_FALSE(result.diagnostics.empty()) << name;
        EXPECT_NE(result.diagnostics.front().message.find(expected->second), std::string::npos)
            << problems(result).front();
    }
    EXPECT_EQ(accepted, 40U);
    EXPECT_EQ(seen_refused.size(), refused.size());
}

}  // namespace
}  // namespace spread::config
