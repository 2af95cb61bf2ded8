#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/raw_connection.hpp"

// The client protocol once more, written down from its description and not from our own codecs:
// what both of them got wrong in the same way would otherwise look right. Section numbers are those
// of the client protocol.

namespace spread::interop {

using support::Bytes;

// ---- Type word ----

inline constexpr std::uint32_t kUnreliable = 0x00000001;
inline constexpr std::uint32_t kReliable = 0x00000002;
inline constexpr std::uint32_t kFifo = 0x00000004;
inline constexpr std::uint32_t kCausal = 0x00000008;
inline constexpr std::uint32_t kAgreed = 0x00000010;
inline constexpr std::uint32_t kSafe = 0x00000020;
inline constexpr std::array kServices{kUnreliable, kReliable, kFifo, kCausal, kAgreed, kSafe};
inline constexpr std::uint32_t kSelfDiscard = 0x00000040;
inline constexpr std::uint32_t kByJoin = 0x00000100;
inline constexpr std::uint32_t kByLeave = 0x00000200;
inline constexpr std::uint32_t kByDisconnect = 0x00000400;
inline constexpr std::uint32_t kByNetwork = 0x00000800;
inline constexpr std::uint32_t kRegular = 0x00001000;
inline constexpr std::uint32_t kTransition = 0x00002000;
inline constexpr std::uint32_t kJoin = 0x00010000;
inline constexpr std::uint32_t kLeave = 0x00020000;
inline constexpr std::uint32_t kKill = 0x00040000;
inline constexpr std::uint32_t kReject = 0x00400000;
inline constexpr std::uint32_t kDropRecv = 0x01000000;
inline constexpr std::uint32_t kEndian = 0x80000080;

inline constexpr std::size_t kHeaderBytes = 48;
inline constexpr std::size_t kNameBytes = 32;
inline constexpr std::size_t kChoiceBytes = 90;

enum class Order : std::uint8_t { kLittle, kBig };

// ---- Bytes ----

[[nodiscard]] Bytes bytes_of(std::string_view text);
[[nodiscard]] std::string text_of(std::span<const std::byte> bytes);
[[nodiscard]] Bytes word(std::uint32_t value, Order order);
/// 32 bytes: `text` as it is, NULs and all, then zeros. At most 32 bytes are taken.
[[nodiscard]] Bytes name_field(std::string_view text);
void append(Bytes& to, std::span<const std::byte> more);
/// `size` bytes without a pattern that a shift could hide.
[[nodiscard]] Bytes filling(std::size_t size, std::size_t seed = 0);

// ---- Handshake (CP 3) ----

struct Version {
    int major = 5;
    int minor = 0;
    int patch = 1;

    [[nodiscard]] bool has_patch() const { return major * 10000 + minor * 100 > 31400; }
    [[nodiscard]] bool chooses() const { return major * 10000 + minor * 100 + patch >= 31600; }
};

/// C1. `length` stands in for the name's real length.
[[nodiscard]] Bytes opening(std::string_view name, Version version = {}, unsigned flags = 1,
                            std::optional<int> length = {});
/// C2, of up to three fields of up to 30 bytes each.
[[nodiscard]] Bytes choice(const std::vector<std::string>& methods);

// ---- Messages (CP 4.1 to 5.6) ----

/// Four bytes (CP 4.1).
[[nodiscard]] Bytes hint_of(int mess_type, Order order = Order::kLittle);

/// What a client sends. Members left out are what a library would fill in.
struct Request {
    std::uint32_t type = 0;  ///< without endian bits
    std::string sender;
    std::vector<std::string> groups;
    Bytes body;
    Order order = Order::kLittle;
    Bytes hint;                              ///< empty: message type 0, in `order`
    std::optional<std::uint32_t> type_word;  ///< in place of type and endian bits
    std::optional<std::int32_t> num_groups;
    std::optional<std::int32_t> data_len;
};

[[nodiscard]] Bytes encode(const Request& request);

/// What a daemon sends.
struct Frame {
    Bytes raw;  ///< all of it
    bool is_little = true;
    std::uint32_t type = 0;  ///< without endian bits
    Bytes name_bytes;
    std::int32_t num_groups = 0;
    Bytes hint;
    std::int32_t data_len = 0;
    Bytes old_type;  ///< of a reject message only (CP 7.5)
    std::vector<std::string> groups;
    Bytes group_bytes;
    Bytes body;

    /// Sender, or group of a membership message.
    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::string text() const { return text_of(body); }
    [[nodiscard]] bool is_view() const { return (type & kRegular) != 0; }
    [[nodiscard]] bool is_signal() const { return (type & kTransition) != 0; }
    [[nodiscard]] bool is_self_leave() const { return type == kByLeave; }
};

/// Takes the header apart; groups and body are to follow.
[[nodiscard]] Frame decode_header(const Bytes& header);
/// One line, for messages of failed tests.
[[nodiscard]] std::string describe(const Frame& frame);

// ---- Memberships (CP 6 to 7.6) ----

struct GroupId {
    std::int32_t proc_id = 0;
    std::int32_t time = 0;
    std::int32_t index = 0;

    [[nodiscard]] bool same_membership(const GroupId& other) const {
        return proc_id == other.proc_id && time == other.time;
    }
    /// The id of the next view of the same membership.
    [[nodiscard]] GroupId next() const { return {proc_id, time, index + 1}; }
    friend bool operator==(const GroupId&, const GroupId&) = default;
};

void PrintTo(const GroupId& id, std::ostream* out);

using Names = std::vector<std::string>;

struct View {
    std::string group;
    std::uint32_t cause = 0;
    GroupId id;
    Names members;
    std::vector<Names> sets;
    std::uint32_t offset = 0;  ///< as it stands in the message
    std::size_t own_set = 0;   ///< index of the set at `offset`

    /// The only name of a join, leave or disconnect.
    [[nodiscard]] std::string changed() const;
};

/// Throws unless `frame` is a regular membership in the layout of CP 7.2.
[[nodiscard]] View view_of(const Frame& frame);
/// Throws unless `frame` is a transitional signal in the layout of CP 7.3.
[[nodiscard]] GroupId signal_id(const Frame& frame);

}  // namespace spread::interop
