#include "tools/spsim/report.hpp"

#include <gtest/gtest.h>

#include "tests/unit/spsim/fake.hpp"
#include "tools/spsim/verdict_codec.hpp"

namespace spread::spsim {
namespace {

sim::Verdict a_verdict() {
    sim::Verdict verdict;
    verdict.violation =
        checker::Violation{"G7", "c1 and c2 differ", {"c1: V m1", "c2: V m1 m2", ""}};
    verdict.at_us = 1204883;
    verdict.digest = 0xfeedface12345678;
    verdict.stats = {1, 2, 3, 4, 5, 6};
    verdict.reached.note(sim::Goal::kHole);
    verdict.trace = {"one", std::string("t\0o", 3)};
    return verdict;
}

void expect_equal(const sim::Verdict& left, const sim::Verdict& right) {
    ASSERT_EQ(left.violation.has_value(), right.violation.has_value());
    if (left.violation) {
        EXPECT_EQ(left.violation->property, right.violation->property);
        EXPECT_EQ(left.violation->summary, right.violation->summary);
        EXPECT_EQ(left.violation->evidence, right.violation->evidence);
    }
    EXPECT_EQ(left.at_us, right.at_us);
    EXPECT_EQ(left.digest, right.digest);
    EXPECT_EQ(left.stats.events, right.stats.events);
    EXPECT_EQ(left.stats.packets_sent, right.stats.packets_sent);
    EXPECT_EQ(left.stats.ring_deliveries, right.stats.ring_deliveries);
    EXPECT_EQ(left.stats.client_messages, right.stats.client_messages);
    EXPECT_EQ(left.stats.configurations, right.stats.configurations);
    EXPECT_EQ(left.stats.virtual_us, right.stats.virtual_us);
    EXPECT_EQ(left.reached.times, right.reached.times);
    EXPECT_EQ(left.trace, right.trace);
}

TEST(SpsimReport, AFailureSaysAllThatIsNeededToRepeatIt) {
    EXPECT_EQ(failure_report(subject_of_seed(24301), a_verdict()),
              "FAIL G7 c1 and c2 differ\n"
              "     at 1.204883s  seed 24301\n"
              "       c1: V m1\n"
              "       c2: V m1 m2\n"
              "       \n"
              "     repeat: spsim --seed 24301 --trace --from 1.189883s\n"
              "     shrink: spsim --seed 24301 --shrink --output small.scn\n");
    const std::string early = failure_report(subject_of_file("a.scn"), [] {
        auto verdict = a_verdict();
        verdict.at_us = 20;
        return verdict;
    }());
    EXPECT_NE(early.find("repeat: spsim --scenario a.scn --trace --from 0.000000s\n"),
              std::string::npos);
}

TEST(SpsimReport, AVerdictSurvivesItsWayBetweenProcesses) {
    for (const sim::Verdict& verdict : {a_verdict(), sim::Verdict()}) {
        const auto again = decode_verdict(encode(verdict));
        ASSERT_TRUE(again);
        expect_equal(*again, verdict);
    }
}

TEST(SpsimReport, HalfAVerdictIsNone) {
    const std::string bytes = encode(a_verdict());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(decode_verdict(bytes.substr(0, length))) << length;
    }
    EXPECT_FALSE(decode_verdict(bytes + "x"));
}

TEST(SpsimReport, TwoRunsThatDifferAreAFailure) {
    int runs = 0;
    const Runner fickle = [&](const sim::Scenario&, const sim::RunOptions&) {
        sim::Verdict verdict;
        verdict.digest = static_cast<std::uint64_t>(++runs);
        return verdict;
    };
    const auto verdict = run_twice(fickle, {}, {});
    ASSERT_TRUE(verdict.violation);
    EXPECT_EQ(verdict.violation->property, kNotDeterministic);
    EXPECT_EQ(verdict.violation->evidence.size(), 2U);
    EXPECT_FALSE(run_twice(Fake{}, {}, {}).violation);
}

}  // namespace
}  // namespace spread::spsim
