#include "daemon/session/permissions.hpp"

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

bool Permissions::may_send(const access::Identity& who, std::span<const std::byte> frame) const {
    if (access_rules_ == nullptr) {
        return true;
    }
    const auto header =
        protocol::decode_session_header(frame.first<protocol::kSessionHeaderBytes>());
    for (std::size_t i = 0; i < static_cast<std::size_t>(header.num_groups); ++i) {
        const protocol::NameField group(protocol::group_field(frame, i));
        if (!access_rules_->may_send(who, group.view())) {
            return false;
        }
    }
    return true;
}

}  // namespace spread::session
