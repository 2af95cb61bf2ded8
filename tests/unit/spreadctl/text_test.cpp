#include "tools/spreadctl/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

json degraded() {
    return json::parse(R"({"schema": 1,
        "verdict": {"state": "degraded", "sentence": "ring of 2 of 3 daemons; missing: node3",
                    "advice": ["node3: open UDP 10.0.0.3:4804 there"]},
        "ring": {"members": 2, "configured": 3, "member_names": ["node1", "node2"],
                 "state": "operational",
                 "missing": [{"daemon": "node3", "cause": "token_port", "text": "open it"}]},
        "peers": [{"daemon": "node1", "self": true, "member": true, "address": "10.0.0.1",
                   "port": 4803},
                  {"daemon": "node3", "self": false, "member": false, "address": "10.0.0.3",
                   "port": 4803, "data_heard_ms_ago": 200, "token_heard_ms_ago": null}],
        "clients": {"connected": 4, "max": 997, "slow": 0, "queue_bytes": 0},
        "counters": {"ring": {"rotation_time": 210000}}})");
}

TEST(StatusText, LeadsWithVerdictAndAdvice) {
    EXPECT_THAT(status_text(degraded()),
                StartsWith("DEGRADED  ring of 2 of 3 daemons; missing: node3\n"
                           "  node3: open UDP 10.0.0.3:4804 there\n"));
}

TEST(StatusText, WhatAnotherVersionDoesNotSayIsAQuestionMark) {
    EXPECT_THAT(status_text(json::object()), StartsWith("?  ?\n"));
    EXPECT_THAT(status_text(degraded()), HasSubstr("representative ?"));
}

TEST(StatusText, NamesSlowClientsAndWhatWillBecomeOfThem) {
    json status = degraded();
    status["clients"].update(json::parse(R"({"queue_limit_messages": 1000,
        "queue_limit_bytes": 100000000, "slow_clients": [{"name": "#eve#node1", "slow_s": 12,
        "queue_messages": 580, "queue_bytes": 60000}]})"));
    EXPECT_THAT(
        status_text(status),
        HasSubstr("slow     #eve#node1 has read too slowly for 12.0 s: its queue holds 58 % "
                  "of 1000 messages, 60 kB; at the limit it is disconnected, and what waits "
                  "is lost\n"));
    status["clients"]["slow_reader_timeout_ms"] = 5000;
    EXPECT_THAT(status_text(status), HasSubstr("at the limit all wait for it, after 5.0 s of that "
                                               "it is disconnected"));
    status["clients"]["slow_clients"][0]["queue_bytes"] = 90000000;
    EXPECT_THAT(status_text(status), HasSubstr("its queue holds 90 % of 100.0 MB, 90.0 MB"));
}

TEST(StatusText, SaysWhyTheTokenTimeoutIsNotTheOneOfTheFile) {
    json status = degraded();
    status["ring"]["token_timeout_ms"] = 400;
    status["ring"]["token_timeout_least_ms"] = 400;
    EXPECT_THAT(status_text(status), HasSubstr("given up after 400 ms of silence\n"));
    status["ring"]["token_timeout_ms"] = 560;
    EXPECT_THAT(status_text(status),
                HasSubstr("given up after 560 ms of silence (TokenTimeout is 400 ms here; the ring "
                          "takes the largest of its members' values"));
}

TEST(StatusText, SaysWhoSendsWhatIsNotOfTheRing) {
    json status = degraded();
    EXPECT_THAT(status_text(status), testing::Not(HasSubstr("refused")));
    status["ring"]["refused"] = {{"datagrams", 12},
                                 {"last_at", "2026-03-01T12:00:00.250Z"},
                                 {"last_source", "10.0.0.9:99"},
                                 {"last_text", "sent junk"}};
    EXPECT_THAT(status_text(status),
                HasSubstr("refused  12 datagrams that are not of this ring; the last at 2026-03-01 "
                          "12:00:00 UTC: 10.0.0.9:99 sent junk\n"));
}

TEST(PeersText, ShowsBothDirections) {
    json status = degraded();
    status["daemon"]["name"] = "node1";
    status["peers"][1]["by_multicast"] = false;
    const json cluster = json::parse(R"({"daemons": [{"daemon": "node3", "heard": [
        {"daemon": "node1", "data_heard_ms_ago": 1500, "multicast_heard_ms_ago": null,
         "token_heard_ms_ago": null}]}]})");
    EXPECT_THAT(peers_text(status, cluster),
                testing::AllOf(HasSubstr("HEARD ON DATA  MULTICAST  TOKEN PORT  HEARS US ON DATA"),
                               testing::ContainsRegex("node3 .*NO +0.2 s ago +- +never +1.5 s ago "
                                                      "+- +never ")));
    EXPECT_THAT(peers_text(status, json::object()),
                testing::ContainsRegex("node3 .*NO +0.2 s ago +- +never +[?] +- +[?] "));
}

TEST(PeersText, SaysWhichPortIsSilent) {
    const std::string text = peers_text(degraded(), json::object());
    EXPECT_THAT(text, HasSubstr("node1*  10.0.0.1:4803  yes"));
    EXPECT_THAT(text, HasSubstr("node3   10.0.0.3:4803  NO    0.2 s ago"));
    EXPECT_THAT(text, HasSubstr("token_port: open it\n"));
}

TEST(PeersText, SaysHowFarAndHowLossyTheOthersAreAndWhetherTheirFilesAgree) {
    json status = degraded();
    status["daemon"]["name"] = "node1";
    status["peers"][1]["lost_share"] = 0.00001;
    const json cluster = json::parse(R"({"daemons": [
        {"daemon": "node1", "version": "1.2.3", "same_settings": true, "rtt_us": null, "heard": []},
        {"daemon": "node3", "version": "1.2.2", "wire": 7, "same_settings": false, "rtt_us": 210,
         "cause": null, "report": {"packets_retransmitted": 12},
         "heard": [{"daemon": "node1", "lost_share": 0.0125},
                   {"daemon": "node3", "lost_share": null}]}]})");
    EXPECT_THAT(peers_text(status, cluster),
                HasSubstr("0.21 ms  <0.01 % / 1.25 %  1.2.2    DIFFERS"));
    const json node3 = peers_of(status, cluster)[1];
    EXPECT_EQ(node3["lost_share_there"], 0.0125);
    EXPECT_EQ(node3["packets_retransmitted"], 12);
    // As long as files differ there is no ring with it, and nobody asks further.
    json other = cluster;
    other["daemons"][1] = json::parse(R"({"daemon": "node3", "cause": "other_config"})");
    EXPECT_EQ(peers_of(status, other)[1]["same_settings"], false);
}

TEST(PeersText, WhatASilentDaemonHasToldIsInThePast) {
    json status = degraded();
    const json cluster = json::parse(R"({"daemons": [{"daemon": "node3", "version": null,
        "same_settings": null}]})");
    EXPECT_THAT(peers_text(status, cluster),
                testing::ContainsRegex("node3 .* \\? +\\? +token_port"));
    status["peers"][1]["told"] = {{"version", "1.2.2"}, {"same_settings", false}};
    EXPECT_THAT(peers_text(status, cluster), HasSubstr("was 1.2.2  DIFFERED"));
    status["peers"][1]["told"]["same_settings"] = true;
    EXPECT_THAT(peers_text(status, cluster), HasSubstr("was 1.2.2  was same"));
}

TEST(StatusText, SaysWhoseFileDiffers) {
    json status = degraded();
    EXPECT_THAT(status_text(status), HasSubstr("; not known of node3\n"));
    json probed = status;
    probed["peers"][1]["settings_difference"] = "TokenTimeout is 400 ms there, 250 ms here";
    EXPECT_THAT(status_text(probed), HasSubstr("; DIFFERS from that of node3"));
    status["peers"][1]["told"] = {{"version", "1.2.2"}, {"same_settings", false}};
    EXPECT_THAT(status_text(status), HasSubstr("; DIFFERS from that of node3 (spreadctl config "));
    status["peers"][1]["told"]["same_settings"] = true;
    EXPECT_THAT(status_text(status), HasSubstr("; the same settings at node3\n"));
}

TEST(ClusterText, NamesWhoDoesNotAnswer) {
    const json good = json::parse(R"({"state": "operational", "members": 2,
        "representative": "node1", "uptime_s": 300, "clients": 4, "groups": 2, "ring_changes": 1,
        "window_packets": 264, "personal_window_packets": 88, "accelerated_window_packets": 44})");
    json cluster = {{"daemons",
                     {{{"daemon", "node1"},
                       {"address", "10.0.0.1"},
                       {"verdict", "healthy"},
                       {"cause", nullptr},
                       {"report", good}},
                      {{"daemon", "node2"},
                       {"address", "10.0.0.2"},
                       {"verdict", "healthy"},
                       {"cause", nullptr},
                       {"report", good}}}}};
    EXPECT_TRUE(is_whole(cluster));
    EXPECT_THAT(cluster_text(cluster),
                HasSubstr("node2   10.0.0.2  HEALTHY  operational  2 of 2  node1           5 min  "
                          "4"));
    EXPECT_THAT(cluster_text(cluster), HasSubstr("264 / 88 / 44\n"));
    cluster["daemons"][1]["report"]["representative"] = "node2";
    EXPECT_FALSE(is_whole(cluster)) << "two rings of two";
    cluster["daemons"][1]["report"] = nullptr;
    EXPECT_FALSE(is_whole(cluster));
    cluster["daemons"][1]["cause"] = "silent";
    cluster["daemons"][1]["text"] = "is it up?";
    EXPECT_THAT(cluster_text(cluster),
                testing::AllOf(HasSubstr("node2   10.0.0.2  NO ANSWER within 1 s\n"),
                               testing::EndsWith("\nnode2 is missing here: silent: is it up?\n")));
    EXPECT_FALSE(is_whole(json::object()));
}

TEST(ClusterText, SaysHowSettingsDiffer) {
    const json cluster = json::parse(R"({"daemons": [
        {"daemon": "node1", "same_settings": true, "settings_difference": null},
        {"daemon": "node2", "same_settings": false,
         "settings_difference": "TokenTimeout is 400 ms there, 250 ms here"},
        {"daemon": "node3", "same_settings": false}]})");
    EXPECT_THAT(cluster_text(cluster),
                testing::EndsWith("node2: its settings differ: TokenTimeout is 400 ms there, 250 "
                                  "ms here; spreadctl config diff node2\n"
                                  "node3: its settings differ: it has not shown them yet; "
                                  "spreadctl config diff node3\n"));
}

TEST(ClientsText, ShowsProcessesOfTheUnixSocket) {
    const json clients = json::parse(R"([{"name": "#eve#node1", "address": "unix", "process": 12,
        "user": 1000, "groups": 2, "messages_in": 3, "messages_out": 4, "queue_messages": 5,
        "queue_bytes": 60000, "socket_bytes": 7000000, "since": "2026-03-01T12:00:00.250Z", "library": "5.0.1",
        "state": "slow"}])");
    EXPECT_THAT(
        clients_text(clients),
        HasSubstr(
            "#eve#node1  unix (process 12, user 1000)  2       3   4    5 msg, 60 kB  7000 kB  "
            "2026-03-01 12:00:00  5.0.1    slow\n"));
}

TEST(ClientsText, WithoutSlowOnesSaysForWhomMostWaits) {
    EXPECT_EQ(no_clients_text(json()), "no clients\n");
    const json longest = {
        {"name", "#eve#node1"}, {"queue_messages", 371}, {"queue_bytes", 2965000}};
    EXPECT_EQ(no_clients_text(longest),
              "no client is slow; most waits for #eve#node1: 371 messages, 2965 kB\n");
    const json unread = {{"name", "#eve#node1"},
                         {"queue_messages", 0},
                         {"queue_bytes", 0},
                         {"socket_bytes", 2965000}};
    EXPECT_THAT(no_clients_text(unread),
                HasSubstr("#eve#node1: 0 messages, 0 B, and 2965 kB in its socket\n"));
    EXPECT_EQ(
        no_clients_text(json(), 2),
        "no clients\n2 disconnected for that since the daemon's start: spreadctl events names "
        "them\n");
}

TEST(EventLine, HasTimeWhatWhyAndHowLong) {
    const json event = json::parse(R"({"number": 3, "at": "2026-03-01T12:00:00.250Z",
        "event": "ring_changed", "subject": null, "cause": "silent", "text": "ring 3 -> 2",
        "took_us": 1500})");
    EXPECT_EQ(event_line(event),
              "2026-03-01 12:00:00.250Z  ring_changed   ring 3 -> 2 [silent] in 1.5 ms");
}

TEST(EventLine, NamesItsSubjectOnce) {
    const json event = json::parse(R"({"number": 3, "at": "2026-03-01T12:00:00.250Z",
        "event": "client_dropped", "subject": "#eve#node1", "cause": "slow_reader",
        "text": "#eve#node1 from 10.0.0.41:5012: reads too slowly", "took_us": null})");
    EXPECT_EQ(
        event_line(event),
        "2026-03-01 12:00:00.250Z  client_dropped #eve#node1 from 10.0.0.41:5012: reads too slowly "
        "[slow_reader]");
}

TEST(EventsOfAll, NameTheDaemonsAndThoseThatCannotBeAsked) {
    const json all = json::parse(R"({"events": [
        {"daemon": "n1", "at": "2026-03-01T12:00:00.250Z", "event": "slow_end", "subject": null,
         "cause": null, "text": "a", "took_us": null},
        {"daemon": "node2", "at": "2026-03-01T12:00:00.260Z", "event": "slow_end", "subject": null,
         "cause": null, "text": "b", "took_us": null}],
        "silent": [{"daemon": "n3", "why": "it is away"}]})");
    EXPECT_EQ(events_of_all_text(all),
              "n1     2026-03-01 12:00:00.250Z  slow_end       a\n"
              "node2  2026-03-01 12:00:00.260Z  slow_end       b\n"
              "n3 cannot be asked: it is away\n");
}

TEST(Plugin, FollowsTheRulesOfMonitoringPlugins) {
    EXPECT_EQ(plugin_of(degraded(), 0).status, 2);
    EXPECT_EQ(plugin_of(degraded(), 0).line,
              "SPREAD CRITICAL - 2 of 3 daemons, missing node3 (token_port) | members=2;;3: "
              "clients=4;;997 slow=0 queue_bytes=0B rotation=0.000210s");
    EXPECT_EQ(plugin_of(degraded(), 2).status, 0);
    json slow = degraded();
    slow["clients"]["slow"] = 2;
    EXPECT_EQ(plugin_of(slow, 2).status, 1);
    EXPECT_THAT(plugin_of(slow, 2).line, StartsWith("SPREAD WARNING - 2 of 2 daemons"));
    EXPECT_THAT(plugin_of(slow, 2).line, HasSubstr(", 2 slow clients |"));
    slow["clients"]["slow"] = 1;
    EXPECT_THAT(plugin_of(slow, 2).line, HasSubstr(", 1 slow client |"));
    json differs = degraded();
    differs["peers"][1]["settings_difference"] = "TokenTimeout";
    EXPECT_EQ(plugin_of(differs, 2).status, 1);
    EXPECT_THAT(plugin_of(differs, 2).line, HasSubstr(", other settings at node3"));
    json stuck = degraded();
    stuck["verdict"]["state"] = "stuck";
    EXPECT_EQ(plugin_of(stuck, 1).status, 2);
    json old = degraded();
    old["ring"]["facts_age_ms"] = 5500;
    using seconds = std::chrono::duration<double>;
    EXPECT_EQ(plugin_of(old, 2, seconds(5)).status, 3);
    EXPECT_THAT(plugin_of(old, 2, seconds(5)).line,
                StartsWith("SPREAD UNKNOWN - 2 of 2 daemons, missing node3 (token_port), what the "
                           "ring says is 5.5 s old"));
    EXPECT_EQ(plugin_of(old, 2, seconds(6)).status, 0);
}

TEST(GroupsText, ShowsRatesWhereTheyWereLookedFor) {
    json groups = json::parse(R"([{"name": "chat", "members": 2, "messages": 70}])");
    EXPECT_EQ(groups_text(groups), "MEMBERS  MESSAGES  GROUP\n2        70        chat\n");
    groups[0]["messages_per_s"] = 3.5;
    EXPECT_EQ(groups_text(groups), "MEMBERS  MESSAGES/s  GROUP\n2        3.5         chat\n");
}

TEST(BansText, SaysThatThereAreNone) {
    EXPECT_EQ(bans_text(json::parse(R"({"bans": []})")), "nobody is kept out\n");
}

TEST(BansText, SaysWhomForHowLongAndWhy) {
    const json bans = json::parse(R"({"bans": [{"subject": "user:eve", "left_s": 300,
        "until": "2026-03-01T12:00:00.250Z", "refused": 3, "by": "process 1 of user 0",
        "reason": null}]})");
    EXPECT_THAT(bans_text(bans), HasSubstr("user:eve  5 min  2026-03-01 12:00:00  3        process "
                                           "1 of user 0\n"));
}

TEST(Encoded, LeavesOnlyPlainCharacters) {
    EXPECT_EQ(encoded("#a b&c=d%"), "%23a%20b%26c%3Dd%25");
    EXPECT_EQ(encoded("Az09-._~"), "Az09-._~");
    EXPECT_EQ(encoded("\xff"), "%FF");
}

}  // namespace
}  // namespace spread::spreadctl
