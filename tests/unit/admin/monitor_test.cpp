#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/admin/cluster_json.hpp"
#include "daemon/admin/monitor_report.hpp"
#include "daemon/admin/partition_text.hpp"
#include "sample_status.hpp"

namespace spread::admin {
namespace {

using nlohmann::json;
using testing::ElementsAre;

protocol::Roster three_nodes() {
    return protocol::Roster({{protocol::DaemonId{7}, "node1"},
                             {protocol::DaemonId{8}, "node2"},
                             {protocol::DaemonId{9}, "node3"}});
}

std::vector<std::int16_t> parsed(const std::string& text) {
    return parse_partition(text, three_nodes()).value_or(std::vector<std::int16_t>{});
}

std::string error_of(const std::string& text) {
    const auto components = parse_partition(text, three_nodes());
    return components ? "" : components.error();
}

TEST(PartitionText, NamesWithSlashesBetweenComponents) {
    EXPECT_THAT(parsed("node1 node2 / node3"), ElementsAre(0, 0, 1));
    EXPECT_THAT(parsed("node3/node1"), ElementsAre(1, 2, 0)) << "the rest is a component, too";
    EXPECT_THAT(parsed("node2"), ElementsAre(1, 0, 1));
    for (const char* text : {"node1 node2 / node3", "node1 / node2 / node3"}) {
        EXPECT_EQ(describe_partition(parsed(text), three_nodes()), text);
    }
}

TEST(PartitionText, WhatIsNoPartitionIsSaid) {
    EXPECT_EQ(error_of("node1 / node4"), "no daemon node4 is configured");
    EXPECT_EQ(error_of("node1 / node1"), "node1 is named twice");
    for (const char* text : {"", "/", "node1 node2 node3"}) {
        EXPECT_THAT(error_of(text), testing::HasSubstr("that is no partition")) << text;
    }
}

TEST(MonitorReport, IsTheStatusAsStockCountsIt) {
    Status status = sample_status();
    status.ring.personal_window = 88;
    const protocol::MonitorReport report = monitor_report(status);
    EXPECT_EQ(report.seconds, 100U);
    EXPECT_EQ(report.state, protocol::MonitorState::kOperational);
    EXPECT_EQ(report.group_state, protocol::MonitorGroupState::kStable);
    EXPECT_EQ(report.self.value, 7U);
    EXPECT_EQ(report.leader.value, 7U);
    EXPECT_EQ(report.daemons, 2U);
    EXPECT_EQ(report.segments, 1U);
    EXPECT_EQ(report.sessions, 2U);
    EXPECT_EQ(report.packets_delivered, 10U) << "own ones and those of others";
    EXPECT_EQ(report.personal_window, 88U);
    EXPECT_FALSE(report.accelerated_ring);

    status.ring.state = "recovery";
    status.sessions.reset();
    EXPECT_EQ(monitor_report(status).state, protocol::MonitorState::kRecovery);
    EXPECT_EQ(monitor_report(status).group_state, protocol::MonitorGroupState::kExchange);
}

TEST(ClusterJson, WhoDoesNotAnswerIsThereAllTheSame) {
    const auto value =
        json::parse(cluster_json({{"node1", "10.0.0.1", monitor_report(sample_status())},
                                  {"node2", "10.0.0.2", std::nullopt}},
                                 {{"node2", "silent", "is it up?", {}}}, three_nodes()));
    EXPECT_EQ(value["schema"], 1);
    EXPECT_EQ(value["daemons"][0]["report"]["representative"], "node1");
    EXPECT_EQ(value["daemons"][0]["report"]["members"], 2);
    EXPECT_EQ(value["daemons"][0]["verdict"], "degraded") << "2 of 3";
    EXPECT_TRUE(value["daemons"][0]["cause"].is_null());
    EXPECT_EQ(value["daemons"][1]["answers"], false);
    EXPECT_EQ(value["daemons"][1]["verdict"], "silent");
    EXPECT_EQ(value["daemons"][1]["cause"], "silent");
    EXPECT_EQ(value["daemons"][1]["text"], "is it up?");
    EXPECT_TRUE(value["daemons"][1]["report"].is_null());
}

}  // namespace
}  // namespace spread::admin
