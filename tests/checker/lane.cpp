#include "tests/checker/lane.hpp"

#include <algorithm>
#include <tuple>

namespace spread::checker {

Lane::Bound Lane::bind(const Facts& facts, std::uint32_t epoch, Place place) {
    std::size_t at = first_unplaced_;
    while (at < messages_.size() && (messages_[at].placed || messages_[at].facts != facts)) {
        ++at;
    }
    if (at == messages_.size()) {
        return find(facts) != nullptr ? Bound::kTaken : Bound::kUnknown;
    }
    Accepted& message = messages_[at];
    message.placed = true;
    message.placed_epoch = epoch;
    message.place = place;
    placed_end_ = std::max(placed_end_, at + 1);
    skip_placed();
    return in_order(at) || rebind() ? Bound::kFine : Bound::kDisordered;
}

bool Lane::in_order(std::size_t at) const {
    for (std::size_t i = at; i-- > 0;) {
        if (messages_[i].placed) {
            if (messages_[i].where() > messages_[at].where()) {
                return false;
            }
            break;
        }
    }
    for (std::size_t i = at + 1; i < placed_end_; ++i) {
        if (messages_[i].placed) {
            return messages_[at].where() < messages_[i].where();
        }
    }
    return true;
}

// Equal messages cannot be told apart. When some of them were lost the first guess may have been
// wrong: the places, in their order, must fit some messages in theirs.
bool Lane::rebind() {
    std::vector<Accepted> placed;
    for (Accepted& message : messages_) {
        if (message.placed) {
            placed.push_back(message);
            message.placed = false;
        }
    }
    std::sort(placed.begin(), placed.end(),
              [](const Accepted& a, const Accepted& b) { return a.where() < b.where(); });
    std::size_t next = 0;
    for (const Accepted& each : placed) {
        while (next < messages_.size() && messages_[next].facts != each.facts) {
            ++next;
        }
        if (next == messages_.size()) {
            return false;
        }
        Accepted& message = messages_[next++];
        message.placed = true;
        message.placed_epoch = each.placed_epoch;
        message.place = each.place;
    }
    placed_end_ = next;
    first_unplaced_ = 0;
    skip_placed();
    return true;
}

void Lane::skip_placed() {
    while (first_unplaced_ < placed_end_ && messages_[first_unplaced_].placed) {
        ++first_unplaced_;
    }
}

const Accepted* Lane::at(std::uint32_t epoch, Place place) const {
    // Looked for right after it was bound, hence near the end.
    for (std::size_t i = placed_end_; i-- > 0;) {
        if (messages_[i].placed && messages_[i].where() == std::pair(epoch, place)) {
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
    const Accepted* message = next();
    if (message == nullptr || !message->placed || message->where() != std::pair(epoch, place)) {
        return false;
    }
    ++delivered_;
    return true;
}

const Accepted* Lane::next() const {
    return delivered_ < messages_.size() ? &messages_[delivered_] : nullptr;
}

const Accepted* Lane::missed() const {
    for (std::size_t i = delivered_; i < placed_end_; ++i) {
        if (messages_[i].placed) {
            return &messages_[i];
        }
    }
    return nullptr;
}

}  // namespace spread::checker
