#include "tests/chaos/message_book.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocol/rng.hpp"

namespace spread::chaos {
namespace {

constexpr std::size_t kIdBytes = sizeof(std::uint64_t);
constexpr std::size_t kStarts = 32768;

/// What follows the number in the body of message `id`.
std::span<const std::byte> rest_of_body(std::uint64_t id, std::size_t bytes) {
    static const std::vector<std::byte> kBlock = [] {
        std::vector<std::byte> block;
        protocol::Rng rng(0xb0d1e5);
        while (block.size() < kStarts + MessageBook::kBytesMax) {
            block.push_back(static_cast<std::byte>(rng.next()));
        }
        return block;
    }();
    protocol::Rng mix(id);
    return std::span(kBlock).subspan(mix.below(kStarts), bytes - kIdBytes);
}

std::int16_t type_of(std::uint64_t id) {
    return static_cast<std::int16_t>(id & 0x7fffU);
}

std::uint64_t empty_key(std::uint32_t sender, std::int16_t mess_type) {
    return (std::uint64_t{sender} << 16U) | static_cast<std::uint16_t>(mess_type);
}

}  // namespace

MessageBook::Draft MessageBook::write(std::string_view sender, std::size_t bytes) {
    const auto known =
        senders_.try_emplace(std::string(sender), static_cast<std::uint32_t>(senders_.size()));
    entries_.push_back({static_cast<std::uint32_t>(bytes), known.first->second});
    Draft draft;
    draft.id = entries_.size();
    draft.mess_type = type_of(draft.id);
    if (bytes == 0) {
        empty_ones_[empty_key(known.first->second, draft.mess_type)] = draft.id;
        return draft;
    }
    draft.body.resize(std::clamp(bytes, kIdBytes, kBytesMax));
    entries_.back().bytes = static_cast<std::uint32_t>(draft.body.size());
    std::memcpy(draft.body.data(), &draft.id, kIdBytes);
    std::ranges::copy(rest_of_body(draft.id, draft.body.size()), draft.body.begin() + kIdBytes);
    return draft;
}

std::optional<std::uint64_t> MessageBook::find(std::string_view sender, std::int16_t mess_type,
                                               std::span<const std::byte> body) const {
    const auto known = senders_.find(std::string(sender));
    if (known == senders_.end()) {
        return std::nullopt;
    }
    if (body.empty()) {
        const auto found = empty_ones_.find(empty_key(known->second, mess_type));
        return found == empty_ones_.end() ? std::nullopt : std::optional(found->second);
    }
    std::uint64_t id = 0;
    if (body.size() < kIdBytes) {
        return std::nullopt;
    }
    std::memcpy(&id, body.data(), kIdBytes);
    if (id == 0 || id > entries_.size()) {
        return std::nullopt;
    }
    const Entry& entry = entries_[id - 1];
    if (entry.sender != known->second || entry.bytes != body.size() || type_of(id) != mess_type ||
        !std::ranges::equal(body.subspan(kIdBytes), rest_of_body(id, body.size()))) {
        return std::nullopt;
    }
    return id;
}

}  // namespace spread::chaos
