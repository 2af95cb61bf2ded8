#pragma once

#include "membership/gather.hpp"
#include "membership/ring_members.hpp"
#include "protocol/ids.hpp"

namespace spread::membership {

/// A ring in the making, from the first commit token on.
struct Forming {
    protocol::RingId ring_id;
    RingMembers members;
    Gather::Sets sets;                  ///< of the gather that led here
    protocol::TokenSeq last_token_seq;  ///< of the commit token handled last
};

}  // namespace spread::membership
