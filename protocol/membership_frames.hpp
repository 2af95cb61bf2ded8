#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/message.hpp"
#include "protocol/names.hpp"
#include "protocol/result.hpp"
#include "protocol/session_wire.hpp"

// Frames of the session wire that the daemon itself originates (CP 7.2 to 7.5). All of
// them are little-endian, whatever the host; clients of the other byte order swap.

namespace spread::protocol {

/// Names one view of one group (CP 6). Clients compare all three numbers for equality
/// and make nothing else of them.
struct GroupId {
    std::int32_t proc_id = 0;
    std::int32_t time = 0;
    std::int32_t index = 0;

    friend constexpr auto operator<=>(const GroupId&, const GroupId&) = default;
    /// The next one of the same daemon membership. Indices count through all 32 bits: behind 2^31 -
    /// 1 they are negative.
    [[nodiscard]] constexpr GroupId next() const {
        return {.proc_id = proc_id, .time = time, .index = next_index(index)};
    }
    [[nodiscard]] static constexpr std::int32_t next_index(std::int32_t index) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(index) + 1U);
    }
    /// Both belong to the same daemon membership.
    [[nodiscard]] constexpr bool same_membership(const GroupId& other) const {
        return proc_id == other.proc_id && time == other.time;
    }
};

/// Names that stand side by side in memory; member lists are chains of such runs, one per daemon.
/// The bytes behind each NUL must be zero, since runs are copied whole.
using NameRun = std::span<const NameField>;

/// Clients that came through a change together, in view order.
struct VsSet {
    std::vector<NameRun> runs;

    [[nodiscard]] std::size_t size() const;
    /// Bytes on the wire: a count and the names.
    [[nodiscard]] std::size_t wire_bytes() const { return 4 + kNameFieldBytes * size(); }
};

/// Cause of a view that differs from the one before by a single member.
enum class MemberChange : std::uint8_t { kJoin, kLeave, kDisconnect };

/// Regular membership after a join, leave or disconnect (CP 7.2). `members` is the
/// list after the change. Body, 56 bytes:
///
///   Off  Size  Field
///     0    12  group id: i32 proc_id, i32 time, i32 index
///    12     4  number of vs-sets: 1
///    16     4  offset of the receiver's own vs-set: 0
///    20     4  members of that set: 1
///    24    32  the one who joined, left or disconnected
[[nodiscard]] Message encode_member_change(MemberChange cause, const NameField& group,
                                           const GroupId& id, std::span<const NameRun> members,
                                           const NameField& changed);

/// Regular membership caused by the network (CP 7.2). Body:
///
///   Off  Size  Field
///     0    12  group id
///    12     4  number of vs-sets
///    16     4  offset of the receiver's own vs-set, counted from byte 20
///    20        the vs-sets: u32 number of members, then 32 bytes per name
///
/// `own_set` is an index into `sets`.
[[nodiscard]] Message encode_network_view(const NameField& group, const GroupId& id,
                                          std::span<const NameRun> members,
                                          std::span<const VsSet> sets, std::size_t own_set);

/// How a client library reads the body of a regular membership.
enum class MembershipLayout : std::uint8_t {
    kVsSets,  ///< 4.0 and later: as above
    kOwnSet   ///< 3.x: as below
};

/// The same memberships for a 3.x library (CP 7.6, 11). It knows one set only, the
/// receiver's own, or the one member that joined, left or disconnected. Body:
///
///   Off  Size  Field
///     0    12  group id
///    12     4  number of members in the set
///    16        32 bytes per name
[[nodiscard]] Message encode_member_change_3x(MemberChange cause, const NameField& group,
                                              const GroupId& id, std::span<const NameRun> members,
                                              const NameField& changed);
[[nodiscard]] Message encode_network_view_3x(const NameField& group, const GroupId& id,
                                             std::span<const NameRun> members,
                                             const VsSet& own_set);

/// Transitional signal: the view `id` is ending (CP 7.3). Body: the group id.
[[nodiscard]] Message encode_transitional_signal(const NameField& group, const GroupId& id);

/// To the session that left `group` (CP 7.4): just a header.
[[nodiscard]] Message encode_self_leave(const NameField& group);

/// A request refused by access control, sent back to its author (CP 7.5).
///
///   header (48) | old_type u32 | groups | body
///
/// `request` is the whole frame, little-endian, its header consistent with its size (asserted). The
/// author's private group is appended to the groups, or takes the place of the last of 100. The
/// four bytes of old_type are not counted in data_len.
[[nodiscard]] Message encode_reject(std::span<const std::byte> request);

/// Body of a regular membership, as a client reads it.
struct MembershipBody {
    GroupId id;
    std::vector<std::vector<NameField>> sets;
    std::uint32_t own_offset = 0;

    /// Index of the set that starts at own_offset; sets.size() when none does.
    [[nodiscard]] std::size_t own_set() const;
};

/// Reads a little-endian body. The counts must fill it exactly.
[[nodiscard]] Decoded<MembershipBody> decode_membership_body(std::span<const std::byte> body);

/// Reads the little-endian body of a transitional signal.
[[nodiscard]] Decoded<GroupId> decode_transitional_body(std::span<const std::byte> body);

}  // namespace spread::protocol
