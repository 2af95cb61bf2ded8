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

/// node2 is missing, and it is known why.
RingStatus sample_ring() {
    RingStatus out;
    out.settings_sum = 77;
    out.missing = {{"node2", "silent", "is it up?", {}}};
    return out;
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
                                 sample_ring(), three_nodes()));
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
    EXPECT_TRUE(value["daemons"][0]["version"].is_null()) << "a release that does not tell";
    EXPECT_TRUE(value["daemons"][0]["heard"].is_null());
}

TEST(ClusterJson, WhatDaemonsSayOfEachOther) {
    Status status = sample_status();
    status.ring.settings_sum = 77;
    status.peers[1].packets = 20000;
    status.peers[1].lost = 3;
    status.peers[1].lost_share = 0.00015;
    DaemonAnswer node2{"node2", "10.0.0.2", monitor_report(status),
                       daemon_report(status, 5, std::chrono::microseconds(100)),
                       std::chrono::microseconds(210)};
    auto value = json::parse(cluster_json({node2}, sample_ring(), three_nodes()))["daemons"][0];
    EXPECT_EQ(value["version"], "1.2.3");
    EXPECT_EQ(value["wire"], 4);
    EXPECT_EQ(value["same_settings"], true);
    EXPECT_EQ(value["rtt_us"], 210);
    EXPECT_EQ(value["heard"][1]["daemon"], "node2");
    EXPECT_EQ(value["heard"][1]["member"], true);
    EXPECT_EQ(value["heard"][1]["data_heard_ms_ago"], 20);
    EXPECT_EQ(value["heard"][1]["lost_share"], 0.00015);
    EXPECT_TRUE(value["heard"][2]["lost_share"].is_null());
    node2.more->settings_sum = 78;
    value = json::parse(cluster_json({node2}, sample_ring(), three_nodes()))["daemons"][0];
    EXPECT_EQ(value["same_settings"], false);
}

}  // namespace
}  // namespace spread::admin
