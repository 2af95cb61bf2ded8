#include "membership/hearing.hpp"

#include <array>
#include <chrono>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Incarnation;
using protocol::Instant;
using protocol::Report;

constexpr std::uint8_t kWell = 4 | 8 | 2;
constexpr DaemonIndex kSelf = 0;

/// Daemon 0 of five.
class HearingTest : public testing::Test {
  protected:
    static constexpr std::size_t kDaemons = 5;

    Hearing hearing_{kDaemons, kSelf};
    Instant now_{10s};
    Instant since_{9s};
    std::uint64_t join_seq_ = 100;

    [[nodiscard]] static Report all_but(const DaemonSet& unheard) {
        Report report;
        report.full_sized = true;
        for (DaemonIndex i = 0; i < kDaemons; ++i) {
            report.heard.push_back(unheard.contains(i) ? std::uint8_t{0} : kWell);
        }
        return report;
    }

    Hearing::News note(DaemonIndex from, std::uint64_t incarnation, std::uint64_t join_seq,
                       Arrival arrival, const Report& report) {
        return hearing_.note(now_, {from, Incarnation{incarnation}, join_seq, false}, arrival,
                             report, since_);
    }

    void hear(DaemonIndex from, const Report& report) {
        ++join_seq_;
        for (const Arrival arrival : {Arrival::kToken, Arrival::kGroup}) {
            static_cast<void>(note(from, 7, join_seq_, arrival, report));
        }
    }

    [[nodiscard]] DaemonSet merged(const DaemonSet& one, const DaemonSet& other) const {
        return hearing_.merged(std::array{one, other}, since_);
    }

    void all_hear_all() {
        for (DaemonIndex i = 1; i < kDaemons; ++i) {
            hear(i, all_but({}));
        }
    }
};

TEST_F(HearingTest, WellIsTokensFullSizeAndDataByEitherAddress) {
    const Report small = [] {
        Report report = all_but({});
        report.full_sized = false;
        return report;
    }();
    const auto well = [&] { return hearing_.heard_well_by(kSelf, since_).contains(1); };
    static_cast<void>(note(1, 7, 1, Arrival::kToken, all_but({})));
    EXPECT_FALSE(well()) << "full-sized, but not by the data port";
    static_cast<void>(note(1, 7, 2, Arrival::kUnicast, small));
    EXPECT_FALSE(well()) << "nothing full-sized";
    EXPECT_EQ(hearing_.ways(kSelf, 1, since_), 4 | 1);
    static_cast<void>(note(1, 7, 3, Arrival::kUnicast, all_but({})));
    EXPECT_TRUE(well());
    EXPECT_EQ(hearing_.report({}, since_).heard[1], 4 | 1 | 8);
}

TEST_F(HearingTest, EvidenceGrowsOld) {
    hear(1, all_but({}));
    EXPECT_TRUE(hearing_.heard_well_by(kSelf, now_ - 1ms).contains(1));
    EXPECT_TRUE(hearing_.heard_well_by(1, now_ - 1ms).contains(kSelf));
    EXPECT_FALSE(hearing_.heard_well_by(kSelf, now_).contains(1));
    EXPECT_FALSE(hearing_.heard_well_by(1, now_).contains(kSelf));
    EXPECT_FALSE(hearing_.is_known(1, now_));
}

TEST_F(HearingTest, OldPacketsAndEarlierLivesCountForNothing) {
    using enum Hearing::News;
    const auto by_token = [&](std::uint64_t incarnation, std::uint64_t join_seq) {
        return note(1, incarnation, join_seq, Arrival::kToken, all_but({}));
    };
    EXPECT_EQ(by_token(7, 100), kReport);
    EXPECT_EQ(by_token(7, 99), kArrival) << "overtaken on another way";
    EXPECT_EQ(by_token(7, 91), kNone);
    hear(1, all_but({}));
    EXPECT_EQ(by_token(6, 1000), kNone);
    EXPECT_EQ(by_token(8, 1), kReport);
    EXPECT_EQ(hearing_.ways(kSelf, 1, since_), 4) << "of a new life only what it has shown";
    now_ += 2s;
    since_ += 2s;
    EXPECT_EQ(by_token(6, 1000), kReport) << "its host has lost its memory";
}

TEST_F(HearingTest, WhoHasTheMostBadLinksIsLeftOut) {
    all_hear_all();
    EXPECT_EQ(hearing_.well_connected({0, 1, 2, 3, 4}, since_), (DaemonSet{0, 1, 2, 3, 4}));
    hear(2, all_but({0, 1, 3, 4}));
    EXPECT_EQ(hearing_.well_connected({0, 1, 2, 3, 4}, since_), (DaemonSet{0, 1, 3, 4}));
}

TEST_F(HearingTest, OfOneBadLinkTheLaterEndIsLeftOut) {
    all_hear_all();
    hear(1, all_but({3}));
    EXPECT_EQ(hearing_.well_connected({0, 1, 2, 3, 4}, since_), (DaemonSet{0, 1, 2, 4}));
    hear(1, all_but({0}));
    EXPECT_EQ(hearing_.well_connected({0, 1, 2, 3, 4}, since_), (DaemonSet{0, 2, 3, 4}));
}

TEST_F(HearingTest, SomebodyUnknownIsJudgedByWhatOthersSay) {
    for (const DaemonIndex i : {1U, 2U, 3U}) {
        hear(i, all_but({}));
    }
    // We do not hear daemon 4, and the others do.
    EXPECT_EQ(hearing_.well_connected({0, 1, 2, 3, 4}, since_), (DaemonSet{0, 1, 2, 3}));
    EXPECT_EQ(hearing_.well_connected({1, 2, 3, 4}, since_), (DaemonSet{1, 2, 3, 4}));
}

TEST_F(HearingTest, RingsMergeWithWhomAllHearAndAreHeardBy) {
    all_hear_all();
    EXPECT_EQ(merged({0, 1}, {2, 3}), (DaemonSet{0, 1, 2, 3}));
    hear(1, all_but({3}));
    EXPECT_EQ(merged({0, 1}, {2, 3}), (DaemonSet{0, 1, 2}));
    EXPECT_EQ(merged({0, 1}, {3}), (DaemonSet{0, 1}));
    // Within a ring nothing is doubted.
    hear(1, all_but({0}));
    EXPECT_EQ(merged({0, 1}, {2, 3}), (DaemonSet{0, 1, 2, 3}));
}

TEST_F(HearingTest, RingsDoNotMergeOnWhatIsUnknown) {
    hear(1, all_but({}));
    hear(2, all_but({}));
    EXPECT_EQ(merged({0, 1}, {2, 3}), (DaemonSet{0, 1, 2}));
}

TEST_F(HearingTest, PlacesThatAreNotConfiguredAreIgnored) {
    Report report = all_but({});
    report.heard.assign(128, kWell);
    report.ring = DaemonSet::first(128);
    hear(1, report);
    EXPECT_EQ(hearing_.ring_of(1), DaemonSet::first(kDaemons));
    EXPECT_EQ(hearing_.heard_well_by(1, since_), DaemonSet::first(kDaemons));
    report.heard.clear();
    hear(1, report);
    EXPECT_EQ(hearing_.heard_well_by(1, since_), DaemonSet{});
}

TEST_F(HearingTest, WhoLeavesADaemonOutDoesNotCountAsHearingIt) {
    all_hear_all();
    Report blames = all_but({});
    blames.left_out = {1};
    hear(4, blames);
    EXPECT_EQ(hearing_.left_out_by(4), (DaemonSet{1}));
    EXPECT_FALSE(hearing_.heard_well_by(4, since_).contains(1));
    EXPECT_EQ(hearing_.well_connected(DaemonSet::first(kDaemons), since_), (DaemonSet{0, 2, 3, 4}))
        << "not the last of two that have one bad link each";
    EXPECT_EQ(merged({1}, {0, 2, 3, 4}), (DaemonSet{0, 2, 3, 4}));

    // Who leaves out all others is the worst connected.
    blames.left_out = {0, 1, 2, 3};
    hear(4, blames);
    EXPECT_EQ(hearing_.well_connected(DaemonSet::first(kDaemons), since_), (DaemonSet{0, 1, 2, 3}));
}

TEST_F(HearingTest, OurReportSaysWhomWeLeaveOut) {
    all_hear_all();
    hearing_.leave_out({2});
    EXPECT_EQ(hearing_.report({}, since_).left_out, (DaemonSet{2}));
    EXPECT_FALSE(hearing_.heard_well_by(kSelf, since_).contains(2));
    EXPECT_TRUE(hearing_.has_good_links(2, since_)) << "as far as joins and probes show";
    EXPECT_EQ(hearing_.report({}, since_).heard[2], kWell);
}

}  // namespace
}  // namespace spread::membership
