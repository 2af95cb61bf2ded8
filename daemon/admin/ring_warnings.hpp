#pragma once

#include "daemon/admin/status.hpp"
#include "daemon/ring/ring_facts.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::admin {

/// What an operator should know though the ring may be whole: which datagram it could not read
/// last, how the settings of peers differ (of who is in the ring, or heard, and of who is missing
/// for its configuration), and which token timeout is set. Peers and who is missing are there
/// already.
void fill_warnings(Status& status, const daemon::RingFacts& facts, const protocol::Roster& roster,
                   protocol::Instant now);

}  // namespace spread::admin
