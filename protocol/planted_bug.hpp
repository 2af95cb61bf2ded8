#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spread::protocol {

/// Errors built into the daemon's core so that tests can show that the simulator's checkers find
/// them (docs/correctness.md). They exist only in builds with the CMake option SPREAD_PLANTED_BUGS;
/// everywhere else planted() is the constant false and the compiler removes what depends on it. At
/// most one is active in a process.
enum class PlantedBug : std::uint8_t {
    kNone,
    // One ring's order.
    kSafeAfterOneVisit,
    kAruRaisedByStranger,
    kSafeOutOfTurn,
    kEverythingAskedForAgain,
    kAgreedOverHole,
    kDeliveredAgain,
    kTokenTakenTwice,
    kLeaseKept,
    kOwnMessagesLeftOut,
    kHalfSentForgotten,
    kBufferLeaked,
    // Forming and leaving rings.
    kRingIdReused,
    kTransitionalSkipped,
    kTransitionalNamesAll,
    kHoleSkippedInRecovery,
    kRecoveryDropsMember,
    kObligationForgotten,
    kOwnSafeLineInRecovery,
    kSafeAsRegularInTransition,
    kSafeLostInTransition,
    kOldMessageOnNewRing,
    kResumeIgnored,
    kProbeStorm,
    kHeldTokenKept,
    // Process groups.
    kMergedViewEarly,
    kWrongVsSet,
    kIndexNotIncreased,
    kJoinAtRequest,
    kLeaverStays,
    kDisconnectForgetsGroup,
    kSignalMissing,
    kSignalToUnaffected,
    kViewToUnaffected,
    kTwoGroupsTwice,
    kSelfDiscardIgnored,
    kSelfDiscardForAll,
    kJoinerHearsEarly,
    // Sessions.
    kSafeAsAgreed,
    kWrongPrivateRecipient
};

struct PlantedBugName {
    PlantedBug bug;
    std::string_view name;
    std::string_view text;
};

/// All of them, with their names on command lines and what they do.
inline constexpr std::array kPlantedBugs = std::to_array<PlantedBugName>({
    {PlantedBug::kSafeAfterOneVisit, "safe-after-one-visit",
     "safe messages go out after one token visit instead of two"},
    {PlantedBug::kAruRaisedByStranger, "aru-raised-by-stranger",
     "a member raises the token's aru although another one lowered it"},
    {PlantedBug::kSafeOutOfTurn, "safe-out-of-turn",
     "a token visit out of turn moves aru and safe line"},
    {PlantedBug::kEverythingAskedForAgain, "everything-asked-for-again",
     "a member that nothing reaches asks for all of it at every visit"},
    {PlantedBug::kAgreedOverHole, "agreed-over-hole",
     "delivery steps over a packet that has not arrived"},
    {PlantedBug::kDeliveredAgain, "delivered-again",
     "a second copy of a packet is delivered like the first"},
    {PlantedBug::kTokenTakenTwice, "token-taken-twice",
     "a copy of the last token is worked on again"},
    {PlantedBug::kLeaseKept, "lease-kept",
     "a member that has used a leased token keeps it and uses it again"},
    {PlantedBug::kOwnMessagesLeftOut, "own-messages-left-out",
     "a daemon does not deliver the messages it sent itself"},
    {PlantedBug::kHalfSentForgotten, "half-sent-forgotten",
     "a message half sent when the ring breaks is dropped"},
    {PlantedBug::kBufferLeaked, "buffer-leaked",
     "the buffer of a packet sent again is never freed"},
    {PlantedBug::kRingIdReused, "ring-id-reused",
     "a restarted daemon does not know the rings of its earlier life"},
    {PlantedBug::kTransitionalSkipped, "transitional-skipped",
     "a new ring comes without its transitional configuration"},
    {PlantedBug::kTransitionalNamesAll, "transitional-names-all",
     "the transitional configuration names members who did not come along"},
    {PlantedBug::kHoleSkippedInRecovery, "hole-skipped-in-recovery",
     "recovery counts as complete although one packet is missing"},
    {PlantedBug::kRecoveryDropsMember, "recovery-drops-member",
     "recovered packets of the ring's last member are ignored"},
    {PlantedBug::kObligationForgotten, "obligation-forgotten",
     "behind a hole nothing is delivered, though its senders come along"},
    {PlantedBug::kOwnSafeLineInRecovery, "own-safe-line-in-recovery",
     "each survivor cuts the old ring at its own safe line"},
    {PlantedBug::kSafeAsRegularInTransition, "safe-as-regular-in-transition",
     "safe messages not known to be stable go out before the transitional configuration"},
    {PlantedBug::kSafeLostInTransition, "safe-lost-in-transition",
     "safe messages of the transitional configuration are dropped"},
    {PlantedBug::kOldMessageOnNewRing, "old-message-on-new-ring",
     "the last message of the old ring is delivered on the new one"},
    {PlantedBug::kResumeIgnored, "resume-ignored",
     "ordinary messages do not wait for the end of the group state exchange"},
    {PlantedBug::kProbeStorm, "probe-storm",
     "a ring that misses daemons looks for them all the time"},
    {PlantedBug::kHeldTokenKept, "held-token-kept", "the token of an idle ring is never released"},
    {PlantedBug::kMergedViewEarly, "merged-view-early",
     "the group state exchange ends with the first state that arrives"},
    {PlantedBug::kWrongVsSet, "wrong-vs-set", "members are told the vs-set of another side"},
    {PlantedBug::kIndexNotIncreased, "index-not-increased",
     "a join does not count on the group id's index"},
    {PlantedBug::kJoinAtRequest, "join-at-request",
     "a join takes effect when it is asked for, not at its place in the order"},
    {PlantedBug::kLeaverStays, "leaver-stays", "the view after a leave still names the leaver"},
    {PlantedBug::kDisconnectForgetsGroup, "disconnect-forgets-group",
     "a client that disconnects stays in the last of its groups"},
    {PlantedBug::kSignalMissing, "signal-missing",
     "no transitional signal when a view loses members"},
    {PlantedBug::kSignalToUnaffected, "signal-to-unaffected",
     "groups that lose nobody get a transitional signal"},
    {PlantedBug::kViewToUnaffected, "view-to-unaffected",
     "groups that lived on one side of a merge get a view"},
    {PlantedBug::kTwoGroupsTwice, "two-groups-twice",
     "a member of two addressed groups gets the message twice"},
    {PlantedBug::kSelfDiscardIgnored, "self-discard-ignored",
     "self-discard does not keep the message from its sender"},
    {PlantedBug::kSelfDiscardForAll, "self-discard-for-all",
     "self-discard keeps the message from all clients of the sender's daemon"},
    {PlantedBug::kJoinerHearsEarly, "joiner-hears-early",
     "a joiner gets the group's messages before its first view"},
    {PlantedBug::kSafeAsAgreed, "safe-as-agreed", "SAFE multicasts are sent as agreed ones"},
    {PlantedBug::kWrongPrivateRecipient, "wrong-private-recipient",
     "a private message goes to another client of the same daemon"},
});

[[nodiscard]] constexpr std::string_view to_string(PlantedBug bug) {
    for (const PlantedBugName& each : kPlantedBugs) {
        if (each.bug == bug) {
            return each.name;
        }
    }
    return "none";
}

[[nodiscard]] constexpr std::optional<PlantedBug> planted_bug_named(std::string_view name) {
    for (const PlantedBugName& each : kPlantedBugs) {
        if (each.name == name) {
            return each.bug;
        }
    }
    return std::nullopt;
}

#ifdef SPREAD_PLANTED_BUGS

inline constexpr bool kPlantedBugsBuilt = true;

/// Set before anything runs that could show it; tests only.
inline PlantedBug active_planted_bug = PlantedBug::kNone;

[[nodiscard]] inline bool planted(PlantedBug bug) {
    return bug == active_planted_bug;
}

#else

inline constexpr bool kPlantedBugsBuilt = false;

[[nodiscard]] constexpr bool planted(PlantedBug) {
    return false;
}

#endif

}  // namespace spread::protocol
