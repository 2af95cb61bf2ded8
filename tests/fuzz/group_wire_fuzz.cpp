#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "membership/groups/group_wire.hpp"
#include "protocol/membership_frames.hpp"
#include "tests/fuzz/require.hpp"

// Bytes as the body of each message of the group layer, and as the body of a membership message: no
// decoder may crash, and what one accepts must encode to the same bytes again.

namespace {

using namespace spread;
using spread::fuzz::require;

void require_same(const protocol::Message& message, std::span<const std::byte> bytes) {
    std::vector<std::byte> again(message.size());
    message.copy_to(again);
    require(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
}

void membership_body(std::span<const std::byte> bytes) {
    const auto body = protocol::decode_membership_body(bytes);
    if (!body) {
        return;
    }
    std::vector<protocol::VsSet> sets;
    for (const auto& set : body->sets) {
        sets.push_back(protocol::VsSet{.runs = {protocol::NameRun(set)}});
    }
    const protocol::Message frame = protocol::encode_network_view(
        protocol::NameField("g"), body->id, {}, sets, body->own_set());
    std::vector<std::byte> again(frame.size());
    frame.copy_to(again);
    const auto tail = std::span(again).subspan(protocol::kSessionHeaderBytes);
    require(std::equal(tail.begin(), tail.end(), bytes.begin(), bytes.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    if (const auto request = membership::decode_group_request(bytes)) {
        require_same(membership::encode_group_request(*request), bytes);
    }
    if (const auto member = membership::decode_disconnect(bytes)) {
        require_same(membership::encode_disconnect(*member), bytes);
    }
    if (const auto part = membership::decode_group_state(bytes)) {
        require_same(membership::encode_group_state(*part), bytes);
    }
    membership_body(bytes);
    static_cast<void>(protocol::decode_transitional_body(bytes));
    return 0;
}
