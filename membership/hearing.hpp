#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "membership/engine_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// Who hears whom, and by which ways: what joins and probes have shown lately, here and, as their
/// reports say, at the others. Daemons are admitted to a ring on this evidence, so that a closed
/// port, a link that works one way only, or a path that loses large datagrams leaves out whoever is
/// behind it instead of breaking the ring for all.
///
/// A daemon hears another one *well* when that one's token port packets, full-sized datagrams, and
/// data by either its own or a group address arrive. Where only the group address fails, data is
/// sent to daemons one by one.
///
/// Whoever leaves a daemon out for a while (Blame) does not count as hearing it well.
///
/// Each function takes the Instant since which evidence counts.
class Hearing {
  public:
    Hearing(std::size_t daemons, protocol::DaemonIndex self) : self_(self), peers_(daemons) {}

    enum class News : std::uint8_t {
        kNone,     ///< long outdated: it counts for nothing
        kArrival,  ///< a newer report is known, and overtook it on another way
        kReport
    };
    /// Where a report comes from: a join, whose sender is between two rings, or a probe.
    struct Source {
        protocol::DaemonIndex daemon;
        protocol::Incarnation incarnation;
        std::uint64_t join_seq;
        bool gathers;
    };
    [[nodiscard]] News note(protocol::Instant now, const Source& from, Arrival arrival,
                            const protocol::Report& report, protocol::Instant since);

    /// Whom we leave out for a while.
    void leave_out(const protocol::DaemonSet& daemons) { left_out_ = daemons; }
    /// Whom `who` has said to leave out for a while; of ourselves we know.
    [[nodiscard]] const protocol::DaemonSet& left_out_by(protocol::DaemonIndex who) const {
        return who == self_ ? left_out_ : peers_[who].report.left_out;
    }
    /// Since when `who` has been heard without a long silence; `now` if it was not heard at all.
    [[nodiscard]] protocol::Instant heard_since(protocol::DaemonIndex who,
                                                protocol::Instant now) const {
        return peers_[who].reported == protocol::Instant::min() ? now : peers_[who].first_heard;
    }
    /// The life of `who` that was heard last.
    [[nodiscard]] protocol::Incarnation life_of(protocol::DaemonIndex who) const {
        return peers_[who].incarnation;
    }

    /// For a join or probe of ours. `ring`: the members of the ring installed last.
    [[nodiscard]] protocol::Report report(const protocol::DaemonSet& ring,
                                          protocol::Instant since) const;

    /// Whether `who` has reported; of ourselves we know.
    [[nodiscard]] bool is_known(protocol::DaemonIndex who, protocol::Instant since) const {
        return who == self_ || peers_[who].reported > since;
    }
    /// Whom `who` hears well; nobody if it is not known.
    [[nodiscard]] protocol::DaemonSet heard_well_by(protocol::DaemonIndex who,
                                                    protocol::Instant since) const;
    /// We hear `who` well and it says that it hears us well, whoever leaves out whom.
    [[nodiscard]] bool has_good_links(protocol::DaemonIndex who, protocol::Instant since) const;
    /// Whom `who` hears by any way.
    [[nodiscard]] protocol::DaemonSet heard_by(protocol::DaemonIndex who,
                                               protocol::Instant since) const;
    /// The sum of the ways by which `who` hears `whom`.
    [[nodiscard]] std::uint8_t ways(protocol::DaemonIndex who, protocol::DaemonIndex whom,
                                    protocol::Instant since) const;
    /// How long its full-sized datagrams are, as it has told last; 0: it has not.
    [[nodiscard]] std::size_t full_bytes_of(protocol::DaemonIndex who) const {
        return peers_[who].report.full_bytes;
    }
    /// The highest version of the wire that it speaks, as it has told last.
    [[nodiscard]] std::uint8_t wire_greatest_of(protocol::DaemonIndex who) const {
        return peers_[who].report.wire_greatest;
    }
    /// The checksum of its settings, as it has told last; 0: it has not.
    [[nodiscard]] std::uint32_t settings_of(protocol::DaemonIndex who) const {
        return peers_[who].report.settings;
    }
    /// The members of the ring that `who` has installed last, as far as it has told.
    [[nodiscard]] protocol::DaemonSet ring_of(protocol::DaemonIndex who) const;
    /// `who` has said last that it is looking for another one.
    [[nodiscard]] bool gathers(protocol::DaemonIndex who) const { return peers_[who].gathers; }

    /// The daemons of `among` that are left when whoever has the most bad links is left out until
    /// all that is known of the rest is good. Everybody who knows the same chooses the same; of
    /// equally bad ones the one goes that more leave out, and then the last one. Of who is not
    /// known only the others' word counts.
    [[nodiscard]] protocol::DaemonSet well_connected(const protocol::DaemonSet& among,
                                                     protocol::Instant since) const;
    /// The same of the union of several rings, each of which holds together: what counts is between
    /// them, and what is not known is bad.
    [[nodiscard]] protocol::DaemonSet merged(std::span<const protocol::DaemonSet> rings,
                                             protocol::Instant since) const;

  private:
    static constexpr std::size_t kWays = 4;

    /// By daemon, whom it has a bad link to.
    using BadLinks = std::array<protocol::DaemonSet, protocol::kDaemonsMax>;

    struct Peer {
        Peer() { heard.fill(protocol::Instant::min()); }

        std::array<protocol::Instant, kWays> heard;  ///< by us, in the order of protocol::Heard
        protocol::Instant first_heard{};             ///< since when it has not been silent
        protocol::Incarnation incarnation;
        std::uint64_t join_seq = 0;
        bool gathers = false;
        protocol::Instant reported = protocol::Instant::min();
        protocol::Report report;
        protocol::DaemonSet hears_well;  ///< as the report says
        protocol::DaemonSet hears;
    };

    [[nodiscard]] protocol::DaemonSet without_the_worst(protocol::DaemonSet among,
                                                        const BadLinks& links) const;

    protocol::DaemonIndex self_;
    protocol::DaemonSet left_out_;
    std::vector<Peer> peers_;  ///< by configuration position
};

}  // namespace spread::membership
