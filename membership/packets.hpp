#pragma once

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

// Decoded packets as the states get them: one type per kind, so that each state has one function
// per kind and a missing one does not compile. Tokens, joins, commit tokens and probes are those of
// the wire.

struct DataPacket {
    protocol::DataHeader header;
    const protocol::Slice& datagram;  ///< to be kept
};

/// The sender has the token and keeps it.
struct Hold {
    protocol::TokenSeq token_seq;  ///< of that token
};

/// The sender has work and asks for the token.
struct Wake {
    protocol::TokenSeq seen;  ///< of the last token it saw
};

/// The sender goes away in order.
struct Leave {};

}  // namespace spread::membership
