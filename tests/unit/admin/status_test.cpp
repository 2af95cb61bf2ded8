#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/admin/metrics.hpp"
#include "daemon/admin/page.hpp"
#include "daemon/admin/status_json.hpp"
#include "tests/unit/admin/sample_status.hpp"

namespace spread::admin {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Verdict, NamesEachState) {
    Status status = sample_status();
    EXPECT_EQ(verdict_of(status).state, "degraded");
    EXPECT_EQ(verdict_of(status).sentence, "ring of 2 of 3 daemons; missing: node3");
    EXPECT_THAT(verdict_of(status).advice, ElementsAre("node3: token port closed"));

    status.ring.members = {"node1"};
    EXPECT_EQ(verdict_of(status).state, "alone");

    status.ring.members = {"node1", "node2", "node3"};
    status.ring.missing.clear();
    EXPECT_EQ(verdict_of(status).state, "healthy");
    EXPECT_TRUE(verdict_of(status).is_healthy());

    status.ring.state = "gather";
    EXPECT_EQ(verdict_of(status).state, "forming");

    status.sessions.reset();
    EXPECT_EQ(verdict_of(status).state, "stuck");
    EXPECT_THAT(verdict_of(status).advice[0], HasSubstr("4711"));
}

TEST(Verdict, MulticastThatIsLostIsAdviceAndNoDamage) {
    Status status = sample_status();
    status.ring.members = {"node1", "node2", "node3"};
    status.ring.missing.clear();
    status.ring.multicast_advice = "multicast does not reach node3";
    EXPECT_EQ(verdict_of(status).state, "healthy");
    EXPECT_THAT(verdict_of(status).advice, testing::ElementsAre("multicast does not reach node3"));
}

TEST(StatusJson, SaysWhatEachHasTold) {
    Status status = sample_status();
    status.ring.settings_sum = 5;
    status.peers[2].told = {"1.2.2", 4, 6, status.at};
    const auto peers = nlohmann::json::parse(status_json(status))["peers"];
    EXPECT_TRUE(peers[1]["told"].is_null());
    EXPECT_EQ(peers[2]["told"]["version"], "1.2.2");
    EXPECT_EQ(peers[2]["told"]["same_settings"], false);
    EXPECT_EQ(peers[2]["told"]["at"], "1970-01-01T00:18:20.000Z");
}

TEST(Verdict, AdvisesOnSettingsThatDifferThoughAllAreThere) {
    Status status = sample_status();
    status.ring.members = {"node1", "node2", "node3"};
    status.ring.missing.clear();
    status.peers[1].settings_difference = "TokenTimeout is 400 ms there, 250 ms here";
    EXPECT_EQ(verdict_of(status).state, "healthy");
    EXPECT_THAT(verdict_of(status).advice,
                ElementsAre("node2: its settings differ: TokenTimeout is 400 ms there, 250 ms "
                            "here; spreadctl config diff node2"));
    EXPECT_EQ(json::parse(status_json(status))["peers"][1]["settings_difference"],
              "TokenTimeout is 400 ms there, 250 ms here");
    EXPECT_TRUE(json::parse(status_json(status))["peers"][0]["settings_difference"].is_null());
}

TEST(Readiness, SaysWhenADaemonIsAlone) {
    Status status = sample_status();
    EXPECT_EQ(readiness_text(status), "ok, but with 2 of 3 daemons");
    status.ring.members = {"node1"};
    EXPECT_EQ(readiness_text(status), "ok, but alone (1 of 3 daemons)");
    status.ring.members = {"node1", "node2", "node3"};
    EXPECT_EQ(readiness_text(status), "ok");
    EXPECT_EQ(json::parse(health_json("ok, but alone"))["status"], "ok");
}

TEST(StatusJson, NamesSlowClientsAndWhoNeverOpenedASession) {
    Status status = sample_status();
    status.sessions->slow_clients = {
        {"#eve#node1", status.at - std::chrono::seconds(12), 580, 60000}};
    status.sessions->totals.closed[0] = 5;
    status.sessions->totals.unopened[0] = 4;
    status.ring.refused = 3;
    status.ring.refused_last = {status.started_at, "10.0.0.9:99", "sent junk"};
    const json value = json::parse(status_json(status));
    EXPECT_EQ(value["clients"]["slow_clients"][0]["name"], "#eve#node1");
    EXPECT_EQ(value["clients"]["slow_clients"][0]["slow_s"], 12.0);
    EXPECT_TRUE(value["clients"]["slow_reader_timeout_ms"].is_null());
    const std::string word(session::word_of(static_cast<session::CloseReason>(0)));
    EXPECT_EQ(value["clients"]["closed_total"][word], 5);
    EXPECT_EQ(value["clients"]["closed_unopened_total"][word], 4);
    EXPECT_EQ(value["ring"]["refused"]["datagrams"], 3);
    EXPECT_EQ(value["ring"]["refused"]["last_source"], "10.0.0.9:99");
}

TEST(Verdict, ARingThatNobodyWorksOnIsStuck) {
    Status status = sample_status();
    status.ring.is_stuck = true;
    EXPECT_EQ(verdict_of(status).state, "stuck");
    EXPECT_THAT(verdict_of(status).sentence, HasSubstr("ring"));
}

TEST(Verdict, ADaemonWithoutOthersIsHealthy) {
    Status status = sample_status();
    status.ring.members = {"node1"};
    status.ring.configured = 1;
    status.ring.missing.clear();
    EXPECT_EQ(verdict_of(status).state, "healthy");
}

TEST(StatusJson, HasWhatProgramsLookFor) {
    const json value = json::parse(status_json(sample_status()));
    EXPECT_EQ(value["schema"], 1);
    EXPECT_EQ(value["at"], "1970-01-01T00:18:20.000Z");
    EXPECT_EQ(value["verdict"]["state"], "degraded");
    EXPECT_EQ(value["ring"]["members"], 2);
    EXPECT_EQ(value["ring"]["missing"][0]["cause"], "token_port");
    EXPECT_EQ(value["peers"][1]["data_heard_ms_ago"], 20);
    EXPECT_TRUE(value["peers"][2]["data_heard_ms_ago"].is_null());
    EXPECT_EQ(value["clients"]["closed_total"]["slow_reader"], 0);
    EXPECT_EQ(value["daemon"]["uptime_s"], 100);
    EXPECT_EQ(value["counters"]["ring"]["packets_sent"], 5);
}

/// The names of all fields in it, however deep; not those of the counters, which have a table.
void add_fields(const nlohmann::json& value, std::set<std::string>& out) {
    if (!value.is_structured()) {
        return;
    }
    for (const auto& [name, inner] : value.items()) {
        if (value.is_object()) {
            out.insert(name);
        }
        if (name != "counters" && name != "closed_total") {
            add_fields(inner, out);
        }
    }
}

TEST(StatusJson, EachFieldIsInTheDocument) {
    std::ifstream in(std::string(SPREAD_TEST_DATA) + "/../../docs/status.md");
    const std::string document((std::istreambuf_iterator<char>(in)),
                               std::istreambuf_iterator<char>());
    ASSERT_FALSE(document.empty());
    Status status = sample_status();
    status.peers[1].told = {"1.2.2", 4, 6, status.at};
    std::set<std::string> fields;
    add_fields(nlohmann::json::parse(status_json(status)), fields);
    add_fields(nlohmann::json::parse(clients_json({ClientStatus()})), fields);
    add_fields(nlohmann::json::parse(groups_json({GroupStatus()})), fields);
    add_fields(nlohmann::json::parse(bans_json({BanStatus()})), fields);
    Event event;
    event.ring = "1.2";
    add_fields(nlohmann::json::parse(events_json({event})), fields);
    EXPECT_GT(fields.size(), 80U);
    for (const std::string& field : fields) {
        EXPECT_TRUE(std::regex_search(document, std::regex("[`.\"]" + field + "\\b"))) << field;
    }
}

TEST(StatusJson, WithoutTheSessionThreadItSaysSo) {
    Status status = sample_status();
    status.sessions.reset();
    const json value = json::parse(status_json(status));
    EXPECT_EQ(value["verdict"]["state"], "stuck");
    EXPECT_TRUE(value["clients"].is_null());
    EXPECT_TRUE(value["groups"].is_null());
}

TEST(StatusJson, BytesThatAreNoTextDoNotBreakIt) {
    ClientStatus client;
    client.name = "#\xff\xfe\"\n#node1";
    const json value = json::parse(clients_json({client}));
    EXPECT_THAT(value["clients"][0]["name"].get<std::string>(), HasSubstr("\"\n#node1"));
    EXPECT_EQ(json::parse(group_json("\xc3", {"\x80"}))["members"].size(), 1U);
}

TEST(StatusJson, ConfigSaysWhereAValueComesFrom) {
    config::Configuration configuration = config::default_configuration();
    const json value = json::parse(config_json(configuration));
    EXPECT_TRUE(value["file"].is_null());
    EXPECT_EQ(value["daemons"][0]["name"], "localhost");
    for (const json& option : value["options"]) {
        EXPECT_EQ(option["origin"], "default") << option;
    }
}

TEST(Metrics, EachHasHelpTypeAndSample) {
    const std::string text = metrics_text(sample_status(), sample_usage());
    EXPECT_THAT(text, HasSubstr("# HELP spread_ring_members "));
    EXPECT_THAT(text, HasSubstr("# TYPE spread_ring_members gauge\nspread_ring_members 2\n"));
    EXPECT_THAT(text, HasSubstr("spread_ring_member{daemon=\"node3\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("spread_ring_state{state=\"operational\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("spread_peer_left_out{daemon=\"node3\",cause=\"token_port\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE spread_ring_tokens_received_total counter\n"));
    EXPECT_THAT(text, HasSubstr("spread_ring_rotation_time_seconds 5e-09\n"));
    EXPECT_THAT(text, HasSubstr("spread_client_disconnects_total{reason=\"kicked\"} 0\n"));
}

TEST(Metrics, RotationsAreAHistogram) {
    Status status = sample_status();
    status.ring.rotations.add(std::chrono::microseconds(70));
    status.ring.rotations.add(std::chrono::seconds(5));
    const std::string text = metrics_text(status, sample_usage());
    EXPECT_THAT(text, HasSubstr("# TYPE spread_token_rotation_seconds histogram\n"
                                "spread_token_rotation_seconds_bucket{le=\"5e-05\"} 0\n"
                                "spread_token_rotation_seconds_bucket{le=\"0.0001\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("spread_token_rotation_seconds_bucket{le=\"1.6384\"} 1\n"
                                "spread_token_rotation_seconds_bucket{le=\"+Inf\"} 2\n"
                                "spread_token_rotation_seconds_sum 5.00007\n"
                                "spread_token_rotation_seconds_count 2\n"));
}

TEST(Metrics, FormationsAreAHistogram) {
    Status status = sample_status();
    for (const int milliseconds : {2, 3, 100, 7000}) {
        status.ring.formations.add_time(std::chrono::milliseconds(milliseconds));
    }
    status.ring.formations.changes = {{"joined", 3}, {"silent", 1}};
    const std::string text = metrics_text(status, sample_usage());
    EXPECT_THAT(text, HasSubstr("spread_ring_changes_total{reason=\"joined\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE spread_ring_formation_seconds histogram\n"
                                "spread_ring_formation_seconds_bucket{le=\"0.001\"} 0\n"
                                "spread_ring_formation_seconds_bucket{le=\"0.002\"} 1\n"
                                "spread_ring_formation_seconds_bucket{le=\"0.005\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("_bucket{le=\"0.1\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("_bucket{le=\"5\"} 3\n"
                                "spread_ring_formation_seconds_bucket{le=\"+Inf\"} 4\n"
                                "spread_ring_formation_seconds_sum 7.105\n"
                                "spread_ring_formation_seconds_count 4\n"));
}

TEST(Metrics, SamplesOfSeveralRowsAreTheirSum) {
    Status status = sample_status();
    const std::string text = metrics_text(status, sample_usage());
    EXPECT_THAT(text, HasSubstr("# TYPE spread_packets_total counter\n"
                                "spread_packets_total{direction=\"sent\"} 5\n"
                                "spread_packets_total{direction=\"received\"} 5\n"));
    EXPECT_THAT(text, Not(HasSubstr("spread_ring_packets_sent_total")));
    EXPECT_THAT(text, HasSubstr("spread_packets_dropped_total{reason=\"config\"} 5\n"
                                "spread_packets_dropped_total{reason=\"wire\"} 5\n"
                                "spread_packets_dropped_total{reason=\"malformed\"} 12\n"
                                "spread_packets_dropped_total{reason=\"auth\"} 48\n"
                                "spread_packets_dropped_total{reason=\"buffer\"} 6\n"));
    EXPECT_THAT(text, HasSubstr("spread_seal_rejected_forged_total 7\n"));
    EXPECT_THAT(text, HasSubstr("\nspread_own_pause_seconds_total 5e-09\n"));
    EXPECT_THAT(text, HasSubstr("\nspread_socket_receive_drops_total 6\n"));
    EXPECT_THAT(text, HasSubstr("\nspread_aru_lag_packets 0\n"));
}

TEST(Metrics, TrafficIsTheSendersService) {
    Status status = sample_status();
    session::Traffic::add(status.sessions->traffic.sent, protocol::kFifoMess, 30);
    session::Traffic::add(status.sessions->traffic.delivered, protocol::kSafeMess, 20);
    session::Traffic::add(status.sessions->traffic.delivered, protocol::kSafeMess, 5);
    session::Traffic::add(status.sessions->traffic.delivered, protocol::kRegMembMess, 99);
    const std::string text = metrics_text(status, sample_usage());
    EXPECT_THAT(text, HasSubstr("spread_messages_total{direction=\"sent\",service=\"fifo\"} 1\n"));
    EXPECT_THAT(text,
                HasSubstr("spread_messages_total{direction=\"delivered\",service=\"safe\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("_bytes_total{direction=\"delivered\",service=\"safe\"} 25\n"));
    EXPECT_THAT(text, HasSubstr("_total{direction=\"delivered\",service=\"unreliable\"} 0\n"));
}

TEST(Metrics, ASessionEndsOnceAndAHandshakeOnce) {
    Status status = sample_status();
    const auto rejected = static_cast<std::size_t>(session::CloseReason::kRejected);
    const auto slow = static_cast<std::size_t>(session::CloseReason::kSlowReader);
    status.sessions->totals.opened = 4;
    status.sessions->totals.closed[slow] = 2;
    status.sessions->totals.closed[rejected] = status.sessions->totals.unopened[rejected] = 3;
    const std::string text = metrics_text(status, sample_usage());
    EXPECT_THAT(text, HasSubstr("spread_client_connects_total{result=\"accepted\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("spread_client_connects_total{result=\"rejected\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("spread_client_disconnects_total{reason=\"slow_reader\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("spread_client_disconnects_total{reason=\"rejected\"} 0\n"));
}

TEST(Metrics, LabelsAreEscaped) {
    Status status = sample_status();
    status.peers[0].name = "a\"b\\c\nd";
    EXPECT_THAT(metrics_text(status, sample_usage()),
                HasSubstr("{daemon=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Page, LeadsWithTheVerdictAndEscapesNames) {
    PageData data{sample_status(), {}, {}, {}, {}, {}, {}};
    data.status.peers[1].name = "<script>";
    ClientStatus client;
    client.name = "#a&b#node1";
    data.clients.push_back(client);
    data.events.push_back({1, data.status.at, "ring_changed", "", "silent", "ring 3 -> 2", {}});
    data.seconds.push_back({10, 0, 1, 0});
    const std::string page = page_html(data);
    EXPECT_THAT(page, HasSubstr("DEGRADED: ring of 2 of 3 daemons; missing: node3"));
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
    EXPECT_THAT(page, HasSubstr("#a&amp;b#node1"));
    EXPECT_THAT(page, HasSubstr("ring 3 -&gt; 2"));
    EXPECT_THAT(page, Not(HasSubstr("http://")));  // nothing from elsewhere
    EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST(Page, ShowsWhatDaemonsSayOfEachOther) {
    PageData data{sample_status(), {}, {}, {}, {}, {}, {}};
    EXPECT_THAT(page_html(data), HasSubstr("The others have just been asked."));
    protocol::DaemonReport said;
    said.version = "1.2.<4";
    said.settings_sum = 1;
    said.heard = {{true, 0.0125, {}, {}, {}},
                  {true, {}, {}, {}, {}},
                  {false, {}, std::chrono::milliseconds(10), {}, {}}};
    data.answers = {{"node1", "", {}, {}, {}},
                    {"node2", "", {}, said, std::chrono::microseconds(210)},
                    {"node3", "", {}, {}, {}}};
    data.status.peers[1].lost_share = 0.5;
    std::string page = page_html(data);
    EXPECT_THAT(page, HasSubstr("<td data-l=\"round trip\">0.21 ms</td>"
                                "<td data-l=\"lost in / out\">50 % / 1.25 %</td>"
                                "<td data-l=\"release\">1.2.&lt;4</td>"
                                "<td data-l=\"settings\">DIFFER</td>"));
    EXPECT_THAT(page, HasSubstr("<tr><td>node2</td><td data-l=\"from node1\">1.25 %</td>"
                                "<td data-l=\"from node2\">-</td>"
                                "<td data-l=\"from node3\">not in its ring</td></tr>"));
    EXPECT_THAT(page, HasSubstr("<tr><td>node3</td><td data-l=\"from node1\">?</td>"));

    // Of many, only what is not well.
    data.answers.resize(17, {"node4", "", {}, said, {}});
    data.answers[4].more->heard.assign(17, {true, 0.0, {}, {}, {}});
    page = page_html(data);
    EXPECT_THAT(page,
                HasSubstr("<td>node2</td><td class=\"text\">node1 1.25 %, node3 not in its ring"));
    EXPECT_THAT(page, HasSubstr("<td>node1</td><td class=\"text\">does not say</td>"));
}

TEST(Page, ListsTheBusiestGroupsAndTheOptionsThatAreChanged) {
    PageData data{sample_status(), {}, {}, {}, {}, {}, {}};
    std::string page = page_html(data);
    EXPECT_THAT(page, HasSubstr("All options have their usual values."));
    EXPECT_THAT(page, HasSubstr("<h2>Busiest groups</h2>"));
    data.busiest = {std::chrono::seconds(2), {{"a<b", 7, 12345, 2048}, {"c", 1, 3, 10}}};
    data.changed = {{"MaxSessions", "500", "997", 12}, {"RuntimeDir", "\"/x&y\"", "", 0}};
    page = page_html(data);
    EXPECT_THAT(page, HasSubstr("Busiest groups, over the last 2.0 s"));
    EXPECT_THAT(page, HasSubstr("<td>a&lt;b</td><td data-l=\"members\">7</td>"
                                "<td data-l=\"messages/s\">12.3 k</td>"));
    EXPECT_LT(page.find("a&lt;b"), page.find("<td>c</td>"));
    EXPECT_THAT(page, HasSubstr("<td>MaxSessions</td><td class=\"text\">500</td>"
                                "<td data-l=\"usually\">997</td>"
                                "<td data-l=\"where\">line 12</td>"));
    EXPECT_THAT(page, HasSubstr("&quot;/x&amp;y&quot;"));
    EXPECT_THAT(page, HasSubstr("not in the file"));
}

TEST(StatusJson, BusiestGroupsHaveRates) {
    const auto json =
        nlohmann::json::parse(busiest_json({std::chrono::seconds(2), {{"g", 7, 12.5, 2048}}}));
    EXPECT_EQ(json["schema"], 1);
    EXPECT_EQ(json["over_ms"], 2000);
    EXPECT_EQ(json["groups"][0]["name"], "g");
    EXPECT_EQ(json["groups"][0]["members"], 7);
    EXPECT_EQ(json["groups"][0]["messages_per_s"], 12.5);
    EXPECT_EQ(json["groups"][0]["bytes_per_s"], 2048);
}

}  // namespace
}  // namespace spread::admin
