#include "sealing/key_store.hpp"

#include <algorithm>
#include <utility>

namespace spread::sealing {

std::optional<KeyOrder> order_of(const SealEvent& event, const KeyRing& keys) {
    const RingKey* const key = keys.find(event.key);
    const bool is_taken = event.kind == SealEvent::Kind::kKeyTaken;
    if (key == nullptr || (!is_taken && event.kind != SealEvent::Kind::kKeyKept)) {
        return std::nullopt;
    }
    return KeyOrder{is_taken ? KeyOrder::Kind::kTakeOver : KeyOrder::Kind::kUnderstand, key->id,
                    key->secret, event.peer};
}

void KeyStore::carry_out(const KeyOrder& order, const std::string& note) {
    // Somebody may have written the file since.
    static_cast<void>(look());
    std::string problem = do_it(order, note);
    if (!problem.empty() || is_saved()) {
        problem_ = std::move(problem);
    }
    carried_out_ = std::max(carried_out_, order.number);
}

std::string KeyStore::do_it(const KeyOrder& order, const std::string& note) {
    const std::string missing = "ring key " + to_string(order.id) + " is not here (" +
                                to_string(keys_.in_use().id) + " in use)";
    switch (order.kind) {
        case KeyOrder::Kind::kAdd: return add(*order.secret, note);
        case KeyOrder::Kind::kUse:
            if (keys_.in_use().id == order.id) {
                return {};
            }
            return keys_.use(order.id) ? save() : missing;
        case KeyOrder::Kind::kRemove:
            if (keys_.find(order.id) == nullptr) {
                return {};
            }
            return keys_.remove(order.id)
                       ? save()
                       : "ring key " + to_string(order.id) + " is in use and cannot be removed";
        case KeyOrder::Kind::kTakeOver: {
            const RingKey* const known = keys_.find(key_id(*order.secret));
            if (known == nullptr || known->role == KeyRole::kKeep) {
                keys_.take_over(*order.secret, note);
            }
            return save();
        }
        case KeyOrder::Kind::kUnderstand:
            return keys_.find(order.id) != nullptr || keys_.add(*order.secret, note) ? save()
                                                                                     : kNoRoom;
    }
    return {};
}

std::string KeyStore::add(const Secret& secret, const std::string& note) {
    KeyRing more = keys_;
    if (more.find(key_id(secret)) != nullptr) {
        return save();
    }
    if (!more.add(secret, note)) {
        return kNoRoom;
    }
    if (!reading_problem_.empty()) {
        return reading_problem_;
    }
    if (std::string problem = file_.write(more); !problem.empty()) {
        return problem;
    }
    keys_ = more;
    written_ = std::move(more);
    return {};
}

/// What cannot be read may hold keys, and is not written over.
std::string KeyStore::save() {
    if (is_saved() || !reading_problem_.empty()) {
        return reading_problem_;
    }
    std::string problem = file_.write(keys_);
    if (problem.empty()) {
        written_ = keys_;
    }
    return problem;
}

KeyStore::Look KeyStore::look() {
    auto found = file_.read();
    if (!found) {
        reading_problem_ = found.error();
        return Look::kUnreadable;
    }
    reading_problem_.clear();
    if (*found != written_) {
        adopt(std::move(*found));
        return Look::kChanged;
    }
    if (!is_saved()) {
        problem_ = save();
    }
    return Look::kSame;
}

/// What the file says holds; keys of ours that it never had stay beside them.
void KeyStore::adopt(KeyRing found) {
    KeyRing merged = found;
    for (const RingKey& key : keys_.keys()) {
        if (written_.find(key.id) == nullptr) {
            static_cast<void>(merged.add(key.secret, key.note));
        }
    }
    keys_ = std::move(merged);
    written_ = std::move(found);
    problem_ = save();
}

}  // namespace spread::sealing
