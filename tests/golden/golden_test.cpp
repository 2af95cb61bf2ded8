// Replays the recorded conversations of clients with a stock daemon against the real daemon, over
// real sockets. Where the daemon deliberately does better than stock, deviations.cpp says so.

#include <sys/resource.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/golden/cluster.hpp"
#include "tests/golden/deviations.hpp"
#include "tests/golden/replay.hpp"
#include "tests/golden/scenario.hpp"
#include "tests/support/test_client.hpp"

namespace spread::golden {
namespace {

using support::DaemonKind;

/// Sessions a daemon serves at once (CP 1).
constexpr int kSessionsMax = 997;

/// A stock daemon looks for daemons that are back every 30 s only.
constexpr std::chrono::seconds kStockPatience(90);

Scenario load(const std::string& name) {
    Scenario scenario = load_scenario(scenario_file(name));
    settle_order(scenario);
    return scenario;
}

/// Recordings that need more than being played: a test of its own each.
bool needs_own_test(const std::string& name) {
    return name == "connect-quota";
}

std::vector<std::string> replayed_scenarios() {
    auto names = scenario_names();
    std::erase_if(names, needs_own_test);
    return names;
}

Pieces recorded_pieces(const std::string& name) {
    // The relay that recorded these put the pieces together.
    if (name == "dribble") {
        return Pieces::kSingleRequests;
    }
    return name == "handshake-fragmented" ? Pieces::kSingleBytes : Pieces::kWhole;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
    std::string name = info.param;
    std::erase_if(name, [](char c) { return c == '.'; });
    for (char& c : name) {
        if (c == '-') {
            c = '_';
        }
    }
    return name;
}

/// The two-daemon conversations need network namespaces. Without them the test is skipped, loudly.
#define SPREAD_REQUIRE_PRIVATE_NETWORK()                                        \
    do {                                                                        \
        if (!support::enter_private_network().empty()) {                        \
            GTEST_SKIP() << "NOT TESTED: " << support::enter_private_network(); \
        }                                                                       \
    } while (false)

void allow_many_sockets() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void play_against(DaemonKind kind, const Scenario& scenario, Pieces pieces) {
    const auto patience = kind == DaemonKind::kStock ? kStockPatience : support::kPatience;
    RealCluster cluster(kind, scenario.has_two_daemons ? 2 : 1);
    replay(scenario, cluster, pieces, patience);
    ASSERT_EQ(cluster.ring().daemon(0).stop(), 0) << cluster.ring().logs();
}

void refuses_one_session_too_many(DaemonKind kind) {
    allow_many_sockets();
    RealCluster cluster(kind, 1);
    std::vector<support::TestClient> sessions;
    sessions.reserve(kSessionsMax);
    for (int i = 0; i < kSessionsMax; ++i) {
        sessions.emplace_back(cluster.connect("d1"), "s" + std::to_string(i), false);
    }
    replay(load("connect-quota"), cluster);
    // The refusal is no dead end: when somebody leaves, the next one is welcome.
    sessions.back().kill();
    sessions.back().connection().drain();
    sessions.pop_back();
    sessions.emplace_back(cluster.connect("d1"), "late", false);
}

class GoldenReplay : public testing::TestWithParam<std::string> {};

TEST_P(GoldenReplay, AnswersAsRecorded) {
    Scenario scenario = load(GetParam());
    if (scenario.has_two_daemons) {
        SPREAD_REQUIRE_PRIVATE_NETWORK();
    }
    expect_better_than_stock(scenario);
    play_against(DaemonKind::kOurs, scenario, recorded_pieces(scenario.name));
}

INSTANTIATE_TEST_SUITE_P(Recordings, GoldenReplay, testing::ValuesIn(replayed_scenarios()),
                         test_name);

// Stock insists on the opening bytes in one piece; requests may come in any pieces with both.
TEST(GoldenReplayInSingleBytes, AnswersAsRecorded) {
    for (const auto& name : replayed_scenarios()) {
        Scenario scenario = load(name);
        // One of these sends nothing; the others' requests look like everybody's.
        if (scenario.has_two_daemons || name == "handshake-silent") {
            continue;
        }
        expect_better_than_stock(scenario);
        RealCluster cluster(DaemonKind::kOurs, 1);
        replay(scenario, cluster, Pieces::kSingleBytes);
    }
}

TEST(GoldenReplayWithFullHouse, RefusesOneSessionTooMany) {
    refuses_one_session_too_many(DaemonKind::kOurs);
}

// Checks the replayer itself against what was recorded. Needs an installed stock daemon.
TEST(GoldenReplayOfStock, AnswersAsRecorded) {
    if (!support::stock_directory()) {
        GTEST_SKIP() << "SPREAD_STOCK_DIR is not set: nothing to compare with";
    }
    const bool have_network = support::enter_private_network().empty();
    for (const auto& name : replayed_scenarios()) {
        const Scenario scenario = load(name);
        // Whether stock sees the pieces apart depends on its single reads.
        if (name == "handshake-fragmented" || (scenario.has_two_daemons && !have_network)) {
            continue;
        }
        try {
            play_against(DaemonKind::kStock, scenario, recorded_pieces(name));
        } catch (const std::exception& problem) {
            ADD_FAILURE() << problem.what();
        }
    }
    refuses_one_session_too_many(DaemonKind::kStock);
}

}  // namespace
}  // namespace spread::golden
