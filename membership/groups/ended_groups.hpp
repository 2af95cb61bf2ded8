#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "protocol/names.hpp"

namespace spread::membership {

/// The last index of each group that became empty in the current configuration. A new group of the
/// same name counts on from there, since an id names one view for ever. Every daemon of the
/// configuration makes the same entries in the same order.
class EndedGroups {
  public:
    /// `floor`: no new group begins before the index that follows.
    explicit EndedGroups(std::int32_t floor) : least_(floor), floor_(floor) {}

    /// A new configuration begins; its ids are new.
    void clear() {
        last_.clear();
        floor_ = least_;
    }
    void note(const protocol::NameField& group, std::int32_t last_index) {
        if (last_.size() >= kNamesMax && !last_.contains(group)) {
            // Many names came and went; from here on new groups start behind all of them.
            for (const auto& [name, index] : last_) {
                floor_ = later(floor_, index);
            }
            last_.clear();
        }
        last_[group] = last_index;
    }
    /// A new group of this name begins with the index after this one.
    [[nodiscard]] std::int32_t last_index(const protocol::NameField& group) const {
        const auto found = last_.find(group);
        return found == last_.end() ? floor_ : later(floor_, found->second);
    }

  private:
    static constexpr std::size_t kNamesMax = 10000;

    /// They count through all 32 bits.
    [[nodiscard]] static std::int32_t later(std::int32_t a, std::int32_t b) {
        return static_cast<std::uint32_t>(a) < static_cast<std::uint32_t>(b) ? b : a;
    }

    std::unordered_map<protocol::NameField, std::int32_t> last_;
    std::int32_t least_;
    std::int32_t floor_;
};

}  // namespace spread::membership
