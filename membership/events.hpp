#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "membership/absence.hpp"
#include "ordering/submission.hpp"
#include "protocol/ids.hpp"

namespace spread::membership {

using ordering::Delivery;
using ordering::Submission;

enum class ConfigurationKind : std::uint8_t {
    kTransitional,  ///< the members of the old ring that go on together; weaker guarantees until
                    ///< kRegular follows
    kRegular        ///< a new ring is installed
};

/// A configuration of extended virtual synchrony. Between two regular configurations there is
/// always exactly one transitional one. The transitional configuration carries the id of the ring
/// that follows; its own group-visible identifier is (members.front(), ring_id.counter - 1), which
/// no regular ring uses because counters advance in steps of two.
struct ConfigurationChange {
    ConfigurationKind kind = ConfigurationKind::kRegular;
    protocol::RingId ring_id;
    protocol::MemberList members;    ///< configuration-file order
    std::vector<Absence> missing{};  ///< of a regular one: the other configured daemons
};

using DeliveryEvent = std::variant<Delivery, ConfigurationChange>;

}  // namespace spread::membership
