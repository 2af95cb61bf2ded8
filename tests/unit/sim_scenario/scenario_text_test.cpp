#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/rng.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/scenario_names.hpp"

namespace spread::sim {
namespace {

constexpr const char* kExample =
    R"(# Commit token lost on its second pass, then the representative crashes.
segments 3 2
luck 18446744073709551615
set token_loss 50ms
set plain 1
at 0ms      start all
at 100ms    partition {d1 d2} {d3 d4}
after 5ms   crash d1
on commit-token from d1 pass 2  drop 1 commit-token to d3
on state d2 recovery count 2  crash d2
            heal
at 1500us   rates loss 1% late 0.5% late_by 31ms latency 51us
at 1s       connect c1 to d1 members
            send c1 20x safe 1000 bytes to g1 g2 c3 discard
            expect regular {d2 d3 d4} within 800ms
            settle within 10s
)";

/// A legal scenario in which every field of every action takes all sorts of values.
class AnyScenario {
  public:
    explicit AnyScenario(std::uint64_t seed) : rng_(seed) {}

    Scenario make() {
        Scenario scenario;
        if (rng_.chance(1, 2)) {
            scenario.title = "title: a#b {d1} \"x\"";
        }
        scenario.luck = rng_.next();
        scenario.segments.clear();
        for (std::uint64_t i = 1 + rng_.below(4); i > 0; --i) {
            scenario.segments.push_back(static_cast<std::uint16_t>(1 + rng_.below(5)));
        }
        daemons_ = scenario.daemons();
        for (const auto& field : kTunableFields) {
            if (rng_.chance(1, 3)) {
                scenario.tunables.*field.member = u32();
            }
        }
        for (std::uint64_t i = rng_.below(40); i > 0; --i) {
            scenario.steps.push_back(step());
        }
        return scenario;
    }

  private:
    std::uint32_t u32() {
        switch (rng_.below(4)) {
            case 0: return std::numeric_limits<std::uint32_t>::max();
            case 1: return static_cast<std::uint32_t>(rng_.below(5) * 1000000);
            case 2: return static_cast<std::uint32_t>(rng_.below(100) * 1000);
            default: return static_cast<std::uint32_t>(rng_.below(100000));
        }
    }
    std::int64_t positive() { return std::int64_t{1} + u32() / 2; }
    std::int64_t sign() { return rng_.chance(1, 2) ? 1 : -1; }
    DaemonIndex daemon() { return static_cast<DaemonIndex>(rng_.below(daemons_)); }
    ClientIndex client() { return static_cast<ClientIndex>(rng_.below(kClientsMax)); }
    std::uint16_t group() { return static_cast<std::uint16_t>(rng_.below(kGroupsMax)); }
    std::optional<DaemonIndex> maybe_daemon() {
        return rng_.chance(1, 2) ? std::optional(daemon()) : std::nullopt;
    }
    std::vector<std::uint16_t> daemon_set() {
        std::vector<std::uint16_t> set;
        for (std::size_t i = 0; i < daemons_; ++i) {
            if (rng_.chance(1, 2)) {
                set.push_back(static_cast<std::uint16_t>(i));
            }
        }
        return set.empty() ? std::vector{daemon()} : set;
    }
    protocol::PacketKind packet() { return kPacketWords[rng_.below(kPacketWords.size())].value; }
    membership::RingState state() { return kStateWords[rng_.below(kStateWords.size())].value; }

    Moment moment() {
        Moment when;
        when.kind = static_cast<Moment::Kind>(rng_.below(4));
        switch (when.kind) {
            case Moment::Kind::kAt:
            case Moment::Kind::kAfter: when.time_us = rng_.below(3) * u32(); break;
            case Moment::Kind::kPacket:
                when.packet = packet();
                when.from = maybe_daemon();
                when.to = maybe_daemon();
                if (when.packet == protocol::PacketKind::kCommit) {
                    when.pass = static_cast<std::uint32_t>(rng_.below(3));
                }
                when.count = 1 + static_cast<std::uint32_t>(rng_.below(3));
                break;
            case Moment::Kind::kState:
                when.from = maybe_daemon();
                when.state = state();
                when.count = 1 + static_cast<std::uint32_t>(rng_.below(3));
                break;
        }
        return when;
    }

    Step step() {
        Step made;
        made.when = moment();
        made.action = static_cast<Action>(rng_.below(static_cast<int>(Action::kSettle) + 1));
        fill(made);
        return made;
    }

    void fill(Step& made) {
        switch (made.action) {
            case Action::kStart:
                if (rng_.chance(1, 2)) {
                    made.who = daemon_set();
                }
                made.fate = static_cast<StateFate>(rng_.below(3));
                break;
            case Action::kCrash:
            case Action::kLeave:
            case Action::kPause:
            case Action::kRotate:
            case Action::kMove:
            case Action::kContinue: made.who = daemon_set(); break;
            case Action::kFillDisk:
                made.who = daemon_set();
                made.value = static_cast<std::int64_t>(rng_.below(2));
                break;
            case Action::kAnswerNames:
            case Action::kSeal:
                made.who = daemon_set();
                made.value = static_cast<std::int64_t>(rng_.below(3));
                break;
            case Action::kRelease:
                made.who = daemon_set();
                made.value = wire();
                break;
            case Action::kSlow:
            case Action::kConfigure: made.value = u32(); [[fallthrough]];
            case Action::kClogSessions:
                made.who = daemon_set();
                if (made.action == Action::kClogSessions) {
                    made.value = static_cast<std::int64_t>(rng_.below(2));
                }
                break;
            case Action::kDrift:
                made.who = daemon_set();
                made.value = sign() * static_cast<std::int64_t>(rng_.below(500001));
                break;
            case Action::kStepClock:
                made.who = daemon_set();
                made.value = sign() * std::int64_t{u32()} * 100;
                break;
            case Action::kPartition: fill_parts(made); break;
            case Action::kHeal: break;
            case Action::kLink:
            case Action::kClog:
                made.who = {daemon(), daemon()};
                made.value = static_cast<std::int64_t>(rng_.below(2));
                break;
            case Action::kBlock:
                made.who = {daemon(), daemon()};
                made.value = static_cast<std::int64_t>(rng_.below(2));
                made.way = static_cast<Way>(rng_.below(kWayWords.size()));
                break;
            case Action::kRumour: made.who = {daemon(), daemon()}; break;
            case Action::kSteady:
                if (rng_.chance(1, 2)) {
                    made.who = daemon_set();
                }
                break;
            case Action::kDelay:
            case Action::kDrop:
                made.value = positive();
                if (rng_.chance(1, 2)) {
                    made.packet = packet();
                }
                made.from = maybe_daemon();
                made.to = maybe_daemon();
                break;
            case Action::kRates:
                for (const auto& field : kRateFields) {
                    if (rng_.chance(1, 2)) {
                        made.rates.*field.member =
                            field.unit == Unit::kShare
                                ? static_cast<std::uint32_t>(rng_.below(kShareWhole + 1))
                                : u32();
                    }
                }
                break;
            default: fill_client_step(made);
        }
    }

    void fill_parts(Step& made) {
        std::vector<std::vector<DaemonIndex>> parts(rng_.below(4));
        for (std::size_t i = 0; i < daemons_ && !parts.empty(); ++i) {
            parts[rng_.below(parts.size())].push_back(static_cast<DaemonIndex>(i));
        }
        for (auto& part : parts) {
            if (!part.empty()) {
                made.parts.push_back(std::move(part));
            }
        }
    }

    std::int64_t wire() {
        return protocol::kRingWireLeast +
               static_cast<std::int64_t>(
                   rng_.below(protocol::kRingWireGreatest - protocol::kRingWireLeast + 1));
    }

    void fill_client_step(Step& made) {
        if (made.action >= Action::kExpectRegular) {
            made.within_us = u32();
        }
        switch (made.action) {
            case Action::kConnect:
                made.who = {client(), daemon()};
                made.flag = rng_.chance(1, 2);
                break;
            case Action::kJoin:
            case Action::kLeaveGroup:
                made.who = {client()};
                made.groups = {group()};
                break;
            case Action::kSend:
                made.who = {client()};
                made.value = rng_.chance(1, 2) ? 1 : positive();
                made.service = kServiceWords[rng_.below(kServiceWords.size())].value;
                made.bytes = u32();
                made.groups.assign(rng_.below(3), group());
                made.privates.assign(made.groups.empty() ? 1 : rng_.below(3), client());
                made.flag = rng_.chance(1, 2);
                break;
            case Action::kDisconnect: made.who = {client()}; break;
            case Action::kAbort:
                made.who = {client()};
                made.value = rng_.chance(1, 2) ? 0 : positive();
                break;
            case Action::kStall:
                made.who = {client()};
                made.value = static_cast<std::int64_t>(rng_.below(2));
                break;
            case Action::kGarbage:
                made.who = {client()};
                made.value = positive();
                break;
            case Action::kExpectRegular:
                made.who = daemon_set();
                made.value = rng_.chance(1, 2) ? 0 : wire();
                break;
            case Action::kExpectState:
                made.who = {daemon()};
                made.state = state();
                break;
            case Action::kExpectView:
                made.who = {client()};
                made.groups = {group()};
                if (rng_.chance(2, 3)) {
                    made.privates = {3, 1, 2};
                }
                break;
            default: break;
        }
    }

    protocol::Rng rng_;
    std::size_t daemons_ = 0;
};

std::string error_of(const std::string& text) {
    const auto result = parse_scenario(text);
    return result ? "no error" : std::to_string(result.error().line) + ": " + result.error().text;
}

TEST(ScenarioText, TheExampleReadsAsItSays) {
    const auto scenario = parse_scenario(kExample);
    ASSERT_TRUE(scenario) << scenario.error().text;
    EXPECT_EQ(scenario->title,
              "Commit token lost on its second pass, then the representative crashes.");
    EXPECT_EQ(scenario->segments, (std::vector<std::uint16_t>{3, 2}));
    EXPECT_EQ(scenario->luck, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(scenario->tunables.token_loss_us, 50000U);
    EXPECT_EQ(scenario->tunables.plain, 1U);
    ASSERT_EQ(scenario->steps.size(), 11U);

    const Step& partition = scenario->steps[1];
    EXPECT_EQ(partition.when.kind, Moment::Kind::kAt);
    EXPECT_EQ(partition.when.time_us, 100000U);
    EXPECT_EQ(partition.parts, (std::vector<std::vector<DaemonIndex>>{{0, 1}, {2, 3}}));

    const Step& drop = scenario->steps[3];
    EXPECT_EQ(drop.when.kind, Moment::Kind::kPacket);
    EXPECT_EQ(drop.when.packet, protocol::PacketKind::kCommit);
    EXPECT_EQ(drop.when.from, DaemonIndex{0});
    EXPECT_EQ(drop.when.pass, 2U);
    EXPECT_EQ(drop.action, Action::kDrop);
    EXPECT_EQ(drop.value, 1);
    EXPECT_EQ(drop.packet, protocol::PacketKind::kCommit);
    EXPECT_EQ(drop.to, DaemonIndex{2});

    const Step& state = scenario->steps[4];
    EXPECT_EQ(state.when.state, membership::RingState::kRecovery);
    EXPECT_EQ(state.when.count, 2U);

    const Rates& rates = scenario->steps[6].rates;
    EXPECT_EQ(rates.loss, 10000U);
    EXPECT_EQ(rates.late, 5000U);
    EXPECT_EQ(rates.late_us, 31000U);
    EXPECT_EQ(rates.jitter_us, Rates().jitter_us);

    const Step& send = scenario->steps[8];
    EXPECT_EQ(send.value, 20);
    EXPECT_EQ(send.service, checker::ClientService::kSafe);
    EXPECT_EQ(send.bytes, 1000U);
    EXPECT_EQ(send.groups, (std::vector<std::uint16_t>{0, 1}));
    EXPECT_EQ(send.privates, std::vector<ClientIndex>{2});
    EXPECT_TRUE(send.flag);
    EXPECT_EQ(scenario->steps[10].within_us, 10000000U);
}

TEST(ScenarioText, TheExampleIsWrittenAsItWasRead) {
    const auto scenario = parse_scenario(kExample);
    ASSERT_TRUE(scenario);
    std::string expected = kExample;
    EXPECT_EQ(format(*scenario), expected);
    EXPECT_EQ(format(scenario->steps[2]), "after 5ms  crash d1");
    EXPECT_EQ(format(scenario->steps[5]), "heal");
    EXPECT_EQ(format_action(scenario->steps[2]), "crash d1");
}

TEST(ScenarioText, EveryLegalScenarioIsReadBackAsItWas) {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        const Scenario scenario = AnyScenario(seed).make();
        const std::string text = format(scenario);
        const auto again = parse_scenario(text);
        ASSERT_TRUE(again) << again.error().line << ": " << again.error().text << "\n" << text;
        ASSERT_EQ(format(*again), text);
        ASSERT_TRUE(*again == scenario) << text;
    }
}

TEST(ScenarioText, AnEmptyFileIsTheDefaultScenario) {
    const auto scenario = parse_scenario("\n  \n\r\n");
    ASSERT_TRUE(scenario);
    EXPECT_TRUE(*scenario == Scenario());
}

TEST(ScenarioText, OnlyACommentBeforeEverythingElseIsATitle) {
    EXPECT_EQ(parse_scenario("\n #\n#  one \n# two\nheal\n")->title, "one");
    EXPECT_EQ(parse_scenario("heal # one\n# two\n")->title, "");
}

TEST(ScenarioText, FractionsOfUnitsAreExact) {
    EXPECT_EQ(parse_scenario("at 1.25s heal")->steps[0].when.time_us, 1250000U);
    EXPECT_EQ(parse_scenario("at 0.001ms heal")->steps[0].when.time_us, 1U);
    EXPECT_EQ(parse_scenario("rates loss 0.0001%")->steps[0].rates.loss, 1U);
    EXPECT_EQ(parse_scenario("step-clock d1 by -1.5s")->steps[0].value, -1500000);
}

TEST(ScenarioText, MistakesAreNamedWithTheirLine) {
    const std::vector<std::pair<std::string, std::string>> mistakes = {
        {"luck 1\nfoo\n", "2: found \"foo\", expected an action"},
        {"crash d4\n", "1: found \"d4\", expected one of d1 to d3"},
        {"segments 2\ncrash d3\n", "2: found \"d3\", expected one of d1 to d2"},
        {"crash d0\n", "1: found \"d0\", expected one of d1 to d3"},
        {"crash d99999999999999999999\n", "expected one of d1 to d3"},
        {"crash c1\n", "1: found \"c1\", expected one of d1 to d3"},
        {"crash\n", "1: the line ends, expected one of d1 to d3"},
        {"crash d1 d2 d1\n", "1: \"d1\" comes twice"},
        {"disconnect c4001\n", "expected one of c1 to c4000"},
        {"join c1 g1001\n", "expected one of g1 to g1000"},
        {"at 5 heal\n", "1: found \"5\", expected a duration such as 50ms"},
        {"at 5min heal\n", "expected a duration"},
        {"at ms heal\n", "expected a duration"},
        {"at -5ms heal\n", "expected a duration"},
        {"at 1..5ms heal\n", "expected a duration"},
        {"at 5.ms heal\n", "expected a duration"},
        {"at 0.5us heal\n", "expected a duration"},
        {"at 99999999999999999999s heal\n", "expected a duration"},
        {"at 5ms\n", "1: the line ends, expected an action"},
        {"heal now\n", "1: found \"now\", expected the end of the line"},
        {"on tokens crash d1\n", "expected one of data, token, join, commit-token"},
        {"on token pass 2 crash d1\n", "1: found \"pass\""},
        {"on commit-token pass 3 heal\n", "1: found \"3\", expected 1 or 2"},
        {"on token count 0 heal\n", "expected a number from 1"},
        {"on state d1 gathering heal\n", "expected one of operational, gather"},
        {"segments\n", "1: the line ends, expected a number of daemons"},
        {"segments 3 0\n", "1: found \"0\", expected a number of daemons"},
        {"segments 100 29\n", "too many segments or daemons"},
        {"segments 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", "too many segments"},
        {"segments 1\nsegments 1\n", "2: segments are given twice"},
        {"heal\nsegments 2\n", "2: segments must stand before the first step"},
        {"heal\nset window 3\n", "2: set must stand before"},
        {"luck 1\nluck 2\n", "2: luck is given twice"},
        {"luck 18446744073709551616\n", "expected a number"},
        {"set speed 3\n", "1: unknown number to set"},
        {"set window 3ms\n", "1: found \"3ms\", expected a number"},
        {"set window 4294967296\n", "expected a number"},
        {"set token_loss 30\n", "expected a duration"},
        {"set window 1\nset window 2\n", "2: window is set twice"},
        {"rates\n", "1: the line ends, expected calm, or a rate"},
        {"rates loss 1\n", "expected a share"},
        {"rates loss 101%\n", "expected a share"},
        {"rates loss 0.00001%\n", "expected a share"},
        {"rates loss 1% loss 2%\n", "1: loss comes twice"},
        {"partition\n", "expected \"{\""},
        {"partition {d1 d2\n", "1: the line ends, expected one of d1 to d3"},
        {"partition {d1} {d2 d1}\n", "1: d1 is in two parts"},
        {"partition {}\n", "1: an empty part"},
        {"link d1 to d2\n", "expected one of up, down"},
        {"link d1 d2 up\n", "expected \"to\""},
        {"drop 0 token\n", "expected a number from 1"},
        {"drop 1\n", "expected one of data"},
        {"send c1 fast 3 bytes to g1\n", "expected one of unreliable, reliable"},
        {"send c1 0x safe 3 bytes to g1\n", "expected a number of messages"},
        {"send c1 safe 3 bytes to\n", "expected a group or client"},
        {"send c1 safe 3 bytes to g1 discards\n", "expected the end of the line"},
        {"connect c1 to d1\n", "expected one of members, quiet"},
        {"leave d1\n", "expected one of c1 to c4000"},
        {"drift d1 by 3\n", "expected a drift"},
        {"drift d1 by 500001ppm\n", "expected a drift"},
        {"start all gone\n", "expected one of lost-state, stale-state"},
        {"expect peace within 1s\n", "expected one of regular, state, view"},
        {"expect regular {d1}\n", "expected \"within\""},
        {"settle\n", "expected \"within\""},
        {"crash \x01\xff\n", "1: found \"??\", expected"},
    };
    for (const auto& [text, error] : mistakes) {
        EXPECT_NE(error_of(text).find(error), std::string::npos)
            << text << "says: " << error_of(text) << "\nnot:  " << error;
    }
}

/// Whatever is accepted can be written and read again.
void expect_harmless(const std::string& text) {
    const auto scenario = parse_scenario(text);
    if (!scenario) {
        EXPECT_GE(scenario.error().line, 1U);
        EXPECT_EQ(scenario.error().text.find_first_of("\n\r"), std::string::npos);
        EXPECT_LT(scenario.error().text.size(), 300U);
        return;
    }
    const auto again = parse_scenario(format(*scenario));
    ASSERT_TRUE(again) << text;
    EXPECT_TRUE(*again == *scenario) << text;
}

TEST(ScenarioText, EveryTruncationIsReadOrRefused) {
    const std::string whole = format(AnyScenario(7).make()) + kExample;
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        expect_harmless(whole.substr(0, length));
    }
}

TEST(ScenarioText, HostileTextIsReadOrRefused) {
    protocol::Rng rng(11);
    for (std::uint64_t round = 0; round < 20000; ++round) {
        std::string text = rng.chance(1, 2) ? kExample : format(AnyScenario(round % 50).make());
        for (std::uint64_t changes = 1 + rng.below(6); changes > 0; --changes) {
            const std::size_t at = rng.below(text.size() + 1);
            switch (rng.below(4)) {
                case 0: text.resize(at); break;
                case 1: text.insert(at, 1, static_cast<char>(rng.below(256))); break;
                case 2: text.erase(at, rng.below(12)); break;
                default: text.insert(at, text.substr(rng.below(text.size() + 1), rng.below(30)));
            }
        }
        expect_harmless(text);
    }
}

}  // namespace
}  // namespace spread::sim
