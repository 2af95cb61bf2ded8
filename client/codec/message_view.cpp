#include "client/codec/message_view.hpp"

#include <algorithm>
#include <utility>

#include "protocol/byte_reader.hpp"

namespace spread::client {

namespace {

using protocol::ByteOrder;
using protocol::ByteReader;
using protocol::kNameFieldBytes;

std::uint32_t read_u32(ByteReader& reader, ByteOrder order) {
    return order == ByteOrder::kLittle ? reader.read_le<std::uint32_t>()
                                       : reader.read_be<std::uint32_t>();
}

std::int32_t read_i32(ByteReader& reader, ByteOrder order) {
    return static_cast<std::int32_t>(read_u32(reader, order));
}

std::string read_name(ByteReader& reader) {
    const auto bytes = reader.read_bytes(kNameFieldBytes);
    if (bytes.size() != kNameFieldBytes) {
        return {};
    }
    return protocol::NameField(bytes.first<kNameFieldBytes>()).string();
}

tl::unexpected<Error> illegal(const MessageView& message, const std::string& why) {
    return fail(ErrorCode::kIllegalMessage, "membership message of group \"" +
                                                protocol::escaped(message.sender()) + "\": " + why);
}

}  // namespace

std::optional<std::size_t> bytes_behind(const protocol::SessionHeader& header) {
    if (header.num_groups < 0 || header.data_len < 0) {
        return std::nullopt;
    }
    const std::size_t total = protocol::frame_bytes(header) - protocol::kSessionHeaderBytes +
                              ((header.type & protocol::kRejectMess) != 0 ? kOldTypeBytes : 0);
    return total <= kFrameBytesMax ? std::optional(total) : std::nullopt;
}

std::uint32_t reject_type(ByteOrder order, std::span<const std::byte, kOldTypeBytes> old_type) {
    ByteReader reader(old_type);
    return (read_u32(reader, order) & ~protocol::kEndianBits) | protocol::kRejectMess;
}

std::string Membership::changed_member() const {
    if (cause == protocol::kCausedByNetwork || vs_sets.empty() || vs_sets.front().empty()) {
        return {};
    }
    return vs_sets.front().front();
}

Result<Membership> decode_membership(const MessageView& message) {
    if (!message.is_regular_membership() && !message.is_transitional()) {
        return illegal(message, "this is none");
    }
    const ByteOrder order = message.header.order;
    ByteReader reader(message.body);
    Membership membership;
    membership.group = message.sender();
    membership.cause =
        message.header.type & (protocol::kCausedByJoin | protocol::kCausedByLeave |
                               protocol::kCausedByDisconnect | protocol::kCausedByNetwork);
    membership.id.proc_id = read_i32(reader, order);
    membership.id.time = read_i32(reader, order);
    membership.id.index = read_i32(reader, order);
    if (!message.is_regular_membership()) {
        if (!reader.ok()) {
            return illegal(message, "the body is too short for a group identifier");
        }
        membership.cause = 0;
        return membership;
    }

    const std::uint32_t set_count = read_u32(reader, order);
    const std::uint32_t own_offset = read_u32(reader, order);
    if (!reader.ok()) {
        return illegal(message, "the body is shorter than its fixed part");
    }
    // Counts come from outside: every set takes four bytes and every name 32, so what is left of
    // the body bounds both before anything is reserved.
    if (set_count > reader.remaining() / sizeof(std::uint32_t)) {
        return illegal(message, "more vs-sets announced than the body can hold");
    }
    const std::size_t sets_start = reader.position();
    bool own_found = false;
    membership.vs_sets.reserve(set_count);
    for (std::uint32_t i = 0; i < set_count; ++i) {
        if (reader.position() - sets_start == own_offset) {
            membership.own_vs_set = i;
            own_found = true;
        }
        const std::uint32_t name_count = read_u32(reader, order);
        if (!reader.ok() || name_count > reader.remaining() / kNameFieldBytes) {
            return illegal(message, "a vs-set is longer than the body");
        }
        std::vector<std::string> names;
        names.reserve(name_count);
        for (std::uint32_t n = 0; n < name_count; ++n) {
            names.push_back(read_name(reader));
        }
        membership.vs_sets.push_back(std::move(names));
    }
    if (!own_found && set_count > 0) {
        return illegal(message, "the offset of our own vs-set points into the middle of one");
    }
    membership.members.reserve(message.group_count());
    for (std::size_t i = 0; i < message.group_count(); ++i) {
        membership.members.push_back(message.group(i).string());
    }
    return membership;
}

}  // namespace spread::client
