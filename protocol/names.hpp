#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace spread::protocol {

/// Longest private (user) name, bytes (stock's MAX_PRIVATE_NAME).
inline constexpr std::size_t kPrivateNameMax = 10;
/// Longest daemon name, bytes, without its NUL.
inline constexpr std::size_t kDaemonNameMax = 19;
/// Size of every name on the session wire; the longest usable name leaves room for a NUL.
inline constexpr std::size_t kNameFieldBytes = 32;
inline constexpr std::size_t kGroupNameMax = kNameFieldBytes - 1;

/// A private group is `#` user `#` daemon; the longest one fills a name field and its NUL.
static_assert(1 + kPrivateNameMax + 1 + kDaemonNameMax == kGroupNameMax);

/// Bytes allowed in private and daemon names: '$' to '~', so neither blank nor '#'
/// (CP 3.1).
[[nodiscard]] constexpr bool is_name_byte(char c) {
    return c >= 0x24 && c <= 0x7e;
}

/// 1 to 10 name bytes.
[[nodiscard]] bool is_private_name(std::string_view name);
/// 1 to 19 name bytes.
[[nodiscard]] bool is_daemon_name(std::string_view name);
/// What client libraries let through as a group name: 1 to 31 name bytes (CP 5.2).
/// Daemons are laxer: they serve any name a field can hold.
[[nodiscard]] bool is_portable_group_name(std::string_view name);

/// A 32-byte name of the session wire. The name is what stands before the first NUL, or all 32
/// bytes when there is none; comparison, order and hash see the name only, never what follows it.
class NameField {
  public:
    NameField() = default;
    /// `name` must have at most 31 bytes and no NUL: names of our own making. Asserted.
    explicit NameField(std::string_view name);
    /// Exactly as received, with whatever follows the NUL.
    explicit NameField(std::span<const std::byte, kNameFieldBytes> field);

    /// Valid as long as this field.
    [[nodiscard]] std::string_view view() const;
    [[nodiscard]] std::string string() const { return std::string(view()); }
    [[nodiscard]] bool empty() const { return chars_[0] == '\0'; }
    /// False for 32 bytes without a NUL.
    [[nodiscard]] bool is_terminated() const { return view().size() < kNameFieldBytes; }
    [[nodiscard]] std::span<const std::byte, kNameFieldBytes> bytes() const {
        return std::as_bytes(std::span(chars_));
    }

    friend bool operator==(const NameField& a, const NameField& b) { return a.view() == b.view(); }
    /// Bytewise, unsigned: the order of member lists (CP 7.2).
    friend std::strong_ordering operator<=>(const NameField& a, const NameField& b) {
        return a.view() <=> b.view();
    }

  private:
    std::array<char, kNameFieldBytes> chars_{};
};

/// The two parts of a private group name; views into the text it was parsed from.
struct PrivateGroup {
    std::string_view user;
    std::string_view daemon;

    friend bool operator==(const PrivateGroup&, const PrivateGroup&) = default;
};

/// Parses `#user#daemon`; nothing unless both parts are legal (CP 5.1, 5.6).
[[nodiscard]] std::optional<PrivateGroup> parse_private_group(std::string_view name);

/// `#user#daemon`. Both parts must be legal. Asserted.
[[nodiscard]] std::string make_private_group(std::string_view user, std::string_view daemon);

/// `text` for a log line or an error message: bytes outside ' '..'~', quotes and backslashes become
/// \xNN, so that it cannot forge a line or end a quotation.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace spread::protocol

template <>
struct std::hash<spread::protocol::NameField> {
    std::size_t operator()(const spread::protocol::NameField& name) const noexcept {
        return std::hash<std::string_view>{}(name.view());
    }
};
