#include "membership/absence.hpp"

#include "membership/engine_core.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Heard;
using protocol::Instant;

namespace {

constexpr bool has_way(std::uint8_t ways, Heard way) {
    return (ways & static_cast<std::uint8_t>(way)) != 0;
}

/// What is wrong with a link on which a hearer receives the speaker by `ways`; kUnknown: nothing.
/// `by_group`: the speaker has sent its data by a group address alone.
Cause cause_of(std::uint8_t ways, bool by_group) {
    if (ways == 0) {
        return Cause::kOneWay;
    }
    if (!has_way(ways, Heard::kToken)) {
        return Cause::kTokenPort;
    }
    if (!has_way(ways, Heard::kUnicast) && !has_way(ways, Heard::kGroup)) {
        return by_group ? Cause::kMulticast : Cause::kDataPort;
    }
    return has_way(ways, Heard::kFullSized) ? Cause::kUnknown : Cause::kLargePackets;
}

/// As far as the hearer has told.
Cause cause_of(const EngineCore& core, DaemonIndex hearer, DaemonIndex speaker, Instant since) {
    if (!core.hearing.is_known(hearer, since)) {
        return Cause::kUnknown;
    }
    const bool by_group =
        speaker == core.self && (core.group_mates - core.one_by_one).contains(hearer);
    return cause_of(core.hearing.ways(hearer, speaker, since), by_group);
}

/// The first bad link between a missing daemon and the ring, as far as either end has told, and who
/// else has the same one.
Absence bad_link(const EngineCore& core, DaemonIndex missing, const DaemonSet& ring,
                 Instant since) {
    const DaemonSet members = DaemonSet{core.self} | ring;
    const auto cause_between = [&](DaemonIndex member, bool inward) {
        return inward ? cause_of(core, missing, member, since)
                      : cause_of(core, member, missing, since);
    };
    for (const DaemonIndex member : members) {
        for (const bool inward : {true, false}) {
            const Cause cause = cause_between(member, inward);
            if (cause == Cause::kUnknown) {
                continue;
            }
            DaemonSet others;
            for (const DaemonIndex other : members) {
                if (other != member && cause_between(other, inward) == cause) {
                    others.insert(other);
                }
            }
            return {core.roster.id(missing),
                    cause,
                    core.roster.id(inward ? missing : member),
                    core.roster.id(inward ? member : missing),
                    {},
                    others};
        }
    }
    return {core.roster.id(missing), Cause::kUnknown, {}, {}, {}};
}

Absence absence_of(const EngineCore& core, DaemonIndex missing, const DaemonSet& ring,
                   Instant now) {
    const Instant since = core.probe_evidence_since(now);
    const auto plain = [&](Cause cause) {
        return Absence{core.roster.id(missing), cause, {}, {}, {}};
    };
    if (core.gone.is_cut_off(now, missing)) {
        return plain(Cause::kPartition);
    }
    if (core.gone.left.contains(missing)) {
        return plain(Cause::kLeft);
    }
    if (core.claims.is_claimed_twice(now, missing)) {
        return {core.roster.id(missing), Cause::kSameIdentity, {}, {}, core.claims.lives(missing)};
    }
    if (core.gone.own_address) {
        return plain(Cause::kOwnAddress);
    }
    if (core.gone.port_closed.contains(missing)) {
        return plain(Cause::kPortClosed);
    }
    if (core.gone.other_wire.contains(missing)) {
        return plain(Cause::kOtherWire);
    }
    if (core.gone.other_config.contains(missing)) {
        return plain(Cause::kOtherConfig);
    }
    if (core.stood_still_at && *core.stood_still_at > since) {
        return plain(Cause::kOwnPause);
    }
    bool is_heard = false;
    for (const DaemonIndex member : ring) {
        is_heard = is_heard || core.hearing.ways(member, missing, since) != 0;
    }
    if (!is_heard) {
        return plain(core.gone.refused[missing] > since ? Cause::kSendError : Cause::kSilent);
    }
    // Just started, or just back: what it hears of us and we of it is not complete yet.
    if (now - core.hearing.heard_since(missing, now) < core.config.consensus_timeout / 2) {
        return plain(Cause::kUnknown);
    }
    const Absence link = bad_link(core, missing, ring, since);
    if (core.gone.refused[missing] > since && link.speaker == core.roster.id(core.self)) {
        return plain(Cause::kSendError);
    }
    if (link.cause == Cause::kUnknown) {
        for (const DaemonIndex member : ring) {
            if (core.hearing.left_out_by(member).contains(missing)) {
                return plain(Cause::kNoProgress);
            }
        }
    }
    return link;
}

}  // namespace

std::string_view to_string(Cause cause) {
    switch (cause) {
        case Cause::kUnknown: return "unknown";
        case Cause::kLeft: return "left";
        case Cause::kPortClosed: return "port_closed";
        case Cause::kSilent: return "silent";
        case Cause::kTokenPort: return "token_port";
        case Cause::kDataPort: return "data_port";
        case Cause::kMulticast: return "multicast";
        case Cause::kLargePackets: return "large_packets";
        case Cause::kOneWay: return "one_way";
        case Cause::kNoProgress: return "no_progress";
        case Cause::kOtherConfig: return "other_config";
        case Cause::kOtherWire: return "other_wire";
        case Cause::kSameIdentity: return "same_identity";
        case Cause::kOwnPause: return "own_pause";
        case Cause::kOwnAddress: return "own_address";
        case Cause::kSendError: return "send_error";
        case Cause::kPartition: return "monitor_partition";
    }
    return "unknown";
}

std::vector<Absence> absences(const EngineCore& core, Instant now) {
    const DaemonSet ring = core.ring_set();
    std::vector<Absence> out;
    for (const DaemonIndex missing : DaemonSet::first(core.roster.size()) - ring) {
        out.push_back(absence_of(core, missing, ring, now));
    }
    return out;
}

}  // namespace spread::membership
