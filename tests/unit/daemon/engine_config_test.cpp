#include "daemon/engine_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/identity.hpp"

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kBudget = std::uint64_t{4096} << 20U;

config::Configuration three_daemons(std::size_t segments = 1) {
    config::Configuration configuration;
    configuration.segments.resize(segments);
    for (std::uint32_t i = 1; i <= 3; ++i) {
        config::Daemon daemon;
        daemon.name = "d" + std::to_string(i);
        daemon.id = 100 + i;
        daemon.segment = i % segments;
        configuration.segments[daemon.segment].daemons.push_back(configuration.daemons.size());
        configuration.daemons.push_back(daemon);
    }
    return configuration;
}

TEST(EngineConfig, DaemonsKeepTheirFileOrder) {
    const auto ring = ring_config_of(three_daemons(), 1);
    EXPECT_THAT(ring.daemons, ElementsAre(protocol::DaemonId{101}, protocol::DaemonId{102},
                                          protocol::DaemonId{103}));
    EXPECT_EQ(ring.self, protocol::DaemonId{102});
    EXPECT_EQ(ring.config_hash, config::configuration_hash(three_daemons()));
}

TEST(EngineConfig, OneSegmentIsAcceleratedAndSeveralAreNot) {
    EXPECT_TRUE(ring_config_of(three_daemons(1), 0).accelerated);
    const auto wide = ring_config_of(three_daemons(2), 0);
    EXPECT_FALSE(wide.accelerated);
    EXPECT_EQ(wide.accelerated_window, 0U);
    auto explicit_on = three_daemons(2);
    explicit_on.accelerated_ring = true;
    EXPECT_TRUE(ring_config_of(explicit_on, 0).accelerated);
}

TEST(EngineConfig, AWideAreaIsGivenMoreTime) {
    const membership::RingConfig defaults;
    const auto wide = ring_config_of(three_daemons(2), 0);
    EXPECT_EQ(wide.token_loss_timeout, 4 * defaults.token_loss_timeout);
    EXPECT_EQ(wide.start_timeout, 4 * defaults.start_timeout);
    auto local = three_daemons(2);
    local.wide_area_network = false;
    EXPECT_EQ(ring_config_of(local, 0).token_loss_timeout, defaults.token_loss_timeout);
}

TEST(EngineConfig, ExplicitStockTimeoutsReplaceTheDefaults) {
    auto configuration = three_daemons();
    configuration.timeouts =
        config::StockTimeouts{1250ms, 3ms, 250ms, 40ms, 625ms, 500ms, 900ms, 1250ms, 2000ms};
    const auto ring = ring_config_of(configuration, 0);
    EXPECT_EQ(ring.token_loss_timeout, 1250ms);
    EXPECT_EQ(ring.token_loss_timeout_max, 1250ms) << "what the file says";
    EXPECT_EQ(ring.join_timeout, 40ms);
    EXPECT_EQ(ring.consensus_timeout, 900ms);
    EXPECT_EQ(ring.start_timeout, 1400ms);
    EXPECT_EQ(ring.merge_detect_timeout, 2000ms);
}

TEST(EngineConfig, ATokenTimeoutAloneScalesTheOthers) {
    const auto defaults = ring_config_of(three_daemons(), 0);
    auto configuration = three_daemons();
    configuration.timeouts.token = 500ms;
    const auto ring = ring_config_of(configuration, 0);
    EXPECT_EQ(ring.token_loss_timeout, 500ms);
    EXPECT_EQ(ring.token_loss_timeout_max, 5000ms);
    configuration.token_timeout_max = 700;
    EXPECT_EQ(ring_config_of(configuration, 0).token_loss_timeout_max, 700ms);
    EXPECT_EQ(ring.join_timeout, 2 * defaults.join_timeout);
    EXPECT_EQ(ring.consensus_timeout, 2 * defaults.consensus_timeout);
    EXPECT_EQ(ring.start_timeout, 2 * defaults.start_timeout);
    EXPECT_EQ(ring.merge_detect_timeout, 2 * defaults.merge_detect_timeout);
}

TEST(EngineConfig, AStockHurryTimeoutNeverSlowsTheRepairOfALostToken) {
    auto configuration = three_daemons();
    configuration.timeouts =
        config::StockTimeouts{1250ms, 500ms, 250ms, 250ms, 625ms, 500ms, 1250ms, 1250ms, 30000ms};
    EXPECT_EQ(ring_config_of(configuration, 0).token_retransmit_timeout,
              membership::RingConfig{}.token_retransmit_timeout);
}

TEST(EngineConfig, WindowsAreTakenWhenSetAndFitIntoEachOther) {
    auto configuration = three_daemons();
    configuration.window = 20;
    auto ring = ring_config_of(configuration, 0);
    EXPECT_EQ(ring.window, 20U);
    EXPECT_LE(ring.personal_window, ring.window);
    EXPECT_LE(ring.accelerated_window, ring.personal_window);
    EXPECT_EQ(ring.window_max, 20U);  // fixed

    configuration.window = 300;
    configuration.personal_window = 25;
    configuration.accelerated_window = 10;
    ring = ring_config_of(configuration, 0);
    EXPECT_EQ(ring.window, 300U);
    EXPECT_EQ(ring.personal_window, 25U);
    EXPECT_EQ(ring.accelerated_window, 10U);
}

TEST(EngineConfig, WindowsThatAreNotSetSizeThemselves) {
    auto configuration = three_daemons();
    const auto ring = ring_config_of(configuration, 0);
    EXPECT_GT(ring.window_max, ring.window);
    EXPECT_GE(ring.gap_max, 3 * ring.window_max);
    configuration.personal_window = 30;
    EXPECT_EQ(ring_config_of(configuration, 0).window_max, ring.window);
}

TEST(EngineConfig, GroupsKnowEveryDaemonByName) {
    const auto groups = group_config_of(three_daemons(), 2);
    ASSERT_EQ(groups.daemons.size(), 3U);
    EXPECT_EQ(groups.daemons[1].name, "d2");
    EXPECT_EQ(groups.daemons[1].id, protocol::DaemonId{102});
    EXPECT_EQ(groups.self, protocol::DaemonId{103});
}

TEST(EngineConfig, SessionsTakeTheirLimitsFromTheFile) {
    auto configuration = three_daemons();
    configuration.max_sessions = 20000;
    configuration.max_session_messages = 77;
    configuration.max_session_bytes = 123456;
    configuration.max_session_groups = 9;
    configuration.max_sessions_per_address = 8;
    configuration.slow_reader_policy = config::SlowReaderPolicy::kBlock;
    configuration.slow_reader_timeout = std::chrono::milliseconds(250);
    configuration.handshake_timeout = std::chrono::seconds(2);
    configuration.old_client_layout = false;
    const auto sessions = session_config_of(configuration, 0, kBudget);
    EXPECT_EQ(sessions.max_sessions, 20000U);
    EXPECT_EQ(sessions.max_session_messages, 77U);
    EXPECT_EQ(sessions.max_session_bytes, 123456U);
    EXPECT_EQ(sessions.max_session_groups, 9U);
    EXPECT_EQ(sessions.place_sessions_max, 8U);
    EXPECT_EQ(sessions.unix_sessions_reserved, 16U);
    EXPECT_EQ(sessions.slow_reader_policy, session::SlowReaderPolicy::kBlock);
    EXPECT_EQ(sessions.slow_reader_timeout, std::chrono::milliseconds(250));
    EXPECT_EQ(sessions.handshake_timeout, std::chrono::seconds(2));
    EXPECT_FALSE(sessions.old_client_layout);
    EXPECT_EQ(sessions.daemon_name, "d1");
    EXPECT_THAT(sessions.auth.allowed, ElementsAre("NULL"));
}

TEST(EngineConfig, SessionsTakeTheirMethodsFromTheFile) {
    auto configuration = three_daemons();
    configuration.allowed_auth_methods = {"IP", "PWORD"};
    configuration.required_auth_methods = {"IP"};
    const auto sessions = session_config_of(configuration, 0, kBudget);
    EXPECT_THAT(sessions.auth.allowed, ElementsAre("IP", "PWORD"));
    EXPECT_THAT(sessions.auth.required, ElementsAre("IP"));
}

TEST(EngineConfig, TheMemoryBudgetIsAShareOfWhatThereIs) {
    auto configuration = three_daemons();
    const auto budget = [&](std::uint64_t mib) {
        return memory_budget_of(configuration, {.bytes = mib << 20U, .whose = {}}) >> 20U;
    };
    EXPECT_EQ(budget(1000), 500U);
    EXPECT_EQ(budget(64000), 4096U);
    configuration.memory_budget = 9000;
    EXPECT_EQ(budget(1000), 9000U);

    auto sessions = session_config_of(configuration, 0, kBudget);
    EXPECT_EQ(sessions.queued_bytes_max, 1U << 30U);
    EXPECT_EQ(sessions.memberships_max, 1000000U);
    configuration.max_memberships = 70000;
    sessions = session_config_of(configuration, 0, kBudget / 64);
    EXPECT_EQ(sessions.queued_bytes_max, 16U << 20U);
    EXPECT_EQ(sessions.memberships_max, 20971U);
    EXPECT_EQ(session_config_of(configuration, 0, kBudget).memberships_max, 70000U);
}

TEST(EngineConfig, DatagramsFitTheInterfacesOfTheDaemon) {
    auto configuration = three_daemons();
    configuration.daemons[1].address = *config::parse_ip("10.0.0.2");
    LocalAddress own{.address = configuration.daemons[1].address,
                     .broadcast = {},
                     .interface = "eth0",
                     .interface_index = 2,
                     .mtu = 1500,
                     .loopback = false};
    const auto bytes = [&] { return datagram_bytes_of(configuration, 1, {own}); };
    EXPECT_EQ(bytes(), 1452U);
    for (const unsigned mtu : {9000U, 65536U, 0U}) {
        own.mtu = mtu;
        EXPECT_EQ(bytes(), 1452U) << mtu;
    }
    for (const unsigned mtu : {1280U, 1400U, 1420U, 1450U, 1460U}) {
        own.mtu = mtu;
        EXPECT_EQ(bytes(), mtu - 48) << mtu;
    }
    // The narrowest one that daemons are heard at counts.
    own.mtu = 1500;
    LocalAddress other = own;
    other.address = *config::parse_ip("10.9.9.9");
    other.mtu = 1300;
    configuration.daemons[1].interfaces.push_back({.address = own.address});
    configuration.daemons[1].interfaces.push_back({.address = other.address, .daemon = false});
    EXPECT_EQ(datagram_bytes_of(configuration, 1, {own, other}), 1452U);
    configuration.daemons[1].interfaces.back().daemon = true;
    EXPECT_EQ(datagram_bytes_of(configuration, 1, {own, other}), 1252U);
    configuration.datagram_bytes = 8952;
    EXPECT_EQ(datagram_bytes_of(configuration, 1, {own, other}), 8952U);
    configuration.ring_key_file = "k";
    EXPECT_EQ(wire_bytes_of(configuration, 1, {own, other}), 8952U);
    EXPECT_EQ(datagram_bytes_of(configuration, 1, {own, other}), 8952U - 48) << "sealing's part";
}

}  // namespace
}  // namespace spread::daemon
