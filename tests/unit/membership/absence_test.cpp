#include "membership/absence.hpp"

#include <span>
#include <vector>

#include "protocol/checksum.hpp"
#include "protocol/message.hpp"
#include "state_test.hpp"

namespace spread::membership {
namespace {

using protocol::DaemonSet;
using testing::ElementsAre;

/// The second of two members; daemons 3 and 4 are missing.
class AbsenceTest : public StateTest {
  protected:
    AbsenceTest() : StateTest(kSecond) { install({kFirst, kSecond}); }

    /// What `sender` says it hears, having come by `arrivals`, and that some time ago.
    void report(protocol::DaemonId sender, std::vector<std::uint8_t> heard,
                std::initializer_list<Arrival> arrivals,
                protocol::Duration pause = std::chrono::milliseconds(50)) {
        protocol::Report report;
        report.full_sized = true;
        report.heard = std::move(heard);
        ++join_seq_;
        for (const Arrival arrival : arrivals) {
            static_cast<void>(core_.hearing.note(
                now_, {*core_.roster.find(sender), protocol::Incarnation{1}, join_seq_, false},
                arrival, report, core_.probe_evidence_since(now_)));
        }
        now_ += pause;
    }
    [[nodiscard]] Absence third() const { return absences(core_, now_).front(); }

    static constexpr auto kAll = {Arrival::kToken, Arrival::kUnicast, Arrival::kGroup};
    std::uint64_t join_seq_ = 0;
};

TEST_F(AbsenceTest, WhoIsNotHeardIsSilent) {
    EXPECT_THAT(absences(core_, now_), ElementsAre(Absence{kThird, Cause::kSilent, {}, {}, {}},
                                                   Absence{kFourth, Cause::kSilent, {}, {}, {}}));
}

TEST_F(AbsenceTest, OfWhoWasJustHeardNothingIsSaidYet) {
    report(kThird, {15, 15 - 4, 0, 0}, kAll, {});
    EXPECT_EQ(third().cause, Cause::kUnknown) << "its token port had no time to hear anything";
    now_ += core_.config.consensus_timeout;
    EXPECT_EQ(third().cause, Cause::kTokenPort);
}

TEST_F(AbsenceTest, NamesThePortAndWhereItIsClosed) {
    report(kThird, {15, 15 - 4, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kTokenPort, kThird, kSecond, {}}));
    report(kThird, {15, 4, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kDataPort, kThird, kSecond, {}}));
    report(kThird, {15, 4 | 1, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kLargePackets, kThird, kSecond, {}}));
    report(kThird, {15, 0, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kOneWay, kThird, kSecond, {}}));
}

TEST_F(AbsenceTest, OurOwnPortsAndThoseOfOthersCountAsWell) {
    report(kThird, {15, 15, 0, 0}, {Arrival::kToken});
    EXPECT_EQ(third(), (Absence{kThird, Cause::kDataPort, kSecond, kThird, {}}));
    report(kThird, {15, 15, 0, 0}, {Arrival::kUnicast});
    report(kFirst, {0, 15, 15 - 4, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kTokenPort, kFirst, kThird, {}}));
    report(kFirst, {0, 15, 15, 0}, kAll);
    EXPECT_EQ(third().cause, Cause::kUnknown) << "all is well, and it will be in the next ring";
}

TEST_F(AbsenceTest, NamesAllWhoseLinkIsBadInTheSameWay) {
    report(kThird, {15 - 4, 15 - 4, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kTokenPort, kThird, kFirst, {}, {1}}));
    report(kThird, {15 - 4, 0, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kTokenPort, kThird, kFirst, {}}));
    report(kFirst, {0, 15, 0, 0}, kAll);
    report(kThird, {15, 15, 0, 0}, kAll);
    EXPECT_TRUE(third().others.empty());
}

TEST_F(AbsenceTest, WhatIsKnownOfTheDaemonComesFirst) {
    report(kThird, {15, 15 - 4, 0, 0}, kAll);
    core_.gone.other_config.insert(2);
    EXPECT_EQ(third().cause, Cause::kOtherConfig);
    core_.gone.port_closed.insert(2);
    EXPECT_EQ(third().cause, Cause::kPortClosed);
    core_.gone.other_wire.insert(2);
    core_.gone.port_closed.erase(2);
    EXPECT_EQ(third().cause, Cause::kOtherWire);
    core_.gone.own_address = true;
    EXPECT_EQ(third().cause, Cause::kOwnAddress);
    core_.gone.left.insert(2);
    EXPECT_EQ(third().cause, Cause::kLeft);
    core_.gone.own_address = false;
    core_.gone.forget(2);
    EXPECT_EQ(third().cause, Cause::kTokenPort);
}

TEST_F(AbsenceTest, APacketOfAnotherVersionSaysWhoSpeaksIt) {
    const protocol::Slice datagram = protocol::encode_empty(
        {protocol::PacketKind::kAlive, core_.config.config_hash, kThird, {}}, pool_);
    const auto written = datagram.bytes();
    std::vector<std::byte> bytes(written.begin(), written.end());
    bytes[2] = std::byte{protocol::kRingWireGreatest + 1};
    const std::span all(bytes);
    const std::uint32_t sum = protocol::crc32c(all.subspan(8), protocol::crc32c(all.first(4)));
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[4 + i] = static_cast<std::byte>(sum >> (8 * i));
    }
    note_other_wire(core_, protocol::make_message(bytes).slice(0));
    EXPECT_EQ(third().cause, Cause::kOtherWire);
    EXPECT_EQ(absences(core_, now_).back().cause, Cause::kSilent) << "only that one";
}

TEST_F(AbsenceTest, WhoComesBackWithAnotherConfigurationHasNotLeftAnyMore) {
    core_.gone.left.insert(2);
    core_.gone.port_closed.insert(2);
    EXPECT_EQ(third().cause, Cause::kLeft);
    core_.gone.found(&Gone::other_config, 2);
    EXPECT_EQ(third().cause, Cause::kOtherConfig);
    core_.gone.found(&Gone::other_wire, 2);
    EXPECT_EQ(third().cause, Cause::kOtherWire);
}

TEST_F(AbsenceTest, WhatOurOwnKernelRefusesIsNotBlamedOnTheOther) {
    core_.gone.refused[2] = now_;
    EXPECT_EQ(third().cause, Cause::kSendError) << "not silent: it cannot know of us";
    report(kThird, {15, 0, 0, 0}, kAll);
    EXPECT_EQ(third().cause, Cause::kSendError) << "it hears nothing of us";
    report(kThird, {4, 15, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kDataPort, kThird, kFirst, {}}))
        << "our packets arrive";
    now_ += std::chrono::minutes(1);
    EXPECT_EQ(third().cause, Cause::kSilent) << "it was long ago";
}

TEST_F(AbsenceTest, AGroupAddressIsNamedUntilOtherWaysWereTried) {
    core_.group_mates = DaemonSet{0, 2, 3};
    report(kThird, {15, 4, 0, 0}, kAll);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kMulticast, kThird, kSecond, {}}));
    core_.one_by_one.insert(2);
    EXPECT_EQ(third(), (Absence{kThird, Cause::kDataPort, kThird, kSecond, {}}));
}

TEST_F(AbsenceTest, TwoClaimantsAreNamed) {
    for (std::uint64_t i = 1; i < 20; ++i) {
        now_ += std::chrono::milliseconds(500);
        core_.claims.note(now_, 2, protocol::Incarnation{1 + i % 2}, i);
    }
    const Absence absence = third();
    EXPECT_EQ(absence.cause, Cause::kSameIdentity);
    EXPECT_EQ(absence.claimants[0], protocol::Incarnation{1});
    EXPECT_EQ(absence.claimants[1], protocol::Incarnation{2});
}

}  // namespace
}  // namespace spread::membership
