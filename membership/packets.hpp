#pragma once

#include <type_traits>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

class Operational;
class Gather;
class Commit;
class Recovery;

// Decoded packets as the states get them: one type per kind. Tokens, joins, commit tokens and
// probes are those of the wire.

struct DataPacket {
    protocol::DataHeader header;
    const protocol::Slice& datagram;  ///< to be kept
};

/// The token has arrived at the sender; it rests, there or on lease. Or a commit token has, and was
/// passed on.
struct Hold {
    protocol::TokenSeq token_seq;  ///< of that token
};

/// The sender has work and asks for the token.
struct Wake {
    protocol::TokenSeq seen;  ///< of the last token it saw
};

/// The sender goes away in order.
struct Leave {};

/// The sender has not heard of its ring for longer than usual. That it says so is all that counts.
struct Alive {};

template <typename... S>
struct States {
    template <typename State>
    static constexpr bool kInclude = (std::is_same_v<State, S> || ...);
};

/// A kind of packet: the states that have no use for it, and how it is decoded. Every other state
/// has a function on() for it. A kind without a row, or a state that neither ignores a kind nor has
/// the function, does not compile.
template <protocol::PacketKind kind>
struct PacketRow;

template <>
struct PacketRow<protocol::PacketKind::kData> {
    using IgnoredBy = States<>;
    static protocol::Decoded<DataPacket> decode(const protocol::PacketHeader&,
                                                const protocol::Slice& datagram) {
        return protocol::decode_data(datagram.bytes()).map([&](const protocol::DataHeader& header) {
            return DataPacket{header, datagram};
        });
    }
};

/// Decoded by the engine, into memory that is used again.
template <>
struct PacketRow<protocol::PacketKind::kToken> {
    using IgnoredBy = States<>;
};

template <>
struct PacketRow<protocol::PacketKind::kJoin> {
    using IgnoredBy = States<>;
    static protocol::Decoded<protocol::Join> decode(const protocol::PacketHeader&,
                                                    const protocol::Slice& datagram) {
        return protocol::decode_join(datagram.bytes());
    }
};

/// A running ring gets those of rings that it has not agreed to, and late copies.
template <>
struct PacketRow<protocol::PacketKind::kCommit> {
    using IgnoredBy = States<Operational>;
    static protocol::Decoded<protocol::CommitToken> decode(const protocol::PacketHeader& from,
                                                           const protocol::Slice& datagram) {
        return protocol::decode_commit(from, datagram.bytes());
    }
};

template <>
struct PacketRow<protocol::PacketKind::kWake> {
    using IgnoredBy = States<Gather, Commit, Recovery>;
    static protocol::Decoded<Wake> decode(const protocol::PacketHeader&,
                                          const protocol::Slice& datagram) {
        return protocol::decode_wake(datagram.bytes()).map([](protocol::TokenSeq seen) {
            return Wake{seen};
        });
    }
};

template <>
struct PacketRow<protocol::PacketKind::kHold> {
    using IgnoredBy = States<Gather>;
    static protocol::Decoded<Hold> decode(const protocol::PacketHeader&,
                                          const protocol::Slice& datagram) {
        return protocol::decode_hold(datagram.bytes()).map([](protocol::TokenSeq token_seq) {
            return Hold{token_seq};
        });
    }
};

/// While a ring forms, a daemon that wants to be in it joins.
template <>
struct PacketRow<protocol::PacketKind::kProbe> {
    using IgnoredBy = States<Gather, Commit, Recovery>;
    static protocol::Decoded<protocol::Probe> decode(const protocol::PacketHeader&,
                                                     const protocol::Slice& datagram) {
        return protocol::decode_probe(datagram.bytes());
    }
};

template <>
struct PacketRow<protocol::PacketKind::kLeave> {
    using IgnoredBy = States<>;
    static protocol::Decoded<Leave> decode(const protocol::PacketHeader&,
                                           const protocol::Slice& datagram) {
        return protocol::decode_empty(datagram.bytes()).map([](std::monostate) { return Leave{}; });
    }
};

/// Whatever comes of a daemon answers a challenge (Challenges).
template <>
struct PacketRow<protocol::PacketKind::kAlive> {
    using IgnoredBy = States<Operational, Gather, Commit, Recovery>;
    static protocol::Decoded<Alive> decode(const protocol::PacketHeader&,
                                           const protocol::Slice& datagram) {
        return protocol::decode_empty(datagram.bytes()).map([](std::monostate) { return Alive{}; });
    }
};

/// For the host's log.
template <>
struct PacketRow<protocol::PacketKind::kSettings> {};

/// Two packets in one, which the engine takes apart.
template <>
struct PacketRow<protocol::PacketKind::kDataToken> {};

}  // namespace spread::membership
