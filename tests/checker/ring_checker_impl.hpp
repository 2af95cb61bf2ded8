#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/checker/ring_checker.hpp"
#include "tests/checker/ring_records.hpp"

namespace spread::checker {

/// The checker behind RingChecker: configurations (P2, P4) in ring_configurations.cpp, deliveries
/// (P1, P3, P5, P6, R1) in ring_deliveries.cpp, safe ones (P7) in ring_safe.cpp.
///
///   P1, P5   a place is bound to a message of its origin when it is first seen: one that was
///            accepted (P1a), has no other place (P1b), was not accepted on a later ring (P1d) nor
///            after the origin delivered something behind the place, and is the next one of its
///            lane (P5)
///   P5       what a life leaves out behind a hole is not in the past of what it delivers there:
///            neither of the same lane, nor delivered by the sender before it sent
///   P2       one record per ring and one per transitional configuration
///   P3       each life gets its own messages in the order in which they were accepted
///   P4       who closes a configuration is compared with the first who did
///   P6       one list of places per ring: in the regular configuration everybody delivers a prefix
///            of it, behind it everything of those who come along
///   P7       what was delivered as safe is looked for at all members when they leave the ring, and
///            when it is delivered, at those who have left
///
/// P8 follows from P1, since all services are ordered ones. A function that returns a bool returns
/// false after a violation.
struct RingChecker::Impl {
    explicit Impl(Holds holds_packet) : holds(std::move(holds_packet)) {}

    struct Daemon {
        std::uint32_t lives = 0;
        Index life = kNobody;            ///< the latest
        std::uint64_t last_counter = 0;  ///< of the rings it installed
    };

    void fail(std::string property, std::string summary, std::vector<std::string> evidence = {});
    [[nodiscard]] std::vector<std::string> show(const Ring& ring, const Stay& stay) const;
    [[nodiscard]] std::vector<std::string> show(const Ring& ring, const Stay& one,
                                                const Stay& other) const;
    [[nodiscard]] std::string ring_text(Index ring) const;

    [[nodiscard]] Life& life_of(LifeId id) { return lives[id.value - 1]; }
    /// The part of a life in the ring it is on; it must be on one.
    [[nodiscard]] Stay& stay_of(const Life& life) { return rings[life.ring].stays[life.seat]; }
    [[nodiscard]] const Stay& stay_of(const Life& life) const {
        return rings[life.ring].stays[life.seat];
    }
    [[nodiscard]] static const Stay& stay_of(const Ring& ring, const Life& life) {
        return *ring.stay_of(life.daemon);
    }

    // --- ring_configurations.cpp ---
    void on_transitional(Index self, const membership::ConfigurationChange& change);
    void on_regular(Index self, const membership::ConfigurationChange& change);
    void end_life(Life& life);
    void check_last_configuration(const Life& life);

    Index ring_at(const protocol::RingId& id);
    [[nodiscard]] bool check_ring(const Life& life, const Ring& ring,
                                  const membership::ConfigurationChange& change);
    Index transition_at(const Life& life, Index to, const protocol::MemberList& members);
    [[nodiscard]] bool check_way(const Life& life, const Ring& ring,
                                 const protocol::MemberList& members);
    void fail_atomicity(const Life& life, const Stay& stay, const Stay& first,
                        std::string_view part);
    void open_ring(Index to, const protocol::MemberList& members);
    void enter_ring(Index self, Index to);
    void leave_ring(Index self);
    void miss_expected(Index self);

    // --- ring_deliveries.cpp ---
    void on_delivery(Index self, const Position& position, const Entry& entry);

    [[nodiscard]] bool skip_to(const Life& life, const Ring& ring, Stay& stay, const Entry& entry);
    [[nodiscard]] bool add_entry(const Life& life, Ring& ring, std::size_t at, Entry entry);
    [[nodiscard]] bool check_passed_over(const Life& life, Ring& ring, const Entry& entry);
    [[nodiscard]] bool check_past(const Life& life, const Ring& ring, const Stay& stay,
                                  const Entry& entry);
    [[nodiscard]] bool bind(const Life& life, Ring& ring, Entry& entry);
    [[nodiscard]] bool check_binding(const Ring& ring, const Stay& stay, const Entry& entry);
    [[nodiscard]] bool take_own(Life& life, const Ring& ring, const Stay& stay, const Entry& entry);
    void check_against_first_out(const Life& life, const Ring& ring, const Stay& stay);
    [[nodiscard]] static const Stay* somebody_with(const Ring& ring, Place place);

    // --- ring_safe.cpp ---
    void on_safe(const Life& life, Ring& ring, const Stay& stay, const Entry& entry);
    /// What others have delivered as safe and `stay`, which will deliver nothing more of this ring,
    /// has not.
    void check_safe_owed(const Ring& ring, const Stay& stay);
    void fail_safe(const Ring& ring, const Entry& entry, const Stay& deliverer, const Stay& other);
    void report_owed(const Ring& ring, const Entry& entry, const Stay& stay);

    void finish_quiet();

    Holds holds;
    std::optional<Violation> violation;
    std::map<protocol::DaemonId, Daemon> daemons;
    std::vector<Life> lives;  ///< by LifeId - 1
    std::vector<Ring> rings;
    std::map<protocol::RingId, Index> ring_index;
    std::vector<Transition> transitions;
};

[[nodiscard]] inline bool contains(const protocol::MemberList& list, protocol::DaemonId daemon) {
    return std::find(list.begin(), list.end(), daemon) != list.end();
}

}  // namespace spread::checker
