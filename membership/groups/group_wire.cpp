#include "membership/groups/group_wire.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"

namespace spread::membership {

using protocol::BufferRef;
using protocol::ByteReader;
using protocol::ByteWriter;
using protocol::DaemonId;
using protocol::Decoded;
using protocol::DecodeError;
using protocol::kNameFieldBytes;
using protocol::Message;
using protocol::NameField;
using protocol::Slice;

namespace {

constexpr std::uint8_t kGroupTag = 1;
constexpr std::uint8_t kDaemonTag = 2;
constexpr std::uint8_t kMemberTag = 3;
constexpr std::uint8_t kLastFlag = 1;
constexpr std::uint8_t kChangedFlag = 1;

constexpr std::size_t kFixedBytes = 28;
constexpr std::size_t kDaemonRecordBytes = 1 + 4;

std::size_t group_record_bytes(const NameField& name) {
    return 1 + 1 + 12 + 1 + name.view().size();
}

std::size_t member_record_bytes(std::string_view user) {
    return 1 + 1 + user.size();
}

std::size_t header_bytes(const GroupStatePart& part) {
    return kFixedBytes + 4 * part.synced.size();
}

std::size_t encoded_bytes(const GroupStatePart& part) {
    std::size_t bytes = header_bytes(part);
    for (const auto& group : part.groups) {
        bytes += group_record_bytes(group.name);
        for (const auto& daemon : group.daemons) {
            bytes += kDaemonRecordBytes;
            for (const auto& user : daemon.users) {
                bytes += member_record_bytes(user);
            }
        }
    }
    return bytes;
}

/// Terminated, and zero behind the name: two equal names are equal bytes.
bool is_padded(const NameField& name) {
    const auto bytes = name.bytes();
    const std::size_t length = name.view().size();
    return length < kNameFieldBytes &&
           std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(length), bytes.end(),
                       [](std::byte b) { return b == std::byte{0}; });
}

bool is_member_name(const NameField& name) {
    return is_padded(name) && protocol::parse_private_group(name.view()).has_value();
}

NameField read_name_field(ByteReader& reader) {
    const auto bytes = reader.read_bytes(kNameFieldBytes);
    return bytes.empty() ? NameField() : NameField(bytes.first<kNameFieldBytes>());
}

/// A name behind its length byte. Nothing but name and length: no NUL, at most `length_max`.
struct ReadText {
    std::string text;
    bool legal = false;
};

ReadText read_text(ByteReader& reader, std::size_t length_max) {
    const auto length = reader.read_le<std::uint8_t>();
    if (length > length_max) {
        return {};
    }
    ReadText result;
    for (const std::byte b : reader.read_bytes(length)) {
        result.text.push_back(static_cast<char>(b));
    }
    result.legal = result.text.find('\0') == std::string::npos;
    return result;
}

void write_text(ByteWriter& writer, std::string_view text) {
    writer.write_le(static_cast<std::uint8_t>(text.size()));
    writer.write_bytes(std::as_bytes(std::span(text)));
}

std::int32_t read_i32(ByteReader& reader) {
    return static_cast<std::int32_t>(reader.read_le<std::uint32_t>());
}

/// What is wrong with a record that did not read: too few bytes, or its contents.
DecodeError fault(const ByteReader& reader) {
    return reader.ok() ? DecodeError::kBadValue : DecodeError::kTruncated;
}

Decoded<GroupStatePart::Group> read_group_record(ByteReader& reader) {
    GroupStatePart::Group group;
    const auto flags = reader.read_le<std::uint8_t>();
    group.id.proc_id = read_i32(reader);
    group.id.time = read_i32(reader);
    group.id.index = read_i32(reader);
    const ReadText name = read_text(reader, protocol::kGroupNameMax);
    if (!reader.ok() || !name.legal || (flags & ~kChangedFlag) != 0) {
        return tl::unexpected(fault(reader));
    }
    group.changed = (flags & kChangedFlag) != 0;
    group.name = NameField(name.text);
    return group;
}

/// A daemon or group record must not be followed by its like before it has something to hold.
bool is_complete(const GroupStatePart& part) {
    return part.groups.empty() || (!part.groups.back().daemons.empty() &&
                                   !part.groups.back().daemons.back().users.empty());
}

Decoded<void> read_records(ByteReader& reader, GroupStatePart& part) {
    while (reader.remaining() != 0) {
        const auto tag = reader.read_le<std::uint8_t>();
        if (tag == kGroupTag) {
            auto group = read_group_record(reader);
            if (!group) {
                return tl::unexpected(group.error());
            }
            if (!is_complete(part) ||
                (!part.groups.empty() && !(part.groups.back().name < group->name))) {
                return tl::unexpected(DecodeError::kBadValue);
            }
            part.groups.push_back(std::move(*group));
        } else if (tag == kDaemonTag) {
            const DaemonId id{reader.read_le<std::uint32_t>()};
            if (!reader.ok()) {
                return tl::unexpected(DecodeError::kTruncated);
            }
            if (part.groups.empty() ||
                (!part.groups.back().daemons.empty() && !is_complete(part)) ||
                std::find(part.synced.begin(), part.synced.end(), id) == part.synced.end()) {
                return tl::unexpected(DecodeError::kBadValue);
            }
            auto& daemons = part.groups.back().daemons;
            const bool repeated = std::any_of(daemons.begin(), daemons.end(),
                                              [&](const auto& other) { return other.id == id; });
            if (repeated) {
                return tl::unexpected(DecodeError::kBadValue);
            }
            daemons.push_back(GroupStatePart::Daemon{.id = id, .users = {}});
        } else if (tag == kMemberTag) {
            const ReadText user = read_text(reader, protocol::kPrivateNameMax);
            if (!reader.ok() || !protocol::is_private_name(user.text) || part.groups.empty() ||
                part.groups.back().daemons.empty()) {
                return tl::unexpected(fault(reader));
            }
            auto& users = part.groups.back().daemons.back().users;
            if (!users.empty() && users.back() >= user.text) {
                return tl::unexpected(DecodeError::kBadValue);
            }
            users.push_back(user.text);
        } else {
            return tl::unexpected(DecodeError::kBadKind);
        }
    }
    if (!is_complete(part)) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    return {};
}

}  // namespace

Message encode_group_request(const GroupRequest& request) {
    SPREAD_ASSERT(is_padded(request.group) && is_member_name(request.member));
    BufferRef buffer = BufferRef::allocate(2 * kNameFieldBytes);
    ByteWriter writer(std::span(buffer->data(), 2 * kNameFieldBytes));
    writer.write_bytes(request.group.bytes());
    writer.write_bytes(request.member.bytes());
    return Message(Slice{std::move(buffer), 0, 2 * kNameFieldBytes});
}

Decoded<GroupRequest> decode_group_request(std::span<const std::byte> body) {
    ByteReader reader(body);
    GroupRequest request;
    request.group = read_name_field(reader);
    request.member = read_name_field(reader);
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (reader.remaining() != 0) {
        return tl::unexpected(DecodeError::kTrailingBytes);
    }
    if (!is_padded(request.group) || !is_member_name(request.member)) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    return request;
}

Message encode_disconnect(const NameField& member) {
    SPREAD_ASSERT(is_member_name(member));
    return protocol::make_message(member.bytes());
}

Decoded<NameField> decode_disconnect(std::span<const std::byte> body) {
    ByteReader reader(body);
    const NameField member = read_name_field(reader);
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (reader.remaining() != 0) {
        return tl::unexpected(DecodeError::kTrailingBytes);
    }
    if (!is_member_name(member)) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    return member;
}

Message encode_group_state(const GroupStatePart& part) {
    SPREAD_ASSERT(!part.synced.empty() && part.synced.front() == part.sender &&
                  part.synced.size() <= std::numeric_limits<std::uint16_t>::max());
    const std::size_t size = encoded_bytes(part);
    BufferRef buffer = BufferRef::allocate(size);
    ByteWriter writer(std::span(buffer->data(), size));
    writer.write_le(part.ring.representative.value);
    writer.write_le(part.ring.nonce);
    writer.write_le(part.ring.counter);
    writer.write_le(part.sender.value);
    writer.write_le(part.part);
    writer.write_le(static_cast<std::uint8_t>(part.last ? kLastFlag : 0));
    writer.write_zeros(1);
    writer.write_le(static_cast<std::uint16_t>(part.synced.size()));
    for (const DaemonId id : part.synced) {
        writer.write_le(id.value);
    }
    for (const auto& group : part.groups) {
        SPREAD_ASSERT(!group.daemons.empty());
        writer.write_le(kGroupTag);
        writer.write_le(static_cast<std::uint8_t>(group.changed ? kChangedFlag : 0));
        writer.write_le(static_cast<std::uint32_t>(group.id.proc_id));
        writer.write_le(static_cast<std::uint32_t>(group.id.time));
        writer.write_le(static_cast<std::uint32_t>(group.id.index));
        write_text(writer, group.name.view());
        for (const auto& daemon : group.daemons) {
            SPREAD_ASSERT(!daemon.users.empty());
            writer.write_le(kDaemonTag);
            writer.write_le(daemon.id.value);
            for (const auto& user : daemon.users) {
                writer.write_le(kMemberTag);
                write_text(writer, user);
            }
        }
    }
    SPREAD_ASSERT(writer.remaining() == 0);
    return Message(Slice{std::move(buffer), 0, static_cast<std::uint32_t>(size)});
}

Decoded<GroupStatePart> decode_group_state(std::span<const std::byte> body) {
    ByteReader reader(body);
    GroupStatePart part;
    part.ring.representative = DaemonId{reader.read_le<std::uint32_t>()};
    part.ring.nonce = reader.read_le<std::uint32_t>();
    part.ring.counter = reader.read_le<std::uint64_t>();
    part.sender = DaemonId{reader.read_le<std::uint32_t>()};
    part.part = reader.read_le<std::uint32_t>();
    const auto flags = reader.read_le<std::uint8_t>();
    const auto reserved = reader.read_le<std::uint8_t>();
    const auto synced = reader.read_le<std::uint16_t>();
    if (!reader.ok() || synced > reader.remaining() / 4) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    part.synced.reserve(synced);
    for (std::uint16_t i = 0; i < synced; ++i) {
        part.synced.push_back(DaemonId{reader.read_le<std::uint32_t>()});
    }
    if (reserved != 0 || (flags & ~kLastFlag) != 0 || part.synced.empty() ||
        part.synced.front() != part.sender) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    part.last = (flags & kLastFlag) != 0;
    if (const auto records = read_records(reader, part); !records) {
        return tl::unexpected(records.error());
    }
    return part;
}

GroupStateWriter::GroupStateWriter(GroupStatePart first, std::size_t part_bytes_max)
    : part_(std::move(first)), part_bytes_max_(std::max(part_bytes_max, kGroupStateBytesMin)) {
    part_.part = 0;
    start_part();
}

void GroupStateWriter::group(const NameField& name, const protocol::GroupId& id, bool changed) {
    group_ = GroupStatePart::Group{.name = name, .id = id, .changed = changed, .daemons = {}};
    group_open_ = false;
    daemon_open_ = false;
}

void GroupStateWriter::daemon(DaemonId id) {
    daemon_ = id;
    daemon_open_ = false;
}

void GroupStateWriter::member(std::string_view user) {
    // Records are opened with their first member, so that none stays empty at the end of a part.
    std::size_t needed = member_record_bytes(user);
    needed += daemon_open_ ? 0 : kDaemonRecordBytes;
    needed += group_open_ ? 0 : group_record_bytes(group_.name);
    if (bytes_ + needed > part_bytes_max_ && !part_.groups.empty()) {
        close_part(false);
        start_part();
    }
    open_records();
    part_.groups.back().daemons.back().users.emplace_back(user);
    bytes_ += member_record_bytes(user);
}

std::vector<Message> GroupStateWriter::take_full() {
    return std::exchange(messages_, {});
}

std::vector<Message> GroupStateWriter::finish() {
    close_part(true);
    return take_full();
}

void GroupStateWriter::start_part() {
    part_.groups.clear();
    bytes_ = header_bytes(part_);
    group_open_ = false;
    daemon_open_ = false;
}

void GroupStateWriter::close_part(bool last) {
    part_.last = last;
    messages_.push_back(encode_group_state(part_));
    ++part_.part;
}

void GroupStateWriter::open_records() {
    if (!group_open_) {
        part_.groups.push_back(group_);
        bytes_ += group_record_bytes(group_.name);
        group_open_ = true;
        daemon_open_ = false;
    }
    if (!daemon_open_) {
        part_.groups.back().daemons.push_back(GroupStatePart::Daemon{.id = daemon_, .users = {}});
        bytes_ += kDaemonRecordBytes;
        daemon_open_ = true;
    }
}

}  // namespace spread::membership
