#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/assert.hpp"
#include "protocol/ids.hpp"

namespace spread::session {

/// The lower bits of a SessionId are a slot number, so that what is kept about a session is found
/// by index and not by search. The bits above count up: no identifier is used twice, and later
/// sessions have larger ones. The two highest bits are never set.
inline constexpr unsigned kSlotBits = 21;
inline constexpr std::size_t kSlotsMax = std::size_t{1} << kSlotBits;

[[nodiscard]] inline std::size_t slot_of(protocol::SessionId id) {
    return static_cast<std::size_t>(id.value & (kSlotsMax - 1));
}

/// Gives out identifiers of sessions.
class SessionIds {
  public:
    /// At most kSlotsMax are out at a time.
    [[nodiscard]] protocol::SessionId take() {
        std::uint64_t slot = slots_;
        if (free_.empty()) {
            SPREAD_ASSERT(slots_ < kSlotsMax);
            ++slots_;
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        return protocol::SessionId{(++last_ << kSlotBits) | slot};
    }
    void give_back(protocol::SessionId id) { free_.push_back(slot_of(id)); }

  private:
    std::uint64_t last_ = 0;
    std::uint64_t slots_ = 0;  ///< that have ever been used
    std::vector<std::uint64_t> free_;
};

/// What is kept about each session, by its slot. References hold until the next insert().
template <typename T>
class SessionMap {
  public:
    /// Nothing may be kept about another session in that slot.
    T& insert(protocol::SessionId id, T value) {
        const std::size_t slot = slot_of(id);
        if (slot >= entries_.size()) {
            entries_.resize(slot + 1);
        }
        Entry& entry = entries_[slot];
        SPREAD_ASSERT(!entry.value.has_value());
        entry.id = id;
        entry.value.emplace(std::move(value));
        ++size_;
        return *entry.value;
    }

    /// Null when nothing is kept about it.
    [[nodiscard]] T* find(protocol::SessionId id) {
        const std::size_t slot = slot_of(id);
        return slot < entries_.size() && entries_[slot].holds(id) ? &*entries_[slot].value
                                                                  : nullptr;
    }
    [[nodiscard]] const T* find(protocol::SessionId id) const {
        const std::size_t slot = slot_of(id);
        return slot < entries_.size() && entries_[slot].holds(id) ? &*entries_[slot].value
                                                                  : nullptr;
    }

    void erase(protocol::SessionId id) {
        if (find(id) != nullptr) {
            Entry& entry = entries_[slot_of(id)];
            entry.id = {};
            entry.value.reset();
            --size_;
        }
    }
    void clear() { *this = SessionMap(); }

    [[nodiscard]] std::size_t size() const { return size_; }

    /// `visit` takes the identifier and the value, slot by slot.
    template <typename Visit>
    void for_each(Visit&& visit) {
        for (Entry& entry : entries_) {
            if (entry.value.has_value()) {
                visit(entry.id, *entry.value);
            }
        }
    }
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (const Entry& entry : entries_) {
            if (entry.value.has_value()) {
                visit(entry.id, *entry.value);
            }
        }
    }

  private:
    struct Entry {
        protocol::SessionId id{};  ///< 0 in an empty slot
        std::optional<T> value{};

        [[nodiscard]] bool holds(protocol::SessionId wanted) const {
            return id == wanted && value.has_value();
        }
    };
    std::vector<Entry> entries_;
    std::size_t size_ = 0;
};

}  // namespace spread::session
