#include "daemon/session/permissions.hpp"

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

/// Computed again for each client after the rules were replaced.
const access::AccessRules::Standing& Permissions::standing_of(Requester& client) const {
    if (client.rules != rules_number_) {
        client.standing = access_rules_->standing_of(client.who);
        client.rules = rules_number_;
    }
    return client.standing;
}

bool Permissions::may_send(Requester& client, std::span<const std::byte> frame) const {
    if (access_rules_ == nullptr) {
        return true;
    }
    const access::AccessRules::Standing& standing = standing_of(client);
    const auto header =
        protocol::decode_session_header(frame.first<protocol::kSessionHeaderBytes>());
    for (std::size_t i = 0; i < static_cast<std::size_t>(header.num_groups); ++i) {
        const protocol::NameField group(protocol::group_field(frame, i));
        if (!access_rules_->may_send(standing, group.view())) {
            return false;
        }
    }
    return true;
}

}  // namespace spread::session
