#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "sealing/envelope.hpp"
#include "sealing/key_ring.hpp"

// clang-format off
/// Bodies of the ring messages about keys (MessageKind::kRingKeys), in the order of the ring.
///
///   offset size field
///   0      1    version, 1
///   1      1    what: 1 report, 2 install, 3 use, 4 remove
///   report, of which keys the sender has:
///   2      1    flags: 1 its file says the same
///   3      1    number of keys, at most 8
///   4      5n   key id, and its role: 0 use, 1 keep, 2 offer
///   ..     1    length of a text: why the sender could not do what was asked last
///   ..     ..   the text, printable ASCII
///   install:
///   2      4    id of the new key
///   6      4    id of the key that it is wrapped under, as an offered one (hello.hpp)
///   10     40   the new key, wrapped
///   use:
///   2      4    key id
///   remove:
///   2      4    key id
///   6      1    number of daemons that need not be there
///   7      4n   their ids
///
/// What follows is for later versions, and skipped.
// clang-format on
namespace spread::sealing {

struct KeyReport {
    struct Key {
        KeyId id;
        KeyRole role = KeyRole::kKeep;
        friend bool operator==(const Key&, const Key&) = default;
    };
    bool is_saved = true;
    std::vector<Key> keys{};
    std::string problem{};

    [[nodiscard]] const Key* find(KeyId id) const;
    /// Null: none is in use, which no daemon reports.
    [[nodiscard]] const Key* in_use() const;
    friend bool operator==(const KeyReport&, const KeyReport&) = default;
};

struct KeyInstall {
    KeyId key;
    KeyId under;
    std::array<std::byte, kWrappedBytes> wrapped{};
    friend bool operator==(const KeyInstall&, const KeyInstall&) = default;
};

struct KeyUse {
    KeyId key;
    friend bool operator==(const KeyUse&, const KeyUse&) = default;
};

struct KeyRemove {
    KeyId key;
    protocol::MemberList dropped{};
    friend bool operator==(const KeyRemove&, const KeyRemove&) = default;
};

using KeyMessage = std::variant<KeyReport, KeyInstall, KeyUse, KeyRemove>;

/// Of a text more than 255 bytes long the beginning.
[[nodiscard]] std::vector<std::byte> encode_key_message(const KeyMessage& message);
[[nodiscard]] protocol::Decoded<KeyMessage> decode_key_message(std::span<const std::byte> body);

}  // namespace spread::sealing
