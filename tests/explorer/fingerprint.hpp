#pragma once

#include "membership/ring_engine.hpp"
#include "protocol/time.hpp"
#include "tests/explorer/hash.hpp"

namespace spread::explorer {

/// Adds everything in an engine that decides what it will do, times aside: of timers and the like
/// only whether they are set. Two states of one fingerprint are taken for one.
void add_engine(Hash& hash, const membership::RingEngine& engine);

/// Makes an engine that stands in time forget when it sent last, since pauses between sendings
/// never end there; and its entropy start over, so that it does not tell states apart.
void forget_times(membership::RingEngine& engine, std::uint64_t seed);

[[nodiscard]] bool is_timer_set(const membership::RingEngine& engine, std::size_t timer);
/// Lets a timer be due now.
void make_due(membership::RingEngine& engine, std::size_t timer, protocol::Instant now);
/// It holds the token of a quiet ring.
[[nodiscard]] bool holds_token(const membership::RingEngine& engine);
/// Nothing of its ring is on its way or undelivered, and nothing waits to be sent.
[[nodiscard]] bool is_at_rest(const membership::RingEngine& engine);

}  // namespace spread::explorer
