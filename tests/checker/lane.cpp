#include "tests/checker/lane.hpp"

#include <algorithm>

namespace spread::checker {

Lane::Bound Lane::bind(const Facts& facts, std::uint32_t epoch, Place place) {
    const auto end = messages_.begin() + static_cast<std::ptrdiff_t>(placed_);
    const auto is_it = [&](const Accepted& message) { return message.facts == facts; };
    if (end == messages_.end() || !is_it(*end)) {
        return std::any_of(end, messages_.end(), is_it)     ? Bound::kSkips
               : std::any_of(messages_.begin(), end, is_it) ? Bound::kTaken
                                                            : Bound::kUnknown;
    }
    if (placed_ > 0 && messages_[placed_ - 1].where() > std::pair(epoch, place)) {
        return Bound::kSkips;
    }
    end->placed = true;
    end->placed_epoch = epoch;
    end->place = place;
    ++placed_;
    return Bound::kFine;
}

const Accepted* Lane::at(std::uint32_t epoch, Place place) const {
    // Looked for right after it was bound, hence near the end.
    for (std::size_t i = placed_; i-- > 0;) {
        if (messages_[i].where() == std::pair(epoch, place)) {
            return &messages_[i];
        }
    }
    return nullptr;
}

const Accepted* Lane::find(const Facts& facts) const {
    const auto at = std::find_if(messages_.begin(), messages_.end(),
                                 [&](const Accepted& message) { return message.facts == facts; });
    return at == messages_.end() ? nullptr : &*at;
}

bool Lane::deliver(std::uint32_t epoch, Place place) {
    if (delivered_ == placed_ || messages_[delivered_].where() != std::pair(epoch, place)) {
        return false;
    }
    ++delivered_;
    return true;
}

const Accepted* Lane::next() const {
    return delivered_ < messages_.size() ? &messages_[delivered_] : nullptr;
}

const Accepted* Lane::missed() const {
    return delivered_ < placed_ ? &messages_[delivered_] : nullptr;
}

}  // namespace spread::checker
