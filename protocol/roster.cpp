#include "protocol/roster.hpp"

#include <utility>

namespace spread::protocol {

void DaemonSet::write_bitmap(ByteWriter& writer) const {
    for (std::size_t i = 0; i < bitmap_bytes(); ++i) {
        writer.write_le(
            static_cast<std::uint8_t>(words_[8 * i / kWordBits] >> (8 * i % kWordBits)));
    }
}

std::optional<DaemonSet> DaemonSet::read_bitmap(ByteReader& reader, std::size_t bytes) {
    if (bytes > kBitmapBytesMax) {
        return std::nullopt;
    }
    DaemonSet set;
    for (std::size_t i = 0; i < bytes; ++i) {
        set.words_[8 * i / kWordBits] |= std::uint64_t{reader.read_le<std::uint8_t>()}
                                         << (8 * i % kWordBits);
    }
    return reader.ok() ? std::optional(set) : std::nullopt;
}

Roster::Roster(std::vector<RosterEntry> daemons) : daemons_(std::move(daemons)) {
    SPREAD_ASSERT(daemons_.size() <= kDaemonsMax);
    for (std::size_t i = 0; i < daemons_.size(); ++i) {
        SPREAD_ASSERT(daemons_[i].id && !contains(daemons_[i].id));
        std::size_t slot = slot_of(daemons_[i].id);
        while (slots_[slot] != kNoEntry) {
            slot = (slot + 1) % kSlots;
        }
        slots_[slot] = static_cast<std::uint16_t>(i);
    }
}

DaemonSet Roster::set_of(std::span<const DaemonId> members) const {
    DaemonSet set;
    for (const DaemonId id : members) {
        if (const auto daemon = find(id)) {
            set.insert(*daemon);
        }
    }
    return set;
}

MemberList Roster::ids_of(const DaemonSet& set) const {
    MemberList members;
    members.reserve(set.size());
    for (const DaemonIndex daemon : set) {
        SPREAD_ASSERT(daemon < size());
        members.push_back(id(daemon));
    }
    return members;
}

std::string Roster::describe(DaemonId id) const {
    const auto daemon = find(id);
    return daemon ? daemons_[*daemon].name : std::to_string(id.value);
}

std::string Roster::describe(std::span<const DaemonId> members) const {
    std::string names;
    for (const DaemonId member : members) {
        names += (names.empty() ? "" : " ") + describe(member);
    }
    return names;
}

}  // namespace spread::protocol
