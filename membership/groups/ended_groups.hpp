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
    /// A new configuration begins; its ids are new.
    void clear() {
        last_.clear();
        floor_ = 0;
    }
    void note(const protocol::NameField& group, std::int32_t last_index) {
        if (last_.size() >= kNamesMax && !last_.contains(group)) {
            // Many names came and went; from here on new groups start behind all of them.
            for (const auto& [name, index] : last_) {
                floor_ = std::max(floor_, index);
            }
            last_.clear();
        }
        last_[group] = last_index;
    }
    /// A new group of this name begins with the index after this one.
    [[nodiscard]] std::int32_t last_index(const protocol::NameField& group) const {
        const auto found = last_.find(group);
        return std::max(floor_, found == last_.end() ? 0 : found->second);
    }

  private:
    static constexpr std::size_t kNamesMax = 10000;

    std::unordered_map<protocol::NameField, std::int32_t> last_;
    std::int32_t floor_ = 0;
};

}  // namespace spread::membership
