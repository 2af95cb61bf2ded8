#include "sealing/key_ring.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::sealing {

std::string_view to_string(KeyRole role) {
    switch (role) {
        case KeyRole::kUse: return "use";
        case KeyRole::kKeep: return "keep";
        case KeyRole::kOffer: return "offer";
    }
    return "keep";
}

KeyRing::KeyRing(std::vector<RingKey> keys) : keys_(std::move(keys)) {
    SPREAD_ASSERT(keys_.size() <= kKeysMax);
    const auto is_used = [](const RingKey& key) { return key.role == KeyRole::kUse; };
    SPREAD_ASSERT(std::count_if(keys_.begin(), keys_.end(), is_used) == 1);
    use_ =
        static_cast<std::size_t>(std::find_if(keys_.begin(), keys_.end(), is_used) - keys_.begin());
}

const RingKey* KeyRing::find(KeyId id) const {
    for (const RingKey& key : keys_) {
        if (key.id == id) {
            return &key;
        }
    }
    return nullptr;
}

void KeyRing::take_over(const Secret& key, std::string note) {
    RingKey taken = RingKey::of(key, KeyRole::kUse, std::move(note));
    keys_.erase(std::remove_if(keys_.begin(), keys_.end(),
                               [&](const RingKey& one) { return one.id == taken.id; }),
                keys_.end());
    for (RingKey& one : keys_) {
        one.role = one.role == KeyRole::kUse ? KeyRole::kKeep : one.role;
    }
    if (keys_.size() == kKeysMax) {
        keys_.pop_back();
    }
    keys_.insert(keys_.begin(), std::move(taken));
    use_ = 0;
}

}  // namespace spread::sealing
