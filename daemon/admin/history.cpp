#include "daemon/admin/history.hpp"

#include <algorithm>
#include <utility>

namespace spread::admin {

void History::add(Event event) {
    const std::lock_guard lock(mutex_);
    event.number = ++last_;
    events_.push_back(std::move(event));
    if (events_.size() > kEventsMax) {
        events_.pop_front();
    }
}

std::vector<Event> History::events(std::size_t most, std::uint64_t after) const {
    const std::lock_guard lock(mutex_);
    auto first = std::find_if(events_.begin(), events_.end(),
                              [after](const Event& event) { return event.number > after; });
    const auto left = static_cast<std::size_t>(events_.end() - first);
    if (left > most) {
        first += static_cast<std::ptrdiff_t>(left - most);
    }
    return {first, events_.end()};
}

std::size_t History::count(std::string_view event, WallTime since) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(),
                      [&](const Event& each) { return each.at >= since && each.event == event; }));
}

}  // namespace spread::admin
