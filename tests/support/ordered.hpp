#pragma once

#include <utility>

#include "ordering/submission.hpp"
#include "protocol/ids.hpp"

namespace spread::support {

/// What members of `ring` get for what one of them has handed in.
[[nodiscard]] inline ordering::Delivery ordered(ordering::Submission&& submission,
                                                const protocol::RingId& ring, protocol::Seq seq,
                                                protocol::DaemonId origin) {
    ordering::Delivery delivery;
    delivery.ring_id = ring;
    delivery.seq = seq;
    delivery.origin = origin;
    delivery.service = submission.service;
    delivery.kind = submission.kind;
    delivery.body = std::move(submission.body);
    return delivery;
}

}  // namespace spread::support
