#include "protocol/membership_frames.hpp"

#include <algorithm>
#include <limits>

#include "protocol/assert.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"

namespace spread::protocol {
namespace {

static_assert(sizeof(NameField) == kNameFieldBytes);  // runs are copied whole

constexpr std::size_t kGroupIdBytes = 12;
constexpr std::size_t kViewPrefixBytes = kGroupIdBytes + 8;

std::size_t name_count(std::span<const NameRun> runs) {
    std::size_t count = 0;
    for (const NameRun& run : runs) {
        count += run.size();
    }
    return count;
}

std::uint32_t to_u32(std::size_t value) {
    SPREAD_ASSERT(value <= std::numeric_limits<std::uint32_t>::max());
    return static_cast<std::uint32_t>(value);
}

std::int32_t to_i32(std::size_t value) {
    SPREAD_ASSERT(value <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    return static_cast<std::int32_t>(value);
}

/// A frame under construction: its header is written, groups and body follow.
class Frame {
  public:
    Frame(std::uint32_t type, const NameField& group, std::size_t num_groups, std::size_t data_len)
        : size_(kSessionHeaderBytes + kNameFieldBytes * num_groups + data_len),
          buffer_(BufferRef::allocate(size_)),
          writer_(std::span(buffer_->data(), size_)) {
        SessionHeader header;
        header.type = type;
        header.private_group_name = group;
        header.num_groups = to_i32(num_groups);
        header.hint = make_hint(0);
        header.data_len = to_i32(data_len);
        encode_session_header(header,
                              std::span(buffer_->data(), size_).first<kSessionHeaderBytes>());
        writer_ = ByteWriter(std::span(buffer_->data(), size_).subspan(kSessionHeaderBytes));
    }

    void write_names(std::span<const NameRun> runs) {
        for (const NameRun& run : runs) {
            writer_.write_bytes(std::as_bytes(run));
        }
    }

    void write_name(const NameField& name) { writer_.write_bytes(name.bytes()); }

    void write_u32(std::size_t value) { writer_.write_le(to_u32(value)); }

    void write_id(const GroupId& id) {
        writer_.write_le(static_cast<std::uint32_t>(id.proc_id));
        writer_.write_le(static_cast<std::uint32_t>(id.time));
        writer_.write_le(static_cast<std::uint32_t>(id.index));
    }

    [[nodiscard]] Message finish() {
        SPREAD_ASSERT(writer_.remaining() == 0);
        return Message(Slice{std::move(buffer_), 0, to_u32(size_)});
    }

  private:
    std::size_t size_;
    BufferRef buffer_;
    ByteWriter writer_;
};

std::uint32_t cause_bits(MemberChange cause) {
    switch (cause) {
        case MemberChange::kJoin: return kCausedByJoin;
        case MemberChange::kLeave: return kCausedByLeave;
        case MemberChange::kDisconnect: return kCausedByDisconnect;
    }
    return 0;
}

std::int32_t read_i32(ByteReader& reader) {
    return static_cast<std::int32_t>(reader.read_le<std::uint32_t>());
}

GroupId read_group_id(ByteReader& reader) {
    GroupId id;
    id.proc_id = read_i32(reader);
    id.time = read_i32(reader);
    id.index = read_i32(reader);
    return id;
}

}  // namespace

std::size_t VsSet::size() const {
    return name_count(runs);
}

Message encode_member_change(MemberChange cause, const NameField& group, const GroupId& id,
                             std::span<const NameRun> members, const NameField& changed) {
    Frame frame(kRegMembMess | cause_bits(cause), group, name_count(members),
                kViewPrefixBytes + 4 + kNameFieldBytes);
    frame.write_names(members);
    frame.write_id(id);
    frame.write_u32(1);
    frame.write_u32(0);
    frame.write_u32(1);
    frame.write_name(changed);
    return frame.finish();
}

Message encode_network_view(const NameField& group, const GroupId& id,
                            std::span<const NameRun> members, std::span<const VsSet> sets,
                            std::size_t own_set) {
    SPREAD_ASSERT(own_set < sets.size());
    std::size_t sets_bytes = 0;
    std::size_t own_offset = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        if (i == own_set) {
            own_offset = sets_bytes;
        }
        sets_bytes += sets[i].wire_bytes();
    }
    Frame frame(kRegMembMess | kCausedByNetwork, group, name_count(members),
                kViewPrefixBytes + sets_bytes);
    frame.write_names(members);
    frame.write_id(id);
    frame.write_u32(sets.size());
    frame.write_u32(own_offset);
    for (const VsSet& set : sets) {
        frame.write_u32(set.size());
        frame.write_names(set.runs);
    }
    return frame.finish();
}

namespace {

Message encode_3x(std::uint32_t cause, const NameField& group, const GroupId& id,
                  std::span<const NameRun> members, std::span<const NameRun> set) {
    const std::size_t count = name_count(set);
    Frame frame(kRegMembMess | cause, group, name_count(members),
                kGroupIdBytes + 4 + kNameFieldBytes * count);
    frame.write_names(members);
    frame.write_id(id);
    frame.write_u32(count);
    frame.write_names(set);
    return frame.finish();
}

}  // namespace

Message encode_member_change_3x(MemberChange cause, const NameField& group, const GroupId& id,
                                std::span<const NameRun> members, const NameField& changed) {
    const NameRun alone(&changed, 1);
    return encode_3x(cause_bits(cause), group, id, members, std::span(&alone, 1));
}

Message encode_network_view_3x(const NameField& group, const GroupId& id,
                               std::span<const NameRun> members, const VsSet& own_set) {
    return encode_3x(kCausedByNetwork, group, id, members, own_set.runs);
}

Message encode_transitional_signal(const NameField& group, const GroupId& id) {
    Frame frame(kTransitionMess, group, 0, kGroupIdBytes);
    frame.write_id(id);
    return frame.finish();
}

Message encode_self_leave(const NameField& group) {
    return Frame(kCausedByLeave, group, 0, 0).finish();
}

Message encode_reject(std::span<const std::byte> request) {
    SPREAD_ASSERT(request.size() >= kSessionHeaderBytes);
    SessionHeader header = decode_session_header(request.first<kSessionHeaderBytes>());
    SPREAD_ASSERT(header.order == ByteOrder::kLittle && header.num_groups >= 0 &&
                  header.data_len >= 0 && frame_bytes(header) == request.size());

    // Requests come back under the names of the memberships they asked for.
    std::uint32_t old_type = header.type;
    if ((old_type & kJoinMess) != 0) {
        old_type = (old_type & ~kJoinMess) | kCausedByJoin;
    } else if ((old_type & kLeaveMess) != 0) {
        old_type = (old_type & ~kLeaveMess) | kCausedByLeave;
    }
    const auto groups_asked = static_cast<std::size_t>(header.num_groups);
    const std::size_t groups_kept = std::min(groups_asked, kGroupsPerMessageMax - 1);
    header.type = kRejectMess | (header.type & kSelfDiscard);
    header.num_groups = static_cast<std::int32_t>(groups_kept + 1);

    const std::size_t size = frame_bytes(header) + 4;
    BufferRef buffer = BufferRef::allocate(size);
    const std::span<std::byte> bytes(buffer->data(), size);
    encode_session_header(header, bytes.first<kSessionHeaderBytes>());
    ByteWriter writer(bytes.subspan(kSessionHeaderBytes));
    writer.write_le(old_type | kEndianBits);
    writer.write_bytes(request.subspan(kSessionHeaderBytes, kNameFieldBytes * groups_kept));
    writer.write_bytes(header.private_group_name.bytes());
    writer.write_bytes(request.subspan(kSessionHeaderBytes + kNameFieldBytes * groups_asked));
    SPREAD_ASSERT(writer.remaining() == 0);
    return Message(Slice{std::move(buffer), 0, to_u32(size)});
}

std::size_t MembershipBody::own_set() const {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        if (offset == own_offset) {
            return i;
        }
        offset += 4 + kNameFieldBytes * sets[i].size();
    }
    return sets.size();
}

Decoded<MembershipBody> decode_membership_body(std::span<const std::byte> body) {
    ByteReader reader(body);
    MembershipBody result;
    result.id = read_group_id(reader);
    const auto set_count = reader.read_le<std::uint32_t>();
    result.own_offset = reader.read_le<std::uint32_t>();
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (set_count > reader.remaining() / 4) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    result.sets.reserve(set_count);
    for (std::uint32_t i = 0; i < set_count; ++i) {
        const auto names = reader.read_le<std::uint32_t>();
        if (!reader.ok() || names > reader.remaining() / kNameFieldBytes) {
            return tl::unexpected(DecodeError::kTruncated);
        }
        auto& set = result.sets.emplace_back();
        set.reserve(names);
        for (std::uint32_t n = 0; n < names; ++n) {
            set.push_back(NameField(reader.read_bytes(kNameFieldBytes).first<kNameFieldBytes>()));
        }
    }
    if (reader.remaining() != 0) {
        return tl::unexpected(DecodeError::kTrailingBytes);
    }
    if (result.own_set() == result.sets.size()) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    return result;
}

Decoded<GroupId> decode_transitional_body(std::span<const std::byte> body) {
    ByteReader reader(body);
    const GroupId id = read_group_id(reader);
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (reader.remaining() != 0) {
        return tl::unexpected(DecodeError::kTrailingBytes);
    }
    return id;
}

}  // namespace spread::protocol
