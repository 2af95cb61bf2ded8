#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace spread::protocol {

/// An integer with an identity of its own, so that a sequence number cannot be passed for a daemon.
template <typename Tag, typename Rep>
struct StrongId {
    using rep = Rep;
    Rep value = 0;

    friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
    [[nodiscard]] constexpr explicit operator bool() const { return value != 0; }
};

/// Number of a packet on one ring. The first packet of a ring is 1; 0 means "none yet". 64 bits
/// never wrap, so comparison is plain integer comparison.
struct Seq {
    std::uint64_t value = 0;

    friend constexpr auto operator<=>(const Seq&, const Seq&) = default;
    constexpr Seq& operator++() {
        ++value;
        return *this;
    }
    friend constexpr Seq operator+(Seq a, std::uint64_t n) { return Seq{a.value + n}; }
    /// Distance a - b; requires a >= b.
    friend constexpr std::uint64_t operator-(Seq a, Seq b) { return a.value - b.value; }
};

/// Grows by one at each hop of a token, so duplicates and late copies are recognised.
using TokenSeq = StrongId<struct TokenSeqTag, std::uint64_t>;

/// Identity of a daemon on the wire: its VirtualID, or the hash of its name. Never 0.
using DaemonId = StrongId<struct DaemonIdTag, std::uint32_t>;

/// One life of a daemon. The host makes it larger at each start.
using Incarnation = StrongId<struct IncarnationTag, std::uint64_t>;

/// A client connection, unique within one life of the daemon. Never 0, never reused.
using SessionId = StrongId<struct SessionIdTag, std::uint64_t>;

/// Unit of ring counters, in milliseconds. Counters follow the host's clock, so that a host without
/// memory of its earlier rings does not repeat them. The unit is so short that rings never form
/// faster than counters pass.
inline constexpr std::uint64_t kRingCounterMs = 16;

/// Names one ring for ever. `counter` follows the clock (clients see its low 31 bits as the
/// group id's time) and grows for every daemon with each ring it joins; `nonce` separates rings
/// that a restarted representative might form under the same counter.
struct RingId {
    DaemonId representative;
    std::uint32_t nonce = 0;
    std::uint64_t counter = 0;

    friend constexpr auto operator<=>(const RingId&, const RingId&) = default;
};

/// Daemons in configuration-file order.
using MemberList = std::vector<DaemonId>;

}  // namespace spread::protocol

template <typename Tag, typename Rep>
struct std::hash<spread::protocol::StrongId<Tag, Rep>> {
    std::size_t operator()(const spread::protocol::StrongId<Tag, Rep>& id) const noexcept {
        return std::hash<Rep>{}(id.value);
    }
};
