#include "tests/sim/scenario_edit.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/sim/generator.hpp"

namespace spread::sim {
namespace {

Scenario parsed(const std::string& text) {
    const auto scenario = parse_scenario(text);
    EXPECT_TRUE(scenario) << scenario.error().line << ": " << scenario.error().text;
    return scenario ? *scenario : Scenario();
}

TEST(ScenarioEdit, LeavingADaemonOutMovesTheOthersUp) {
    const Scenario smaller = without_daemon(parsed(R"(segments 1 1 2
start all
start d1 d3
crash d2
on token from d2  crash d1
on token from d3  crash d4
partition {d1 d2} {d3 d4}
partition {d2} {d1 d3 d4}
link d1 to d2 down
link d1 to d4 down
connect c1 to d2 quiet
connect c2 to d4 quiet
send c2 2x safe 3 bytes to g1 c1
drop 1 token from d2
expect regular {d1 d2 d3} within 1s
)"),
                                            1, std::nullopt);
    EXPECT_EQ(format(smaller), format(parsed(R"(segments 1 2
start all
start d1 d2
on token from d2  crash d3
partition {d1} {d2 d3}
partition {d1 d2 d3}
link d1 to d3 down
connect c2 to d3 quiet
send c2 2x safe 3 bytes to g1 c1
expect regular {d1 d2} within 1s
)")));
}

TEST(ScenarioEdit, ClientsOfADaemonLeftOutMayGoToItsHeir) {
    EXPECT_EQ(format(without_daemon(parsed("connect c1 to d1 quiet\n"), 0, DaemonIndex{1})),
              format(parsed("segments 2\nconnect c1 to d1 quiet\n")));
    EXPECT_EQ(format(without_daemon(parsed("connect c1 to d3 quiet\n"), 2, DaemonIndex{0})),
              format(parsed("segments 2\nconnect c1 to d1 quiet\n")));
}

TEST(ScenarioEdit, LeavingAClientOutDropsWhatIsOnlyAboutIt) {
    EXPECT_EQ(format(without_client(parsed(R"(connect c1 to d1 quiet
connect c2 to d1 quiet
send c2 safe 3 bytes to c1
send c2 safe 3 bytes to g1 c1
expect view c2 g1 {c1 c2} within 1s
)"),
                                    0)),
              format(parsed(R"(connect c2 to d1 quiet
send c2 safe 3 bytes to g1
expect view c2 g1 {c2} within 1s
)")));
}

TEST(ScenarioEdit, RenumberingClosesGaps) {
    const Scenario gaps = parsed("join c3 g5\nsend c7 safe 0 bytes to g2 g5 c3\n");
    EXPECT_EQ(format(renumbered(gaps, true, true)),
              format(parsed("join c1 g2\nsend c2 safe 0 bytes to g1 g2 c1\n")));
    EXPECT_EQ(format(renumbered(gaps, false, true)),
              format(parsed("join c3 g2\nsend c7 safe 0 bytes to g1 g2 c3\n")));
}

TEST(ScenarioEdit, TimesMoveAndAreRounded) {
    const Scenario timed = parsed("at 1234us heal\nat 5678us heal\nafter 1ms heal\n");
    EXPECT_EQ(format(with_later_steps_earlier(timed, 1, 4000)),
              format(parsed("at 1234us heal\nat 1678us heal\nafter 1ms heal\n")));
    EXPECT_EQ(format(with_times_in_order(parsed("at 2ms heal\nat 1ms heal\nafter 1ms heal\n"))),
              format(parsed("at 2ms heal\nat 2ms heal\nafter 1ms heal\n")));
    EXPECT_EQ(format(with_rounded_times(timed, 1000)),
              format(parsed("at 1ms heal\nat 5ms heal\nafter 1ms heal\n")));
}

TEST(ScenarioEdit, EveryFaultThatLastsDisturbsThePeace) {
    EXPECT_TRUE(settles_in_peace(parsed("start all\nsettle within 1s\n")));
    EXPECT_TRUE(settles_in_peace(parsed("partition {d1 d2}\ncrash d3\nsettle within 1s\n")));
    const std::string fault_and_end[][2] = {
        {"link d1 to d2 down", "heal"},
        {"clog d1 to d2", "heal"},
        {"drop 3 token", "heal"},
        {"rates loss 1%", "rates calm"},
        {"pause d1 d2", "continue d1 d2"},
        {"pause d1", "crash d1"},
        {"slow d1 by 1ms", "slow d1 by 0ms"},
        {"clog-sessions d2", "unclog-sessions d2"},
        {"stall c1", "unstall c1"},
    };
    for (const auto& [fault, end] : fault_and_end) {
        EXPECT_FALSE(settles_in_peace(parsed(fault + "\nsettle within 1s\n"))) << fault;
        EXPECT_TRUE(settles_in_peace(parsed(fault + "\n" + end + "\nsettle within 1s\n"))) << end;
    }
    EXPECT_FALSE(settles_in_peace(parsed("pause d1 d2\ncontinue d2\nsettle within 1s\n")));
}

TEST(ScenarioEdit, WhatIsLeftIsLegal) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const Scenario scenario = generate(seed);
        std::vector<Scenario> edited;
        for (std::size_t i = 0; i < scenario.daemons() && scenario.daemons() > 1; ++i) {
            edited.push_back(without_daemon(scenario, static_cast<DaemonIndex>(i), std::nullopt));
            edited.push_back(without_daemon(scenario, static_cast<DaemonIndex>(i),
                                            static_cast<DaemonIndex>(i == 0 ? 1 : 0)));
        }
        for (const ClientIndex client : clients_of(scenario)) {
            edited.push_back(without_client(scenario, client));
            edited.push_back(renumbered(edited.back(), true, true));
        }
        for (const Scenario& one : edited) {
            const auto again = parse_scenario(format(one));
            ASSERT_TRUE(again) << again.error().text << "\n" << format(one);
            ASSERT_TRUE(*again == one) << format(one);
        }
    }
}

}  // namespace
}  // namespace spread::sim
