#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace spread::checker {

/// A name seen in a history, as a small number: dense, in the order of first appearance.
using NameId = std::uint32_t;

class Interner {
  public:
    NameId id(std::string_view text) {
        const auto found = ids_.find(text);
        if (found != ids_.end()) {
            return found->second;
        }
        const auto made = static_cast<NameId>(texts_.size());
        ids_.emplace(texts_.emplace_back(text), made);
        return made;
    }

    [[nodiscard]] const std::string& text(NameId id) const { return texts_[id]; }
    [[nodiscard]] std::size_t size() const { return texts_.size(); }

  private:
    std::deque<std::string> texts_;  // a deque, so that the keys below stay where they are
    std::unordered_map<std::string_view, NameId> ids_;
};

}  // namespace spread::checker
