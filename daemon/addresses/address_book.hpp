#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/configuration.hpp"
#include "config/ip_address.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::addresses {

/// Where the daemons of a ring are, some of which have a name in place of an address.
///
/// A daemon's address is proven when its datagrams come from there; what its name stands for makes
/// candidates. Datagrams go to the proven address; while there is none, to the candidates in turn;
/// and to both when they differ and the proven one has been silent. What names stand for never
/// takes a proven address away: resolvers remember that a name was unknown, and tell old and new
/// answers in turns. Ports are those of the file.
///
/// Pure: time is an argument, and whoever has the book does the look-ups that it wants. A daemon
/// with a literal address has an entry that never changes.
class AddressBook {
  public:
    using Address = config::IpAddress;
    using Peer = protocol::DaemonIndex;

    /// Of an answer, so many addresses count.
    static constexpr std::size_t kCandidatesMax = 4;
    static constexpr protocol::Duration kTurnEvery = std::chrono::seconds(1);
    static constexpr protocol::Duration kAbsentEvery = std::chrono::seconds(2);
    static constexpr protocol::Duration kPresentEvery = std::chrono::seconds(60);
    /// While no name can be looked up.
    static constexpr protocol::Duration kFailingEveryMax = std::chrono::seconds(10);
    /// Between look-ups of one name that datagrams of unknown origin cause.
    static constexpr protocol::Duration kAtOnceEvery = std::chrono::milliseconds(250);
    /// So long an answer lets a plain datagram prove an address.
    static constexpr protocol::Duration kAnswerCounts = std::chrono::seconds(61);
    /// So long the origin of an authentic datagram that has not proven to be fresh is answered.
    static constexpr protocol::Duration kClaimCounts = std::chrono::seconds(2);

    /// The proven address that is silent for `patience` may be an old one.
    AddressBook(const config::Configuration& configuration, std::size_t self,
                protocol::Duration patience);

    /// Whether any other daemon has a name in place of its address. Without one nothing needs a
    /// book.
    [[nodiscard]] static bool is_needed(const config::Configuration& configuration,
                                        std::size_t self);

    // What datagrams show

    /// A fresh, authentic one of `peer`, newer than all before.
    void on_authentic(protocol::Instant now, Peer peer, const Address& source);
    /// An authentic one that may be old.
    void on_claim(protocol::Instant now, Peer peer, const Address& source);
    /// One of a ring without a key, which names `peer` as its sender, from port `port`. `resent`:
    /// it may have been sent by any daemon. False: it is not to be taken.
    [[nodiscard]] bool on_plain(protocol::Instant now, Peer peer, bool resent,
                                const Address& source, std::uint16_t port);

    // What names stand for

    /// Who is in the ring; by place.
    void set_present(protocol::Instant now, const protocol::DaemonSet& present);
    struct Wanted {
        Peer peer;
        bool at_once;
    };
    /// Whom to look up now. Each is answered once, by on_answer().
    [[nodiscard]] std::vector<Wanted> take_wanted(protocol::Instant now);
    /// `found`, as the resolver gives them; none where it failed.
    void on_answer(protocol::Instant now, Peer peer, std::span<const Address> found);

    // What follows

    /// Candidates take turns, claims end. True: ways have changed since the last call.
    [[nodiscard]] bool tick(protocol::Instant now);
    /// When tick() and take_wanted() have something to do; nothing before that.
    [[nodiscard]] protocol::Instant next_deadline() const { return next_deadline_; }
    /// Where datagrams for `peer` go: none to two addresses.
    [[nodiscard]] std::span<const Address> ways(Peer peer) const { return entries_[peer].ways; }
    /// Where answers to challenges go as well.
    [[nodiscard]] const std::optional<Address>& claim(Peer peer) const {
        return entries_[peer].claim;
    }
    [[nodiscard]] const std::optional<Address>& proven(Peer peer) const {
        return entries_[peer].proven;
    }
    /// For people: where it is, or may be.
    [[nodiscard]] std::optional<Address> whereabouts(Peer peer) const;
    [[nodiscard]] bool is_named(Peer peer) const { return entries_[peer].is_named; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    struct Candidate {
        Address address;
        protocol::Instant known_at{};
    };
    struct Entry {
        bool is_named = false;
        std::uint16_t port = 0;
        Address::Family family{};
        std::optional<Address> proven;
        std::optional<Address> claim;
        std::optional<Address> told_claim;  ///< by tick()
        std::vector<Candidate> candidates;
        std::size_t turn = 0;  ///< of the candidates
        std::vector<Address> ways;
        protocol::Instant heard_at{};
        protocol::Instant claim_ends{};
        protocol::Instant next_turn{};
        protocol::Instant next_look{};
        protocol::Instant looked_at{};
        bool is_asked = false;  ///< a look-up is under way
        bool at_once = false;   ///< the next look-up
        bool is_present = false;
    };

    void prove(protocol::Instant now, Peer peer, const Address& source);
    void want_at_once(protocol::Instant now, Entry& entry);
    [[nodiscard]] protocol::Duration pause_of(const Entry& entry) const;
    [[nodiscard]] static bool is_confirmed(const Entry& entry);
    [[nodiscard]] bool is_silent(protocol::Instant now, const Entry& entry) const;
    [[nodiscard]] std::vector<Address> ways_of(protocol::Instant now, const Entry& entry) const;
    [[nodiscard]] protocol::Instant deadline_of(protocol::Instant now, const Entry& entry) const;

    std::vector<Entry> entries_;  ///< by place in the configuration
    const std::size_t self_;
    const protocol::Duration patience_;
    std::size_t named_ = 0;
    std::size_t failures_ = 0;  ///< in a row, of any name
    protocol::Instant next_deadline_{};
};

}  // namespace spread::addresses
