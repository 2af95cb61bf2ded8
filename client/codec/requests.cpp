#include "client/codec/requests.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "protocol/session_wire.hpp"

namespace spread::client {

namespace {

using protocol::kNameFieldBytes;
using protocol::kSessionHeaderBytes;
using protocol::NameField;

void append_frame_head(Bytes& out, const NameField& self, std::uint32_t type,
                       std::span<const NameField> groups, std::int16_t mess_type,
                       std::size_t body_bytes) {
    const auto head = make_request_head(self, type, groups.size(), mess_type, body_bytes);
    const std::size_t start = out.size();
    out.resize(start + head.size() + groups.size() * kNameFieldBytes);
    auto place = std::span(out).subspan(start);
    std::copy(head.begin(), head.end(), place.begin());
    place = place.subspan(head.size());
    for (const NameField& group : groups) {
        std::copy(group.bytes().begin(), group.bytes().end(), place.begin());
        place = place.subspan(kNameFieldBytes);
    }
}

Result<void> append_group_request(Bytes& out, const NameField& self, std::uint32_t type,
                                  std::string_view group) {
    if (!protocol::is_portable_group_name(group)) {
        return fail(ErrorCode::kIllegalGroup,
                    "\"" + protocol::escaped(group) +
                        "\" is no group name: 1 to 31 bytes, no blanks, no '#', plain ASCII");
    }
    const NameField name(group);
    append_frame_head(out, self, type, std::span(&name, 1), 0, 0);
    return {};
}

Result<void> check(const Multicast& multicast) {
    constexpr std::uint32_t kOptions = protocol::kSelfDiscard | protocol::kDropRecv;
    const std::uint32_t services = multicast.service & protocol::kRegularMess;
    if (std::popcount(services) != 1 || (multicast.service & ~(services | kOptions)) != 0) {
        return fail(ErrorCode::kIllegalService, "a multicast has exactly one service type");
    }
    if (multicast.groups.empty() || multicast.groups.size() > protocol::kGroupsPerMessageMax) {
        return fail(ErrorCode::kIllegalGroup,
                    "a multicast goes to 1 to " + std::to_string(protocol::kGroupsPerMessageMax) +
                        " groups, not " + std::to_string(multicast.groups.size()));
    }
    const std::size_t content = multicast.body.size() + multicast.groups.size() * kNameFieldBytes;
    if (content > protocol::kMessageContentMax) {
        return fail(ErrorCode::kMessageTooLong,
                    "the message is too long: body and 32 bytes per group are " +
                        std::to_string(content) + " bytes, allowed are " +
                        std::to_string(protocol::kMessageContentMax));
    }
    return {};
}

}  // namespace

std::array<std::byte, kSessionHeaderBytes> make_request_head(const NameField& self,
                                                             std::uint32_t type,
                                                             std::size_t group_count,
                                                             std::int16_t mess_type,
                                                             std::size_t body_bytes) {
    protocol::SessionHeader header;
    header.type = type;
    header.private_group_name = self;
    header.num_groups = static_cast<std::int32_t>(group_count);
    header.hint = protocol::make_hint(mess_type);
    header.data_len = static_cast<std::int32_t>(body_bytes);
    std::array<std::byte, kSessionHeaderBytes> head{};
    protocol::encode_session_header(header, head);
    return head;
}

Result<void> append_join(Bytes& out, const NameField& self, std::string_view group) {
    return append_group_request(out, self, protocol::kJoinMess, group);
}

Result<void> append_leave(Bytes& out, const NameField& self, std::string_view group) {
    return append_group_request(out, self, protocol::kLeaveMess, group);
}

void append_kill(Bytes& out, const NameField& self) {
    append_frame_head(out, self, protocol::kKillMess, std::span(&self, 1), 0, 0);
}

Result<void> append_multicast_head(Bytes& out, const NameField& self, const Multicast& multicast) {
    if (auto checked = check(multicast); !checked) {
        return checked;
    }
    append_frame_head(out, self, multicast.service, multicast.groups, multicast.mess_type,
                      multicast.body.size());
    return {};
}

Result<void> append_multicast(Bytes& out, const NameField& self, const Multicast& multicast) {
    auto appended = append_multicast_head(out, self, multicast);
    if (appended) {
        out.insert(out.end(), multicast.body.begin(), multicast.body.end());
    }
    return appended;
}

Result<NameField> make_group(std::string_view name) {
    if (name.empty() || name.size() > protocol::kGroupNameMax ||
        name.find('\0') != std::string_view::npos) {
        return fail(ErrorCode::kIllegalGroup,
                    "\"" + protocol::escaped(name) + "\" is no group name: 1 to 31 bytes");
    }
    return NameField(name);
}

Result<std::vector<NameField>> make_group_list(std::span<const std::string_view> names) {
    std::vector<NameField> groups;
    groups.reserve(names.size());
    for (const std::string_view name : names) {
        auto group = make_group(name);
        if (!group) {
            return tl::unexpected(std::move(group.error()));
        }
        groups.push_back(*group);
    }
    return groups;
}

}  // namespace spread::client
