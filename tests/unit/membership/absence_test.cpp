#include "membership/absence.hpp"

#include "state_test.hpp"

namespace spread::membership {
namespace {

using protocol::DaemonSet;
using testing::ElementsAre;

/// The second of two members; daemons 3 and 4 are missing.
class AbsenceTest : public StateTest {
  protected:
    AbsenceTest() : StateTest(kSecond) { install({kFirst, kSecond}); }

    /// What `sender` says it hears, having come by `arrivals`.
    void report(protocol::DaemonId sender, std::vector<std::uint8_t> heard,
                std::initializer_list<Arrival> arrivals, bool full_sized = true) {
        protocol::Report report;
        report.full_sized = full_sized;
        report.heard = std::move(heard);
        ++join_seq_;
        for (const Arrival arrival : arrivals) {
            static_cast<void>(core_.hearing.note(
                now_, {*core_.roster.find(sender), protocol::Incarnation{1}, join_seq_, false},
                arrival, report, now_ - std::chrono::seconds(1)));
        }
    }
    [[nodiscard]] Absence third() const { return absences(core_, now_).front(); }

    static constexpr auto kAll = {Arrival::kToken, Arrival::kUnicast, Arrival::kGroup};
    std::uint64_t join_seq_ = 0;
};

TEST_F(AbsenceTest, WhoIsNotHeardIsSilent) {
    EXPECT_THAT(absences(core_, now_), ElementsAre(Absence{kThird, Cause::kSilent, {}, {}},
                                                   Absence{kFourth, Cause::kSilent, {}, {}}));
}

TEST_F(AbsenceTest, NamesThePortAndWhereItIsClosed) {
    report(kThird, {15, 15 - 4, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kTokenPort, kThird, kSecond}));
    report(kThird, {15, 4, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kDataPort, kThird, kSecond}));
    report(kThird, {15, 4 | 1, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kLargePackets, kThird, kSecond}));
    report(kThird, {15, 0, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kOneWay, kThird, kSecond}));
}

TEST_F(AbsenceTest, OurOwnPortsAndThoseOfOthersCountAsWell) {
    report(kThird, {15, 15, 0, 0}, {Arrival::kToken});
    EXPECT_EQ(third(), (Absence{kThird, Cause::kDataPort, kSecond, kThird}));
    report(kThird, {15, 15, 0, 0}, {Arrival::kUnicast});
    report(kFirst, {0, 15, 15 - 4, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kTokenPort, kFirst, kThird}));
    report(kFirst, {0, 15, 15, 0}, kAll);
    EXPECT_EQ(third().cause, Cause::kUnknown) << "all is well, and it will be in the next ring";
}

TEST_F(AbsenceTest, WhatIsKnownOfTheDaemonComesFirst) {
    report(kThird, {15, 15 - 4, 0, 0}, kAll);
    core_.gone.other_config.insert(2);
    EXPECT_EQ(third().cause, Cause::kOtherConfig);
    core_.gone.port_closed.insert(2);
    EXPECT_EQ(third().cause, Cause::kPortClosed);
    core_.gone.left.insert(2);
    EXPECT_EQ(third().cause, Cause::kLeft);
    core_.gone.forget(2);
    EXPECT_EQ(third().cause, Cause::kTokenPort);
}

}  // namespace
}  // namespace spread::membership
