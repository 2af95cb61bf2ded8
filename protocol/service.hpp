#pragma once

#include <cstdint>

namespace spread::protocol {

/// Delivery service of a message on the ring.
///
/// The client wire knows six services. The ring orders all messages in one total order, so
/// UNRELIABLE, RELIABLE, FIFO, CAUSAL and AGREED are all delivered as kAgreed: in ring order, as
/// soon as everything before has arrived. kSafe waits in addition until every member is known to
/// have the message. (Stock delivers RELIABLE early and thereby breaks view synchrony; see docs.)
enum class Service : std::uint8_t { kAgreed = 1, kSafe = 2 };

/// What the body of a ring message is. The ring engine transports it untouched; the group layer
/// interprets it.
enum class MessageKind : std::uint8_t {
    kClientFrame = 1,  ///< a session-wire frame, little-endian, exactly as it goes to the receivers
    kGroupJoin = 2,    ///< group_wire.hpp
    kGroupLeave = 3,   ///< group_wire.hpp
    kDisconnect = 4,   ///< group_wire.hpp
    kGroupState = 5,   ///< group_wire.hpp; control: goes before client messages after a view change
    kRingKeys = 6,     ///< key_wire.hpp; control. Daemons before 0.3 count it and drop it
    kRecoveryPacket = 255  ///< engine-internal: a datagram of an old ring, resent on the new one
};

}  // namespace spread::protocol
