#include "tools/spreadctl/doctor.hpp"

#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/host.hpp"
#include "config/parse.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/unique_fd.hpp"
#include "tools/spreadctl/path_report.hpp"
#include "tools/spreadctl/tcp_probe.hpp"

namespace spread::spreadctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

config::Configuration two_hosts() {
    config::Configuration out;
    config::Segment segment;
    segment.port = 4803;
    segment.addresses = {*config::parse_ip("10.0.0.255")};
    segment.daemons = {0, 1};
    out.segments = {segment};
    for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
        config::Daemon daemon;
        daemon.name = "node" + std::to_string(out.daemons.size() + 1);
        daemon.address = *config::parse_ip(address);
        out.daemons.push_back(daemon);
    }
    return out;
}

std::string text_for(std::uint8_t heard, std::optional<std::uint8_t> hears_us, bool by_group) {
    return findings_text(
        path_findings(two_hosts(), 0, {{0, heard}, {{}, hears_us}}, {false, by_group}));
}

constexpr std::uint8_t kWell = kToken | kData | kGroup | kFullSized;

TEST(DoctorPacket, IsReadAsItWasWritten) {
    const DoctorPacket packet{123456789, 1, {0, 15, 3}, 1772366400250};
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1452}}) {
        const auto encoded = encode(packet, bytes);
        EXPECT_EQ(encoded.size(), std::max<std::size_t>(bytes, 25));
        const auto decoded = decode_doctor_packet(encoded);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->config_hash, packet.config_hash);
        EXPECT_EQ(decoded->sender, 1U);
        EXPECT_EQ(decoded->clock_ms, 1772366400250);
        EXPECT_THAT(decoded->heard, ElementsAre(0, 15, 3));
    }
}

TEST(DoctorPacket, WhatIsShortOrForeignIsNone) {
    auto encoded = encode({1, 1, {0, 0, 0}, 0});
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        EXPECT_FALSE(decode_doctor_packet(std::span(encoded).first(length))) << length;
    }
    encoded[12] = std::byte{3};
    EXPECT_FALSE(decode_doctor_packet(encoded)) << "a fourth of three";
    encoded[12] = std::byte{0};
    encoded[0] = std::byte{'x'};
    EXPECT_FALSE(decode_doctor_packet(encoded));
}

TEST(PathFindings, EachPortAndDirectionIsNamed) {
    EXPECT_EQ(
        text_for(kWell, kWell, true),
        "ok       node2 -> node1: UDP 10.0.0.1:4803, UDP 10.0.0.1:4804 and full-sized packets "
        "arrive, multicast too\n"
        "ok       node1 -> node2: UDP 10.0.0.2:4803, UDP 10.0.0.2:4804 and full-sized packets "
        "arrive, multicast too\n");
    EXPECT_THAT(text_for(kWell, kWell - kToken, true),
                HasSubstr("BAD      node1 -> node2 tokens: nothing arrives\n"
                          "           -> open UDP 10.0.0.2:4804 on the host of node2 for node1\n"));
    EXPECT_THAT(text_for(kToken, kWell, true),
                HasSubstr("BAD      node2 -> node1 data: nothing arrives\n"
                          "           -> open UDP 10.0.0.1:4803 on the host of node1 for node2\n"));
    EXPECT_THAT(text_for(kWell, kWell - kFullSized, true),
                HasSubstr("node1 -> node2 large packets"));
    EXPECT_THAT(text_for(kWell - kGroup, kWell, true),
                HasSubstr("WARNING  node2 -> node1 multicast: 10.0.0.255 does not arrive"));
    EXPECT_THAT(text_for(kWell - kGroup, kWell - kGroup, false),
                testing::Not(HasSubstr("WARNING")));
}

TEST(PathFindings, WhoSaysNothingIsADoubt) {
    EXPECT_THAT(text_for(0, std::nullopt, true),
                HasSubstr("WARNING  node2: nothing heard of a doctor there"));
    EXPECT_THAT(text_for(kWell, std::nullopt, true),
                HasSubstr("WARNING  node1 -> node2: its doctor has not said yet"));
    EXPECT_FALSE(is_any_bad(path_findings(two_hosts(), 0, {{0, 0}, {{}, {}}}, {false, true})));
}

TEST(PathFindings, ClocksAreCompared) {
    const auto text_with = [](std::int64_t ahead_ms) {
        return findings_text(path_findings(
            two_hosts(), 0, {{0, kWell}, {{}, kWell}, {{}, ahead_ms}}, {false, true}));
    };
    EXPECT_THAT(text_with(-3), HasSubstr("ok       node2 clock: 3 ms behind this host's\n"));
    EXPECT_THAT(text_with(3600001),
                HasSubstr("WARNING  node2 clock: 3600001 ms ahead of this host's\n"));
}

TEST(TcpFindings, SayWhatBecameOfConnections) {
    const auto text_of = [](TcpAnswer answer, bool runs) {
        return findings_text(
            tcp_findings(two_hosts(), 0, {TcpAnswer::kSilent, answer}, {true, runs}));
    };
    EXPECT_EQ(text_of(TcpAnswer::kAccepted, true),
              "ok       node2 clients: TCP 10.0.0.2:4803 accepts\n");
    EXPECT_THAT(text_of(TcpAnswer::kRefused, false),
                testing::StartsWith("ok       node2 clients: TCP 10.0.0.2:4803 can be reached"));
    EXPECT_THAT(text_of(TcpAnswer::kRefused, true),
                testing::StartsWith("WARNING  node2 clients: TCP 10.0.0.2:4803 refuses"));
    EXPECT_THAT(text_of(TcpAnswer::kSilent, true), HasSubstr("-> open TCP 10.0.0.2:4803"));
    EXPECT_THAT(text_of(TcpAnswer::kUnreachable, true), HasSubstr("cannot be reached"));
}

TEST(TcpProbe, AcceptedAndRefusedAreToldApart) {
    config::Configuration hosts = two_hosts();
    hosts.daemons[0].address = *config::parse_ip("127.0.0.1");
    hosts.daemons[1].address = *config::parse_ip("127.0.0.2");
    const daemon::UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    daemon::Endpoint at = daemon::make_endpoint(hosts.daemons[1].address, 0);
    ASSERT_EQ(::bind(listening.get(), at.address(), at.length), 0);
    ASSERT_EQ(::listen(listening.get(), 1), 0);
    at.length = sizeof at.storage;
    ASSERT_EQ(::getsockname(listening.get(), at.address(), &at.length), 0);
    hosts.segments[0].port = at.port();
    EXPECT_THAT(probe_tcp(hosts, std::chrono::seconds(30)),
                ElementsAre(TcpAnswer::kRefused, TcpAnswer::kAccepted));
}

TEST(DaemonFindings, TellWhatTheDaemonTells) {
    const auto status = nlohmann::json::parse(R"({
        "verdict": {"state": "degraded", "sentence": "ring of 2 of 3 daemons; missing: node3"},
        "ring": {"missing": [{"daemon": "node3", "cause": "token_port", "text": "open it"}]},
        "peers": [{"daemon": "node1", "self": true, "member": true},
                  {"daemon": "node2", "self": false, "member": true},
                  {"daemon": "node3", "self": false, "member": false}]})");
    const auto cluster = nlohmann::json::parse(R"({"daemons": [
        {"daemon": "node1", "answers": true}, {"daemon": "node2", "answers": true},
        {"daemon": "node3", "answers": false}]})");
    const auto findings = daemon_findings(status, cluster);
    EXPECT_TRUE(is_any_bad(findings));
    EXPECT_EQ(findings_text(findings),
              "BAD      daemon: ring of 2 of 3 daemons; missing: node3\n"
              "           -> see the lines below\n"
              "BAD      node3: not in the ring: token_port\n"
              "           -> open it\n"
              "ok       node2: in the ring; both ports and full-sized packets got through both "
              "ways when it "
              "formed\n"
              "WARNING  node3: does not answer within 1 s\n"
              "           -> does it run, with this configuration? is UDP open both ways?\n");
    EXPECT_EQ(nlohmann::json::parse(findings_json(findings))["findings"][1]["verdict"], "BAD");
    EXPECT_TRUE(is_any_bad(daemon_findings(nlohmann::json::object(), nlohmann::json::object())));
}

TEST(DaemonFindings, WarnOfOtherSettingsAndSlowClients) {
    const auto status = nlohmann::json::parse(R"({
        "verdict": {"state": "healthy", "sentence": "ring of 2 of 2 daemons"},
        "peers": [{"daemon": "node2", "self": false, "member": true,
                   "settings_difference": "TokenTimeout is 400 ms there, 250 ms here"}],
        "clients": {"queue_limit_messages": 1000, "queue_limit_bytes": 100000, "slow_clients":
            [{"name": "#eve#node1", "slow_s": 12, "queue_messages": 580, "queue_bytes": 1}]}})");
    const auto findings = daemon_findings(status, nlohmann::json::object());
    EXPECT_FALSE(is_any_bad(findings));
    EXPECT_THAT(
        findings_text(findings),
        testing::AllOf(HasSubstr("WARNING  node2 settings: differ: TokenTimeout is 400 ms "
                                 "there, 250 ms here\n"),
                       HasSubstr("-> make the files the same and restart; spreadctl config "
                                 "diff node2\n"),
                       HasSubstr("WARNING  clients: #eve#node1 has read too slowly for 12.0 "
                                 "s: its queue holds 58 % of 1000 messages")));
}

}  // namespace
}  // namespace spread::spreadctl
