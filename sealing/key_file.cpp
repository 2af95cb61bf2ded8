#include "sealing/key_file.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace spread::sealing {
namespace {

constexpr std::string_view kHeader = "spreadd-keys 1";
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kKeyCharacters = 43;  // 256 bits, six each

std::string to_text(const Secret& key) {
    std::string text;
    text.reserve(kKeyCharacters);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const std::byte byte : key.bytes()) {
        bits = (bits << 8U) | std::to_integer<std::uint32_t>(byte);
        for (count += 8; count >= 6; count -= 6) {
            text += kAlphabet[(bits >> (count - 6)) & 63U];
        }
    }
    text += kAlphabet[(bits << (6 - count)) & 63U];
    return text;
}

/// nullopt: not 43 characters of base64url, or bits beyond the key are set.
std::optional<Secret> from_text(std::string_view text) {
    if (text.size() != kKeyCharacters) {
        return std::nullopt;
    }
    std::optional<Secret> key(std::in_place);
    std::size_t filled = 0;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char character : text) {
        const std::size_t value = kAlphabet.find(character);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            key->bytes()[filled++] = static_cast<std::byte>(bits >> count);
        }
    }
    if ((bits & ((1U << count) - 1U)) != 0) {
        return std::nullopt;
    }
    return key;
}

std::optional<KeyRole> role_of(std::string_view word) {
    for (const KeyRole role : {KeyRole::kUse, KeyRole::kKeep, KeyRole::kOffer}) {
        if (to_string(role) == word) {
            return role;
        }
    }
    return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// One line: its words, and what follows a #.
struct KeyLine {
    std::size_t number = 0;
    std::vector<std::pair<std::size_t, std::string_view>> words;  ///< with their columns
    std::string_view note;

    KeyLine(std::size_t line, std::string_view text) : number(line) {
        const std::size_t hash = std::min(text.find('#'), text.size());
        if (hash < text.size()) {
            note = trimmed(text.substr(hash + 1));
        }
        std::size_t at = text.find_first_not_of(kBlanks);
        while (at < hash) {
            const std::size_t end = std::min(text.find_first_of(kBlanks, at), hash);
            words.emplace_back(at + 1, text.substr(at, end - at));
            at = text.find_first_not_of(kBlanks, end);
        }
    }

    [[nodiscard]] tl::unexpected<KeyFileError> error(std::size_t word, std::string text) const {
        const std::size_t column = word < words.size() ? words[word].first : 1;
        return tl::unexpected(KeyFileError{number, column, std::move(text)});
    }
};

protocol::Result<RingKey, KeyFileError> read_key(const KeyLine& line) {
    const auto role = role_of(line.words[0].second);
    if (!role) {
        return line.error(0, "a line begins with `use`, `keep` or `offer`");
    }
    if (line.words.size() < 2) {
        return line.error(0, "a key is missing; `spreadctl key new` makes one");
    }
    const auto secret = from_text(line.words[1].second);
    if (!secret) {
        return line.error(1,
                          "this is no key: 43 characters of A-Z a-z 0-9 - _, as `spreadctl key "
                          "new` writes them");
    }
    if (line.words.size() > 2) {
        return line.error(2, "more than a role and a key; a note begins with #");
    }
    RingKey key = RingKey::of(*secret, *role);
    std::string_view note = line.note;
    if (note.substr(0, 8) == to_string(key.id)) {
        note = trimmed(note.substr(8));
    }
    key.note = note;
    return key;
}

/// Whether the line is the first one of a key file.
bool is_header(const KeyLine& line) {
    const std::size_t blank = kHeader.find(' ');
    return line.words.size() == 2 && line.words[0].second == kHeader.substr(0, blank) &&
           line.words[1].second == kHeader.substr(blank + 1);
}

}  // namespace

protocol::Result<KeyRing, KeyFileError> parse_keys(std::string_view text) {
    std::vector<RingKey> keys;
    bool has_header = false;
    bool is_used = false;
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const KeyLine line(++number, text.substr(at, end - at));
        at = end + 1;
        if (line.words.empty()) {
            continue;
        }
        if (!has_header) {
            if (!is_header(line)) {
                return line.error(0, "a key file begins with the line `spreadd-keys 1`");
            }
            has_header = true;
            continue;
        }
        auto key = read_key(line);
        if (!key) {
            return tl::unexpected(std::move(key.error()));
        }
        if (keys.size() == KeyRing::kKeysMax) {
            return line.error(0, "more than 8 keys; remove those that nobody uses any more");
        }
        if (std::any_of(keys.begin(), keys.end(),
                        [&](const RingKey& other) { return other.id == key->id; })) {
            return line.error(1, "key " + to_string(key->id) + " stands here twice");
        }
        if (key->role == KeyRole::kUse && std::exchange(is_used, true)) {
            return line.error(0, "a second key with `use`; one seals, the others are `keep`");
        }
        keys.push_back(std::move(*key));
    }
    if (!is_used) {
        return tl::unexpected(KeyFileError{
            std::max<std::size_t>(number, 1), 1,
            keys.empty() ? "no key; `spreadctl key new` writes a file with one"
                         : "no key with `use`, which says what this daemon seals with"});
    }
    return KeyRing(std::move(keys));
}

std::string format_keys(const KeyRing& keys) {
    std::string text(kHeader);
    text += '\n';
    for (const RingKey& key : keys.keys()) {
        const std::string_view role = to_string(key.role);
        text.append(role).append(6 - role.size(), ' ').append(to_text(key.secret));
        text.append("  # ").append(to_string(key.id));
        if (!key.note.empty()) {
            text.append(" ").append(key.note);
        }
        text += '\n';
    }
    return text;
}

}  // namespace spread::sealing
