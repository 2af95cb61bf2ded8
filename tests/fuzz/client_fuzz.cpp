// Any bytes as what a daemon sends: the client's side takes the same messages from them however
// they come, and believes no membership that the layout does not allow.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/address.hpp"
#include "client/codec/frame_buffer.hpp"
#include "client/codec/message_view.hpp"
#include "client/events.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/rng.hpp"
#include "protocol/session_wire.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace spread;
using Bytes = std::vector<std::byte>;
using spread::fuzz::require;

/// One message, or the end of a stream that makes no sense.
struct Seen {
    bool is_error = false;
    std::uint32_t type = 0;
    Bytes groups;
    Bytes body;

    friend bool operator==(const Seen&, const Seen&) = default;
};

/// The daemon's own decoder against the client's.
void check_membership(const client::MessageView& message) {
    const auto membership = client::decode_membership(message);
    if (!membership) {
        return;
    }
    require(message.is_regular_membership() || message.is_transitional());
    require(membership->group == message.sender());
    if (!message.is_regular_membership()) {
        return;
    }
    require(membership->members.size() == message.group_count());
    require(membership->vs_sets.empty() || membership->own_vs_set < membership->vs_sets.size());
    static_cast<void>(membership->changed_member());
    if (message.header.order == protocol::ByteOrder::kBig) {
        return;
    }
    if (const auto body = protocol::decode_membership_body(message.body)) {
        require(body->sets.size() == membership->vs_sets.size());
        for (std::size_t i = 0; i < body->sets.size(); ++i) {
            require(body->sets[i].size() == membership->vs_sets[i].size());
            for (std::size_t k = 0; k < body->sets[i].size(); ++k) {
                require(body->sets[i][k].view() == membership->vs_sets[i][k]);
            }
        }
    }
}

void check(const client::MessageView& message) {
    require(message.groups.size() ==
            protocol::kNameFieldBytes * static_cast<std::size_t>(message.header.num_groups));
    require(message.body.size() == static_cast<std::size_t>(message.header.data_len));
    for (std::size_t i = 0; i < message.group_count(); ++i) {
        require(message.group(i).view().size() <= protocol::kNameFieldBytes);
    }
    check_membership(message);
    if (const auto event = client::make_event(message)) {
        const auto* regular = std::get_if<Message>(&*event);
        require((regular != nullptr) == message.is_regular());
        require(regular == nullptr || std::ranges::equal(regular->body, message.body));
        require(std::holds_alternative<Rejected>(*event) == message.is_reject());
    }
    const MessageRef ref = client::make_ref(message);
    for (std::size_t i = 0; i < ref.group_count(); ++i) {
        require(ref.group(i) == message.group(i).view());
    }
}

/// Everything at once, or in pieces.
std::vector<Seen> read(std::span<const std::byte> stream, protocol::Rng* pieces) {
    client::FrameBuffer frames(128);
    std::vector<Seen> seen;
    while (!stream.empty()) {
        const std::size_t most = pieces == nullptr ? stream.size() : 1 + pieces->below(100);
        const auto piece = stream.first(std::min(most, stream.size()));
        stream = stream.subspan(piece.size());
        const std::size_t wanted = frames.bytes_wanted();
        require(wanted > 0);
        frames.append(piece);
        for (;;) {
            const auto message = frames.next();
            if (!message) {
                seen.push_back({.is_error = true, .type = 0, .groups = {}, .body = {}});
                return seen;
            }
            if (!*message) {
                break;
            }
            check(**message);
            const auto& view = **message;
            seen.push_back({.is_error = false,
                            .type = view.type,
                            .groups = {view.groups.begin(), view.groups.end()},
                            .body = {view.body.begin(), view.body.end()}});
        }
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    if (input.empty()) {
        return 0;
    }
    const auto stream = input.subspan(1);
    protocol::Rng pieces(std::to_integer<std::uint64_t>(input.front()));
    require(read(stream, nullptr) == read(stream, &pieces));

    static_cast<void>(protocol::decode_membership_body(stream));
    static_cast<void>(protocol::decode_transitional_body(stream));
    std::string text(stream.size(), '\0');
    std::ranges::transform(stream, text.begin(), [](std::byte b) { return static_cast<char>(b); });
    static_cast<void>(client::parse_address(text));
    return 0;
}
