#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/message.hpp"
#include "protocol/names.hpp"
#include "protocol/result.hpp"

// Bodies of the ring messages by which the group layers of all daemons talk to each other. They are
// ours alone: little-endian, no version of their own (the ring packet has one). Names are validated
// here, so that what decodes can be shown to clients.

namespace spread::membership {

/// Body of kGroupJoin and kGroupLeave, 64 bytes:
///
///   Off  Size  Field
///     0    32  group, NUL-padded; may be empty, need not be portable
///    32    32  member, a private group name, NUL-padded
struct GroupRequest {
    protocol::NameField group;
    protocol::NameField member;

    friend bool operator==(const GroupRequest&, const GroupRequest&) = default;
};

/// Both names must be NUL-padded and the member a private group. Asserted.
[[nodiscard]] protocol::Message encode_group_request(const GroupRequest& request);
[[nodiscard]] protocol::Decoded<GroupRequest> decode_group_request(std::span<const std::byte> body);

/// Body of kDisconnect, 32 bytes: the member, a private group name, NUL-padded.
[[nodiscard]] protocol::Message encode_disconnect(const protocol::NameField& member);
[[nodiscard]] protocol::Decoded<protocol::NameField> decode_disconnect(
    std::span<const std::byte> body);

/// One part of the state that a representative sends for its whole synced set after a regular
/// configuration; body of kGroupState. Every part says what it belongs to, so that parts of an
/// interrupted exchange are recognised and thrown away.
///
///   Off  Size  Field
///     0     4  ring: representative
///     4     4  ring: nonce
///     8     8  ring: counter
///    16     4  sender
///    20     4  number of this part, from 0
///    24     1  flags: bit 0 = last part
///    25     1  0
///    26     2  n, daemons of the synced set, at least 1
///    28    4n  their ids, configuration order, the sender first
///
/// then records up to the end, each a tag byte and its fields:
///
///   group   1 | flags u8: bit 0 = changed | proc_id, time, index: 3 x i32 | length u8 | name
///   daemon  2 | id u32
///   member  3 | length u8 | user part of the private group name
///
/// A member belongs to the daemon record before it, a daemon to the group record before it. Groups
/// ascend bytewise inside a part, members inside a daemon record. A group may go on in the next
/// part, even inside a daemon: its records are then repeated at the start of that part.
struct GroupStatePart {
    struct Daemon {
        protocol::DaemonId id;
        std::vector<std::string> users;  ///< ascending, 1..10 name bytes each, not empty

        friend bool operator==(const Daemon&, const Daemon&) = default;
    };
    struct Group {
        protocol::NameField name;
        protocol::GroupId id;
        bool changed = false;
        std::vector<Daemon> daemons;  ///< not empty

        friend bool operator==(const Group&, const Group&) = default;
    };

    protocol::RingId ring;
    protocol::DaemonId sender;
    std::uint32_t part = 0;
    bool last = false;
    protocol::MemberList synced;
    std::vector<Group> groups;

    friend bool operator==(const GroupStatePart&, const GroupStatePart&) = default;
};

/// The part must keep the rules above. Asserted.
[[nodiscard]] protocol::Message encode_group_state(const GroupStatePart& part);
[[nodiscard]] protocol::Decoded<GroupStatePart> decode_group_state(std::span<const std::byte> body);

/// No part is cut smaller than this.
inline constexpr std::size_t kGroupStateBytesMin = 1024;

/// Cuts a table into parts of at most so many bytes.
class GroupStateWriter {
  public:
    /// `first` carries the common fields: ring, sender, synced.
    GroupStateWriter(GroupStatePart first, std::size_t part_bytes_max);

    void group(const protocol::NameField& name, const protocol::GroupId& id, bool changed);
    void daemon(protocol::DaemonId id);
    /// Members ascend inside a daemon.
    void member(std::string_view user);

    /// Parts that are full and have not been taken yet, in order.
    [[nodiscard]] std::vector<protocol::Message> take_full();
    /// The parts that have not been taken yet, the last one among them; ends the writer's life.
    [[nodiscard]] std::vector<protocol::Message> finish();

  private:
    void start_part();
    void close_part(bool last);
    void open_records();

    GroupStatePart part_;
    std::size_t part_bytes_max_;
    std::size_t bytes_ = 0;
    GroupStatePart::Group group_;  ///< current group and daemon, repeated in a new part
    protocol::DaemonId daemon_;
    bool group_open_ = false;  ///< part_ has the current group's record
    bool daemon_open_ = false;
    std::vector<protocol::Message> messages_;
};

}  // namespace spread::membership
