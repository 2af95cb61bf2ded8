#include "membership/hearing.hpp"

#include <algorithm>

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Heard;
using protocol::Instant;
using protocol::Report;

namespace {

/// A join or probe is outdated when its sender has been heard with one that is newer by more than
/// this many.
constexpr std::uint64_t kOvertaken = 8;

constexpr std::uint8_t bit_of(Heard way) {
    return static_cast<std::uint8_t>(way);
}

constexpr bool is_well(std::uint8_t ways) {
    constexpr std::uint8_t kNeeded = bit_of(Heard::kToken) | bit_of(Heard::kFullSized);
    constexpr std::uint8_t kEither = bit_of(Heard::kUnicast) | bit_of(Heard::kGroup);
    return (ways & kNeeded) == kNeeded && (ways & kEither) != 0;
}

constexpr std::size_t way_of(Arrival arrival) {
    switch (arrival) {
        case Arrival::kUnicast: return 0;
        case Arrival::kGroup: return 1;
        case Arrival::kToken: return 2;
    }
    return 0;
}

constexpr std::size_t kFullSizedWay = 3;
static_assert(1U << kFullSizedWay == bit_of(Heard::kFullSized));

void add_link(std::array<DaemonSet, protocol::kDaemonsMax>& links, DaemonIndex one,
              DaemonIndex other) {
    links[one].insert(other);
    links[other].insert(one);
}

}  // namespace

DaemonSet Hearing::without_the_worst(DaemonSet among, const BadLinks& links) const {
    struct Badness {
        std::size_t links = 0;
        std::size_t left_out_by = 0;

        auto operator<=>(const Badness&) const = default;
    };
    DaemonSet left_out;
    for (const DaemonIndex daemon : among) {
        left_out |= left_out_by(daemon);
    }
    for (;;) {
        Badness most;
        DaemonIndex worst = 0;
        for (const DaemonIndex daemon : among) {
            const DaemonSet bad = links[daemon] & among;
            Badness badness{bad.size()};
            // Between large rings every link is bad until they have heard of each other, and every
            // packet asks.
            if (badness.links >= most.links && left_out.contains(daemon)) {
                for (const DaemonIndex other : bad) {
                    badness.left_out_by += left_out_by(other).contains(daemon) ? 1 : 0;
                }
            }
            if (badness.links > 0 && badness >= most) {
                most = badness;
                worst = daemon;
            }
        }
        if (most.links == 0) {
            return among;
        }
        among.erase(worst);
    }
}

Hearing::News Hearing::note(Instant now, const Source& from, Arrival arrival, const Report& report,
                            Instant since) {
    Peer& peer = peers_[from.daemon];
    const bool is_known_life = from.incarnation == peer.incarnation;
    // A host whose clock went back and whose state is lost returns with a lower incarnation.
    const bool is_earlier_life = from.incarnation < peer.incarnation && peer.reported > since;
    const bool is_outdated = is_known_life && from.join_seq < peer.join_seq &&
                             peer.join_seq - from.join_seq > kOvertaken;
    if (is_earlier_life || is_outdated) {
        return News::kNone;
    }
    if (!is_known_life) {
        peer = Peer{};  // what its earlier life could do says nothing
        peer.incarnation = from.incarnation;
    }
    if (peer.reported <= since) {
        peer.first_heard = now;
    }
    peer.heard[way_of(arrival)] = now;
    if (report.full_sized && arrival != Arrival::kToken) {
        peer.heard[kFullSizedWay] = now;
    }
    if (from.join_seq < peer.join_seq) {
        return News::kArrival;
    }
    peer.join_seq = from.join_seq;
    peer.reported = now;
    peer.gathers = from.gathers;
    peer.report = report;
    peer.report.heard.resize(peers_.size());
    peer.report.ring &= DaemonSet::first(peers_.size());
    peer.report.left_out &= DaemonSet::first(peers_.size());
    peer.hears_well.clear();
    peer.hears.clear();
    for (DaemonIndex i = 0; i < peers_.size(); ++i) {
        if (is_well(peer.report.heard[i]) && !peer.report.left_out.contains(i)) {
            peer.hears_well.insert(i);
        }
        if (peer.report.heard[i] != 0) {
            peer.hears.insert(i);
        }
    }
    return News::kReport;
}

Report Hearing::report(const DaemonSet& ring, Instant since) const {
    Report report;
    for (DaemonIndex i = 0; i < peers_.size(); ++i) {
        report.heard.push_back(ways(self_, i, since));
    }
    report.ring = ring;
    report.left_out = left_out_;
    return report;
}

std::uint8_t Hearing::ways(DaemonIndex who, DaemonIndex whom, Instant since) const {
    if (who != self_) {
        return is_known(who, since) ? peers_[who].report.heard[whom] : std::uint8_t{0};
    }
    std::uint8_t out = 0;
    for (std::size_t way = 0; way < kWays; ++way) {
        if (peers_[whom].heard[way] > since) {
            out |= static_cast<std::uint8_t>(1U << way);
        }
    }
    return out;
}

DaemonSet Hearing::heard_well_by(DaemonIndex who, Instant since) const {
    if (who != self_) {
        return is_known(who, since) ? peers_[who].hears_well : DaemonSet{};
    }
    DaemonSet out;
    for (DaemonIndex i = 0; i < peers_.size(); ++i) {
        if (is_well(ways(self_, i, since))) {
            out.insert(i);
        }
    }
    return out - left_out_;
}

DaemonSet Hearing::heard_by(DaemonIndex who, Instant since) const {
    if (who != self_) {
        return is_known(who, since) ? peers_[who].hears : DaemonSet{};
    }
    DaemonSet out;
    for (DaemonIndex i = 0; i < peers_.size(); ++i) {
        if (ways(self_, i, since) != 0) {
            out.insert(i);
        }
    }
    return out;
}

bool Hearing::has_good_links(DaemonIndex who, Instant since) const {
    return is_well(ways(self_, who, since)) && is_well(ways(who, self_, since));
}

DaemonSet Hearing::ring_of(DaemonIndex who) const {
    return peers_[who].report.ring | DaemonSet{who};
}

DaemonSet Hearing::well_connected(const DaemonSet& among, Instant since) const {
    BadLinks links{};
    for (const DaemonIndex daemon : among) {
        if (!is_known(daemon, since)) {
            continue;
        }
        for (const DaemonIndex unheard : among - heard_well_by(daemon, since)) {
            if (unheard != daemon) {
                add_link(links, daemon, unheard);
            }
        }
    }
    return without_the_worst(among, links);
}

DaemonSet Hearing::merged(std::span<const DaemonSet> rings, Instant since) const {
    BadLinks links{};
    DaemonSet all;
    for (const DaemonSet& ring : rings) {
        all |= ring;
    }
    for (const DaemonSet& ring : rings) {
        for (const DaemonIndex hearer : ring) {
            for (const DaemonIndex unheard : all - ring - heard_well_by(hearer, since)) {
                add_link(links, hearer, unheard);
            }
        }
    }
    return without_the_worst(all, links);
}

}  // namespace spread::membership
