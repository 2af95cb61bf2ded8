#include "membership/next_sender.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::membership {

void NextSender::note(protocol::DaemonId sender, protocol::Instant now, protocol::Duration within) {
    if (last_ && now - last_at_ <= within) {
        Follower& follower = followers_[*last_];
        if (follower.next != sender) {
            follower.next = sender;
            follower.hits = 0;
        }
        ++follower.hits;
    }
    const auto known = std::find_if(followers_.begin(), followers_.end(),
                                    [sender](const Follower& each) { return each.of == sender; });
    last_ = static_cast<std::size_t>(known - followers_.begin());
    last_at_ = now;
    if (known == followers_.end()) {
        followers_.push_back({sender, protocol::DaemonId{}, 0});
    }
}

std::optional<protocol::DaemonId> NextSender::guess(std::uint32_t hits_min) const {
    if (hits_min == 0 || !last_ || followers_[*last_].hits < hits_min) {
        return std::nullopt;
    }
    return followers_[*last_].next;
}

void NextSender::check_invariants() const {
    SPREAD_ASSERT(!last_ || *last_ < followers_.size());
    for (auto each = followers_.begin(); each != followers_.end(); ++each) {
        SPREAD_ASSERT(each->of && (each->hits > 0) == static_cast<bool>(each->next));
        SPREAD_ASSERT(std::none_of(each + 1, followers_.end(),
                                   [each](const Follower& other) { return other.of == each->of; }));
    }
}

}  // namespace spread::membership
