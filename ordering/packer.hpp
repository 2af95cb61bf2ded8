#pragma once

#include <cstddef>

#include "ordering/send_queue.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::ordering {

/// The smallest first piece worth starting a message with at the end of a packet.
inline constexpr std::size_t kFirstPieceBytesMin = 64;

/// Moves messages from `queue` into `packet` until it is full or nothing is left. Messages are
/// packed back to back and split at packet ends, so that the packets of one burst are full and
/// equal in size.
void fill_packet(SendQueue& queue, protocol::DataBuilder& packet);

}  // namespace spread::ordering
