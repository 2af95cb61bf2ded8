#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/assert.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/ids.hpp"

/// The daemons of a configuration and sets of them. Everything that orders daemons (rings, member
/// lists, vs-sets, representatives) does so by their places in the configuration file.
namespace spread::protocol {

/// Daemons of one configuration, at most. A multiple of 64.
inline constexpr std::size_t kDaemonsMax = 128;

/// Place of a daemon in the configuration file, or of a member in a ring's member list, from 0.
using DaemonIndex = std::size_t;

/// A set of daemons: a bitset of fixed size that is cheap to copy and is walked in ascending order,
/// which is configuration order. Every index must be below kDaemonsMax. Asserted.
class DaemonSet {
    static constexpr std::size_t kWordBits = 64;
    static constexpr std::size_t kWords = kDaemonsMax / kWordBits;
    static_assert(kDaemonsMax % kWordBits == 0);
    using Words = std::array<std::uint64_t, kWords>;

  public:
    class Iterator {
      public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = DaemonIndex;
        using difference_type = std::ptrdiff_t;
        using pointer = const DaemonIndex*;
        using reference = DaemonIndex;

        constexpr Iterator() = default;
        constexpr DaemonIndex operator*() const {
            return word_ * kWordBits + static_cast<std::size_t>(std::countr_zero(left_[word_]));
        }
        constexpr Iterator& operator++() {
            left_[word_] &= left_[word_] - 1;
            settle();
            return *this;
        }
        constexpr Iterator operator++(int) {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        friend constexpr bool operator==(const Iterator&, const Iterator&) = default;

      private:
        friend class DaemonSet;
        constexpr explicit Iterator(const Words& words) : left_(words) { settle(); }

        constexpr void settle() {
            while (word_ < kWords && left_[word_] == 0) {
                ++word_;
            }
        }

        Words left_{};  ///< what is still to be visited
        std::size_t word_ = 0;
    };

    constexpr DaemonSet() = default;
    constexpr DaemonSet(std::initializer_list<DaemonIndex> daemons) {
        for (const DaemonIndex daemon : daemons) {
            insert(daemon);
        }
    }

    /// The first `count` places: all members of a ring or configuration of that size.
    [[nodiscard]] static constexpr DaemonSet first(std::size_t count) {
        SPREAD_ASSERT(count <= kDaemonsMax);
        DaemonSet set;
        for (std::size_t i = 0; i < count / kWordBits; ++i) {
            set.words_[i] = ~std::uint64_t{0};
        }
        if (count % kWordBits != 0) {
            set.words_[count / kWordBits] = (std::uint64_t{1} << (count % kWordBits)) - 1;
        }
        return set;
    }

    constexpr void insert(DaemonIndex daemon) { word_of(daemon) |= bit_of(daemon); }
    constexpr void erase(DaemonIndex daemon) { word_of(daemon) &= ~bit_of(daemon); }
    constexpr void clear() { words_ = {}; }

    [[nodiscard]] constexpr bool contains(DaemonIndex daemon) const {
        SPREAD_ASSERT(daemon < kDaemonsMax);
        return (words_[daemon / kWordBits] & bit_of(daemon)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const { return *this == DaemonSet(); }
    [[nodiscard]] constexpr std::size_t size() const {
        std::size_t count = 0;
        for (const std::uint64_t word : words_) {
            count += static_cast<std::size_t>(std::popcount(word));
        }
        return count;
    }
    /// The first one in configuration order: who speaks for the set. The set must not be empty.
    /// Asserted.
    [[nodiscard]] constexpr DaemonIndex front() const {
        SPREAD_ASSERT(!empty());
        return *begin();
    }
    /// Whether the sets have a daemon in common.
    [[nodiscard]] constexpr bool intersects(const DaemonSet& other) const {
        return !(*this & other).empty();
    }
    /// Whether all of `other` are in this set.
    [[nodiscard]] constexpr bool includes(const DaemonSet& other) const {
        return (other - *this).empty();
    }

    [[nodiscard]] constexpr Iterator begin() const { return Iterator(words_); }
    [[nodiscard]] constexpr Iterator end() const { return Iterator(Words{}); }

    constexpr DaemonSet& operator|=(const DaemonSet& other) {
        for (std::size_t i = 0; i < kWords; ++i) {
            words_[i] |= other.words_[i];
        }
        return *this;
    }
    constexpr DaemonSet& operator&=(const DaemonSet& other) {
        for (std::size_t i = 0; i < kWords; ++i) {
            words_[i] &= other.words_[i];
        }
        return *this;
    }
    constexpr DaemonSet& operator-=(const DaemonSet& other) {
        for (std::size_t i = 0; i < kWords; ++i) {
            words_[i] &= ~other.words_[i];
        }
        return *this;
    }
    friend constexpr DaemonSet operator|(DaemonSet a, const DaemonSet& b) { return a |= b; }
    friend constexpr DaemonSet operator&(DaemonSet a, const DaemonSet& b) { return a &= b; }
    friend constexpr DaemonSet operator-(DaemonSet a, const DaemonSet& b) { return a -= b; }
    friend constexpr bool operator==(const DaemonSet&, const DaemonSet&) = default;

    static constexpr std::size_t kBitmapBytesMax = kDaemonsMax / 8;

    /// Bytes of the set's bitmap, which ends with its last member; 0 of an empty set.
    [[nodiscard]] constexpr std::size_t bitmap_bytes() const {
        for (std::size_t i = kWords; i > 0; --i) {
            if (words_[i - 1] != 0) {
                return 8 * (i - 1) +
                       (static_cast<std::size_t>(std::bit_width(words_[i - 1])) + 7) / 8;
            }
        }
        return 0;
    }
    /// Writes the bitmap: bit i % 8 of byte i / 8 is daemon i.
    void write_bitmap(ByteWriter& writer) const;
    /// Reads a bitmap of `bytes` bytes. More than kBitmapBytesMax of them, or a reader that has
    /// fewer: nothing; the reader then has not moved, or is not ok.
    [[nodiscard]] static std::optional<DaemonSet> read_bitmap(ByteReader& reader,
                                                              std::size_t bytes);

  private:
    [[nodiscard]] static constexpr std::uint64_t bit_of(DaemonIndex daemon) {
        return std::uint64_t{1} << (daemon % kWordBits);
    }
    constexpr std::uint64_t& word_of(DaemonIndex daemon) {
        SPREAD_ASSERT(daemon < kDaemonsMax);
        return words_[daemon / kWordBits];
    }

    Words words_{};
};

/// A configured daemon.
struct RosterEntry {
    DaemonId id;
    std::string name;  ///< 1..19 bytes (CP 5.2)

    friend bool operator==(const RosterEntry&, const RosterEntry&) = default;
};

/// All daemons of a configuration in the order of its file: who an id is, by one look-up in a flat
/// table. Immutable.
class Roster {
  public:
    Roster() = default;
    /// At most kDaemonsMax, of distinct ids other than 0. Asserted (the configuration is checked
    /// when it is read).
    explicit Roster(std::vector<RosterEntry> daemons);

    [[nodiscard]] std::size_t size() const { return daemons_.size(); }
    [[nodiscard]] DaemonId id(DaemonIndex daemon) const { return daemons_[daemon].id; }
    [[nodiscard]] std::string_view name(DaemonIndex daemon) const { return daemons_[daemon].name; }
    [[nodiscard]] std::span<const RosterEntry> daemons() const { return daemons_; }

    /// Place of a daemon; nothing for an id that is not configured.
    [[nodiscard]] std::optional<DaemonIndex> find(DaemonId id) const {
        for (std::size_t slot = slot_of(id);; slot = (slot + 1) % kSlots) {
            const std::uint16_t entry = slots_[slot];
            if (entry == kNoEntry) {
                return std::nullopt;
            }
            if (daemons_[entry].id == id) {
                return entry;
            }
        }
    }
    [[nodiscard]] bool contains(DaemonId id) const { return find(id).has_value(); }

    /// The configured ones among `members`.
    [[nodiscard]] DaemonSet set_of(std::span<const DaemonId> members) const;
    /// In configuration order. All of `set` must be configured. Asserted.
    [[nodiscard]] MemberList ids_of(const DaemonSet& set) const;

    /// For people: the name, or the number of an id that is not configured.
    [[nodiscard]] std::string describe(DaemonId id) const;
    /// Names with blanks between them.
    [[nodiscard]] std::string describe(std::span<const DaemonId> members) const;

  private:
    /// Four slots for each daemon, so that most look-ups end at the first one.
    static constexpr std::size_t kSlots = 4 * kDaemonsMax;
    static constexpr std::uint16_t kNoEntry = 0xffff;

    /// Fibonacci hashing: ids are small numbers or hashes.
    [[nodiscard]] static constexpr std::size_t slot_of(DaemonId id) {
        return (id.value * 0x9e3779b1U) >> (32U - std::countr_zero(kSlots));
    }
    [[nodiscard]] static constexpr std::array<std::uint16_t, kSlots> no_entries() {
        std::array<std::uint16_t, kSlots> slots{};
        slots.fill(kNoEntry);
        return slots;
    }

    std::vector<RosterEntry> daemons_;
    std::array<std::uint16_t, kSlots> slots_ = no_entries();  ///< by hash, collisions move on
};

}  // namespace spread::protocol
