#pragma once

#include <cstddef>

#include "ordering/send_queue.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::ordering {

/// Moves messages from `queue` into `packet` until it is full or nothing is left. Messages are
/// packed back to back and split at packet ends, be the first piece ever so small: the packets of
/// one burst are then equal in size, which is what lets them cross the network stack in one piece.
/// Only one that has no room left for another entry's header and a byte is shorter.
void fill_packet(SendQueue& queue, protocol::DataBuilder& packet);

}  // namespace spread::ordering
