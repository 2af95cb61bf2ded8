#pragma once

#include "daemon/session/session_output.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "sealing/key_agreement.hpp"

namespace spread::session {

/// Puts what the agreement about keys has to say among what goes to the ring.
inline void submit_key_messages(sealing::KeyAgreement& keys, SessionOutput& out) {
    for (const sealing::KeyAgreement::Outgoing& message : keys.take_messages()) {
        out.submissions.push_back(
            {message.is_safe ? protocol::Service::kSafe : protocol::Service::kAgreed,
             protocol::MessageKind::kRingKeys, true, protocol::make_message(message.body)});
    }
}

}  // namespace spread::session
