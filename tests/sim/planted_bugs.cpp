#include "tests/sim/planted_bugs.hpp"

namespace spread::sim {

std::span<const PlantedBugCase> planted_bug_cases() {
    using enum protocol::PlantedBug;
    static const std::vector<PlantedBugCase> cases = {
        // One ring's order.
        {kSafeAfterOneVisit, {"P7a", "P7c"}, 10},
        // Packets that somebody lacks count as safe and are released.
        {kAruRaisedByStranger, {"P7a", "P7c", "P4", "P6d"}, 20},
        {kSafeOutOfTurn, {"P7a", "P7c", "P4", "P6d"}, 100},
        {kEverythingAskedForAgain, {"R3"}, 300},
        {kAgreedOverHole, {"P6c"}, 10},
        {kDeliveredAgain, {"P1b"}, 10},
        {kTokenTakenTwice, {"P6b", "P4", "P7a", "P7c"}, 100},
        {kLeaseKept, {"P6b", "P4", "P7a", "P7c", "P6d"}, 100},
        {kOwnMessagesLeftOut, {"P3"}, 10},
        {kHalfSentForgotten, {"P3"}, 30},
        {kBufferLeaked, {"R2"}, 10},
        // Forming and leaving rings.
        {kRingIdReused, {"P2g"}, 100},
        {kTransitionalSkipped, {"P2c"}, 5},
        {kTransitionalNamesAll, {"P2c", "P2f", "P7b"}, 10},
        {kHoleSkippedInRecovery, {"P4", "P6d"}, 400},
        {kRecoveryDropsMember, {"P4", "P6d"}, 200},
        // Needs a packet that all survivors lost in front of one that they have.
        {kObligationForgotten, {"P3", "P6d"}, 3000},
        {kOwnSafeLineInRecovery, {"P4"}, 200},
        {kSafeAsRegularInTransition, {"P7a", "P7c"}, 300},
        {kSafeLostInTransition, {"P3", "L2"}, 30},
        {kOldMessageOnNewRing, {"P1c"}, 30},
        {kResumeIgnored, {"R1"}, 30},
        {kProbeStorm, {"R3"}, 20},
        {kHeldTokenKept, {"L1", "L3"}, 10},
        // Process groups. Tables that differ show in whatever clients see next.
        {kMergedViewEarly, {"G4", "G5", "G11", "G12"}, 30},
        {kWrongVsSet, {"G6"}, 20},
        {kIndexNotIncreased, {"G4"}, 5},
        {kJoinAtRequest, {"G1", "G2", "G4", "G7", "G9"}, 20},
        {kLeaverStays, {"G5"}, 20},
        {kDisconnectForgetsGroup, {"G1", "G2"}, 30},
        {kSignalMissing, {"G11"}, 20},
        {kSignalToUnaffected, {"G11"}, 10},
        {kViewToUnaffected, {"G14"}, 10},
        {kTwoGroupsTwice, {"P1b"}, 10},
        {kSelfDiscardIgnored, {"G12"}, 10},
        {kSelfDiscardForAll, {"G7", "G13"}, 20},
        {kJoinerHearsEarly, {"G1", "G3"}, 20},
        // Sessions.
        {kSafeAsAgreed, {"G10"}, 600},
        {kWrongPrivateRecipient, {"G1"}, 10},
    };
    return cases;
}

}  // namespace spread::sim
