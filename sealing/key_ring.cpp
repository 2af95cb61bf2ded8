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

bool KeyRing::add(const Secret& key, std::string note) {
    RingKey added = RingKey::of(key, KeyRole::kKeep, std::move(note));
    if (is_full() || find(added.id) != nullptr) {
        return false;
    }
    keys_.push_back(std::move(added));
    return true;
}

bool KeyRing::use(KeyId id) {
    const auto wanted =
        std::find_if(keys_.begin(), keys_.end(), [&](const RingKey& key) { return key.id == id; });
    if (wanted == keys_.end()) {
        return false;
    }
    keys_[use_].role = KeyRole::kOffer;
    wanted->role = KeyRole::kUse;
    use_ = static_cast<std::size_t>(wanted - keys_.begin());
    return true;
}

bool KeyRing::remove(KeyId id) {
    const RingKey* const key = find(id);
    if (key == nullptr || key->role == KeyRole::kUse) {
        return false;
    }
    const auto place = key - keys_.data();
    keys_.erase(keys_.begin() + place);
    use_ -= static_cast<std::size_t>(place) < use_ ? 1U : 0U;
    return true;
}

void KeyRing::take_over(const Secret& key, std::string note) {
    RingKey taken = RingKey::of(key, KeyRole::kUse, std::move(note));
    keys_.erase(std::remove_if(keys_.begin(), keys_.end(),
                               [&](const RingKey& one) { return one.id == taken.id; }),
                keys_.end());
    for (RingKey& one : keys_) {
        one.role = one.role == KeyRole::kUse ? KeyRole::kOffer : one.role;
    }
    if (is_full()) {
        keys_.pop_back();
    }
    keys_.insert(keys_.begin(), std::move(taken));
    use_ = 0;
}

bool operator==(const KeyRing& a, const KeyRing& b) {
    return std::equal(a.keys_.begin(), a.keys_.end(), b.keys_.begin(), b.keys_.end(),
                      [](const RingKey& one, const RingKey& other) {
                          return one.id == other.id && one.role == other.role;
                      });
}

}  // namespace spread::sealing
