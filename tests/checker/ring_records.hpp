#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "protocol/ids.hpp"
#include "tests/checker/lane.hpp"
#include "tests/checker/ring_checker.hpp"

// What the ring checker remembers. Records live in vectors and name one another by index, so that
// nothing is ordered by address.

namespace spread::checker {

/// Index of a record; kNobody: of none.
using Index = std::uint32_t;
inline constexpr Index kNobody = std::numeric_limits<Index>::max();

/// A message that somebody delivered, at its place.
struct Entry {
    Place place;
    protocol::DaemonId origin;
    Facts facts;
    SendLane lane = SendLane::kOrdinary;  ///< of the origin's life
};

struct Life {
    protocol::DaemonId daemon;
    std::uint32_t number = 0;  ///< of its daemon's lives, from 1
    bool ended = false;
    std::uint32_t epoch = 0;      ///< rings installed
    Index ring = kNobody;         ///< the last one installed
    Index seat = kNobody;         ///< its position there
    Index transition = kNobody;   ///< the transitional configuration it is in
    std::array<Lane, 3> lanes;    ///< by SendLane
    std::vector<Index> expected;  ///< rings others installed that name this life's daemon

    [[nodiscard]] Lane& lane(SendLane which) { return lanes[static_cast<std::size_t>(which)]; }
    [[nodiscard]] const Lane& lane(SendLane which) const {
        return lanes[static_cast<std::size_t>(which)];
    }
};

/// What became of one member on one ring.
enum class StayState : std::uint8_t {
    kExpected,   ///< has not installed it yet
    kOn,         ///< is on it, or in the transitional configuration that follows
    kLeft,       ///< has installed another ring after it
    kElsewhere,  ///< has installed another ring without ever being on this one
    kFailed      ///< its life ended before it left
};

struct Stay {
    protocol::DaemonId daemon;
    Index life = kNobody;  ///< known from its installation on; before, the life it should be
    StayState state = StayState::kExpected;
    bool installed = false;
    bool resumed = false;
    std::uint32_t epoch = 0;      ///< the life's count with this ring
    Index came_by = kNobody;      ///< transitional configuration that led here
    Index left_by = kNobody;      ///< and the one that ended it
    std::size_t next = 0;         ///< entry that follows all that is delivered
    Place last_regular;           ///< delivered last in the regular configuration
    std::vector<Place> behind;    ///< delivered in the transitional configuration
    std::vector<Entry> left_out;  ///< passed over there: of senders who did not come along
    [[nodiscard]] Place last() const { return behind.empty() ? last_regular : behind.back(); }
    /// In a regular configuration deliveries are a prefix of the ring's order.
    [[nodiscard]] bool has_delivered(Place place) const {
        return place <= last_regular || std::binary_search(behind.begin(), behind.end(), place);
    }
};

struct Ring {
    protocol::RingId id;
    protocol::MemberList members;   ///< empty until somebody installs it
    std::vector<Stay> stays;        ///< by position in `members`
    std::vector<Entry> entries;     ///< all that anybody delivered, by place
    std::vector<Index> arrivals;    ///< transitional configurations that lead here
    std::vector<Index> departures;  ///< and those that end it
    Place safe_in_regular;  ///< highest place of a safe message delivered in the regular one

    [[nodiscard]] Stay* stay_of(protocol::DaemonId daemon) {
        const auto at = std::find_if(stays.begin(), stays.end(),
                                     [&](const Stay& stay) { return stay.daemon == daemon; });
        return at == stays.end() ? nullptr : &*at;
    }
    [[nodiscard]] const Stay* stay_of(protocol::DaemonId daemon) const {
        const auto at = std::find_if(stays.begin(), stays.end(),
                                     [&](const Stay& stay) { return stay.daemon == daemon; });
        return at == stays.end() ? nullptr : &*at;
    }
};

/// A transitional configuration.
struct Transition {
    Index from = kNobody;  ///< ring it ends; none for the first of a life
    Index to = kNobody;    ///< ring it announces
    protocol::MemberList members;
    Index first_in = kNobody;   ///< life that installed it first
    Index first_out = kNobody;  ///< life that installed the ring behind it first
    std::vector<Place> safe;    ///< safe messages delivered in it, by place
};

// Text for violations.

[[nodiscard]] std::string text(const Life& life);
[[nodiscard]] std::string text(const protocol::RingId& ring);
[[nodiscard]] std::string text(const protocol::MemberList& members);
[[nodiscard]] std::string text(Place place);
/// "safe message 1f3a of d2 at 17.0"
[[nodiscard]] std::string text(const Entry& entry);
[[nodiscard]] std::string text(const Accepted& message);
/// What a life saw of a ring, its last messages by name.
[[nodiscard]] std::vector<std::string> history(const Life& life, const Ring& ring, const Stay& stay,
                                               const std::vector<Transition>& transitions);

}  // namespace spread::checker
