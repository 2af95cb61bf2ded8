#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sealing/crypto.hpp"
#include "sealing/envelope.hpp"
#include "sealing/key_ring.hpp"

namespace spread::sealing {

/// The ciphers of one stream with their keys set: those used last. A cipher is made once and then
/// given other keys.
class Contexts {
  public:
    Contexts(Backend backend, Use use) : backend_(backend), use_(use) {}

    struct Name {
        KeyId key;
        Suite suite = Suite::kAes256Gcm;
        std::uint64_t epoch = 0;

        [[nodiscard]] static Name of(const Envelope& envelope) {
            return {envelope.key, envelope.suite, envelope.epoch()};
        }
        friend bool operator==(const Name&, const Name&) = default;
    };

    /// Null: it has to be added.
    [[nodiscard]] Aead* find(const Name& name) {
        for (Slot& slot : slots_) {
            if (slot.is_set && slot.name == name) {
                slot.used = ++uses_;
                return slot.aead.get();
            }
        }
        return nullptr;
    }

    /// In place of the one that has not been used for longest.
    Aead& add(const Name& name, const Secret& key) {
        Slot* oldest = slots_.data();
        for (Slot& slot : slots_) {
            oldest = slot.used < oldest->used ? &slot : oldest;
        }
        if (!oldest->aead || oldest->name.suite != name.suite) {
            oldest->aead = make_aead(backend_, name.suite, use_);
        }
        oldest->name = name;
        oldest->is_set = true;
        oldest->used = ++uses_;
        oldest->aead->set_key(key.bytes());
        return *oldest->aead;
    }

    /// Forgets those of keys that `keys` does not have.
    void keep_only(const KeyRing& keys) {
        for (Slot& slot : slots_) {
            if (slot.is_set && keys.find(slot.name.key) == nullptr) {
                slot = {};
            }
        }
    }

  private:
    struct Slot {
        Name name;
        bool is_set = false;
        std::uint64_t used = 0;
        std::unique_ptr<Aead> aead;
    };

    /// Two epochs under two keys.
    std::array<Slot, 4> slots_;
    std::uint64_t uses_ = 0;
    Backend backend_;
    Use use_;
};

}  // namespace spread::sealing
