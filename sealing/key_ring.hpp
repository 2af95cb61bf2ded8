#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sealing/envelope.hpp"
#include "sealing/secret.hpp"

namespace spread::sealing {

/// What a key is good for.
enum class KeyRole : std::uint8_t {
    kUse,   ///< seals, and opens
    kKeep,  ///< opens only: one that is to come, or one that goes
    kOffer  ///< opens; who still seals with it is given the one in use, under it
};

[[nodiscard]] std::string_view to_string(KeyRole role);

struct RingKey {
    KeyId id;
    Secret secret;
    KeyRole role = KeyRole::kKeep;
    std::string note{};  ///< for who reads the file: when, and where it comes from

    [[nodiscard]] static RingKey of(const Secret& secret, KeyRole role, std::string note = {}) {
        return {key_id(secret), secret, role, std::move(note)};
    }
};

/// The keys that a daemon has. One of them is in use, unless there is none at all.
class KeyRing {
  public:
    static constexpr std::size_t kKeysMax = 8;

    KeyRing() = default;
    /// Exactly one of `keys` is in use, at most kKeysMax, no two with one id.
    explicit KeyRing(std::vector<RingKey> keys);

    [[nodiscard]] bool empty() const { return keys_.empty(); }
    [[nodiscard]] const std::vector<RingKey>& keys() const { return keys_; }
    /// The key in use; the ring is not empty.
    [[nodiscard]] const RingKey& in_use() const { return keys_[use_]; }
    /// Null: there is none of this name.
    [[nodiscard]] const RingKey* find(KeyId id) const;

    [[nodiscard]] bool is_full() const { return keys_.size() == kKeysMax; }

    /// `key` is kept, for the time when it is put into use. False: it is there already, or no more
    /// keys are allowed.
    bool add(const Secret& key, std::string note);
    /// Seals with this key from now on; who still seals with the one before is given it. False:
    /// there is no key of this name.
    bool use(KeyId id);
    /// False: there is no key of this name, or it is the one in use.
    bool remove(KeyId id);
    /// `key` is the one in use from now on, as after use(). Of kKeysMax, the last one goes.
    void take_over(const Secret& key, std::string note);

    /// Whether both have the same keys for the same.
    friend bool operator==(const KeyRing& a, const KeyRing& b);

  private:
    std::vector<RingKey> keys_;
    std::size_t use_ = 0;
};

}  // namespace spread::sealing
