#include "membership/groups/frame_router.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::NameField;
using protocol::SessionHeader;
using protocol::SessionId;

namespace {

/// What a delivered multicast may carry in its type word.
constexpr std::uint32_t kFrameBits =
    protocol::kRequestBits & ~(protocol::kJoinMess | protocol::kLeaveMess | protocol::kKillMess);

/// Header and groups of a client frame: all that routing looks at.
constexpr std::size_t kFrameHeadMax =
    protocol::kSessionHeaderBytes + protocol::kGroupsPerMessageMax * protocol::kNameFieldBytes;

}  // namespace

bool is_client_of(const protocol::Roster& roster, const NameField& member, DaemonIndex daemon) {
    const auto parts = protocol::parse_private_group(member.view());
    return parts && parts->daemon == roster.name(daemon);
}

std::optional<FrameRouter::Routed> FrameRouter::route(const protocol::Message& frame,
                                                      DaemonIndex origin) const {
    std::array<std::byte, kFrameHeadMax> scratch;
    // The head is almost always whole in the first slice; else it is copied.
    const auto head_of = [&](std::size_t size) -> std::span<const std::byte> {
        if (const auto first = frame.slice(0).bytes(); first.size() >= size) {
            return first;
        }
        frame.copy_to(std::span(scratch).first(size));
        return std::span(scratch).first(size);
    };
    if (frame.size() < protocol::kSessionHeaderBytes) {
        return std::nullopt;
    }
    const SessionHeader header = protocol::decode_session_header(
        head_of(protocol::kSessionHeaderBytes).first<protocol::kSessionHeaderBytes>());
    if (!is_deliverable(header, frame.size(), origin)) {
        return std::nullopt;
    }
    const auto group_count = static_cast<std::size_t>(header.num_groups);
    std::vector<SessionId> recipients =
        members_of(head_of(protocol::kSessionHeaderBytes + group_count * protocol::kNameFieldBytes),
                   group_count, static_cast<std::size_t>(header.data_len));
    if ((header.type & protocol::kSelfDiscard) != 0) {
        // Other daemons' clients have no session here, so only our own sender is found.
        if (const auto sender = sessions_.find(header.private_group_name)) {
            std::erase(recipients, *sender);
        }
    }
    return Routed{std::move(recipients), header.type, static_cast<std::size_t>(header.data_len)};
}

/// A peer's bytes: everything that routing or a client relies on is checked.
bool FrameRouter::is_deliverable(const SessionHeader& header, std::size_t size,
                                 DaemonIndex origin) const {
    return header.order == protocol::ByteOrder::kLittle &&
           std::popcount(header.type & protocol::kRegularMess) == 1 &&
           (header.type & ~kFrameBits) == 0 && header.num_groups >= 0 &&
           static_cast<std::size_t>(header.num_groups) <= protocol::kGroupsPerMessageMax &&
           header.data_len >= 0 && protocol::frame_bytes(header) == size &&
           is_client_of(roster_, header.private_group_name, origin);
}

std::vector<SessionId> FrameRouter::members_of(std::span<const std::byte> head,
                                               std::size_t group_count,
                                               std::size_t body_bytes) const {
    std::vector<SessionId> recipients;
    bool several_sources = false;
    for (std::size_t i = 0; i < group_count; ++i) {
        const NameField destination(protocol::group_field(head, i));
        if (destination.view().starts_with('#')) {
            if (const auto found = sessions_.private_recipient(destination)) {
                several_sources = several_sources || !recipients.empty();
                recipients.push_back(*found);
            }
        } else if (const Group* group = table_.find(destination)) {
            ++group->traffic.messages;
            group->traffic.bytes += body_bytes;
            several_sources = several_sources || (!recipients.empty() && !group->receivers.empty());
            recipients.insert(recipients.end(), group->receivers.begin(), group->receivers.end());
        }
    }
    if (several_sources) {
        std::sort(recipients.begin(), recipients.end());
        recipients.erase(std::unique(recipients.begin(), recipients.end()), recipients.end());
    }
    sessions_.drop_closing(recipients);
    return recipients;
}

}  // namespace spread::membership
