#include "tools/spreadctl/config_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace spread::spreadctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json configuration() {
    return json::parse(R"({"file": "/etc/spread/spread.conf", "hash": 12,
        "daemons": [{"name": "node1", "address": "10.0.0.1", "port": 4803},
                    {"name": "node2", "address": "10.0.0.2", "port": 4803}],
        "options": [
            {"name": "DebugFlags", "value": "{ EXIT PRINT }", "default": "{ PRINT }",
             "origin": "file", "line": 2, "same_on_all_daemons": false},
            {"name": "MaxSessions", "value": "9", "default": "9", "origin": "default",
             "line": null, "same_on_all_daemons": false},
            {"name": "TokenTimeout", "value": null, "default": null, "origin": "default",
             "line": null, "same_on_all_daemons": true}]})");
}

json comparison(const json& here, const json& there) {
    return {{"schema", 1},
            {"daemon", "node1"},
            {"file", here["file"]},
            {"hash", here["hash"]},
            {"others", {compared("node2", here, there)}}};
}

TEST(ConfigDifferences, BeginWithWhatMustBeTheSame) {
    const json here = configuration();
    json there = here;
    EXPECT_EQ(config_differences(here, there), json::array());
    there["options"][1]["value"] = "8";
    there["options"][2]["value"] = "400";
    there["options"][2]["line"] = 12;
    there["daemons"][1]["address"] = "10.0.0.22";
    there["daemons"].erase(0);
    const json differences = config_differences(here, there);
    ASSERT_EQ(differences.size(), 4U);
    EXPECT_EQ(differences[0]["setting"], "daemon node1");
    EXPECT_EQ(differences[0]["there"], json());
    EXPECT_EQ(differences[1]["setting"], "daemon node2 address");
    EXPECT_EQ(differences[2], json::parse(R"({"setting": "TokenTimeout", "must_be_same": true,
        "here": {"value": null, "line": null}, "there": {"value": "400", "line": 12}})"));
    EXPECT_EQ(differences[3]["setting"], "MaxSessions");
    EXPECT_EQ(differences[3]["must_be_same"], false);
}

TEST(ComparisonText, HasFilesLinesAndUnitsOfBothSides) {
    const json here = configuration();
    json there = here;
    there["file"] = "/etc/spread.conf";
    there["options"][1]["value"] = "8";
    there["options"][2]["value"] = "400";
    there["options"][2]["line"] = 12;
    const json both = comparison(here, there);
    EXPECT_TRUE(differs(both, false));
    EXPECT_EQ(comparison_text(both, false),
              "node1: /etc/spread/spread.conf, hash 12\n"
              "node2: /etc/spread.conf, hash 12\n"
              "  same hash, so they share a ring; it does not cover these, which hinder it:\n"
              "  SETTING       node1    node2\n"
              "  TokenTimeout  not set  400 ms (line 12)\n"
              "  otherwise in what each host may choose (--all): MaxSessions\n");
    EXPECT_THAT(comparison_text(both, true), HasSubstr("  each host may choose:\n"
                                                       "  SETTING      node1  node2\n"
                                                       "  MaxSessions  9      8\n"));
}

TEST(ComparisonText, SaysThatAnotherHashIsAnotherRing) {
    json there = configuration();
    there["hash"] = 13;
    there["daemons"][1]["port"] = 4804;
    EXPECT_THAT(comparison_text(comparison(configuration(), there), false),
                HasSubstr("  another hash: node1 and node2 are in no ring together\n"
                          "  SETTING            node1  node2\n"
                          "  daemon node2 port  4803   4804\n"));
}

TEST(ComparisonText, LongValuesLeaveTheTable) {
    json there = configuration();
    there["options"][0]["value"] = std::string(60, 'x');
    EXPECT_THAT(comparison_text(comparison(configuration(), there), true),
                HasSubstr("  DebugFlags\n    node1: { EXIT PRINT } (line 2)\n    node2: xxx"));
}

TEST(Comparison, WhatEachHostMayChooseCountsWithAll) {
    json there = configuration();
    there["options"][1]["value"] = "8";
    EXPECT_FALSE(differs(comparison(configuration(), there), false));
    EXPECT_TRUE(differs(comparison(configuration(), there), true));
    EXPECT_FALSE(differs(comparison(configuration(), configuration()), true));
    EXPECT_THAT(comparison_text(comparison(configuration(), configuration()), false),
                HasSubstr("node2: /etc/spread/spread.conf, hash 12\n"
                          "  the same in all that must be the same\n"));
}

TEST(Comparison, KnowsOfWhoCannotBeAskedWhatTheRingSays) {
    json both = comparison(configuration(), configuration());
    both["others"].push_back(
        {{"daemon", "node3"}, {"why", "it is away"}, {"same_settings", nullptr}});
    EXPECT_FALSE(differs(both, true));
    EXPECT_THAT(comparison_text(both, false), HasSubstr("\nnode3: NOT COMPARED: it is away\n"));
    both["others"][1]["same_settings"] = false;
    EXPECT_TRUE(differs(both, false));
}

TEST(Comparison, TakesWhatAnotherVersionSays) {
    for (const char* text : {"null", "{}", "{\"options\": 7}", "{\"options\": [1, {}]}",
                             "{\"daemons\": [{\"name\": 5}], \"hash\": []}"}) {
        const json there = json::parse(text);
        EXPECT_THAT(comparison_text(comparison(configuration(), there), true),
                    HasSubstr("another hash"))
            << text;
        EXPECT_THAT(config_text(there), HasSubstr("hash")) << text;
    }
}

TEST(ConfigText, HasLongValuesLastAndUnits) {
    json config = configuration();
    config["options"][2]["value"] = "400";
    config["options"][2]["line"] = 12;
    EXPECT_EQ(config_text(config),
              "/etc/spread/spread.conf, hash 12\n"
              "OPTION        ORIGIN   VALUE\n"
              "DebugFlags    line 2   { EXIT PRINT }\n"
              "MaxSessions   default  9\n"
              "TokenTimeout  line 12  400 ms\n");
}

TEST(ConfigText, OnlyWhatIsSetLeavesDefaultsOut) {
    const std::string text = config_text(configuration(), true);
    EXPECT_THAT(text, HasSubstr("DebugFlags"));
    EXPECT_THAT(text, Not(HasSubstr("MaxSessions")));
    json plain = configuration();
    plain["options"].erase(0);
    EXPECT_THAT(config_text(plain, true), HasSubstr("all options have their defaults\n"));
}

TEST(UnitOf, FollowsTheNamesOfOptions) {
    EXPECT_EQ(unit_of("SlowReaderTimeout"), "ms");
    EXPECT_EQ(unit_of("TokenTimeoutMax"), "ms");
    EXPECT_EQ(unit_of("MaxSessionBytes"), "bytes");
    EXPECT_EQ(unit_of("MaxSessionMessages"), "messages");
    EXPECT_EQ(unit_of("PersonalWindow"), "packets");
    EXPECT_EQ(unit_of("MemoryBudget"), "MiB");
    EXPECT_EQ(unit_of("MaxSessions"), "");
}

}  // namespace
}  // namespace spread::spreadctl
