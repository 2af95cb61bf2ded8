#include "daemon/session/rejection.hpp"

#include <algorithm>
#include <array>

#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

std::optional<protocol::Message> rejection_of(std::span<const std::byte> request) {
    const auto header =
        protocol::decode_session_header(request.first<protocol::kSessionHeaderBytes>());
    if ((header.type & protocol::kSelfDiscard) != 0) {
        return std::nullopt;
    }
    return protocol::encode_reject(request);
}

std::optional<protocol::Message> rejection_of(const protocol::JoinRequest& join) {
    protocol::SessionHeader header = join.header;
    header.order = protocol::ByteOrder::kLittle;
    header.num_groups = 1;  // the others and a body were never looked at
    header.data_len = 0;
    std::array<std::byte, protocol::kSessionHeaderBytes + protocol::kNameFieldBytes> request;
    protocol::encode_session_header(header,
                                    std::span(request).first<protocol::kSessionHeaderBytes>());
    std::copy_n(join.group.bytes().begin(), protocol::kNameFieldBytes,
                request.begin() + protocol::kSessionHeaderBytes);
    return rejection_of(request);
}

}  // namespace spread::session
