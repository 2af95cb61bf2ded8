#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"

namespace spread::explorer {

/// A running hash of what a state consists of.
class Hash {
  public:
    void add(std::uint64_t value) {
        state_ ^= value + 0x9e3779b97f4a7c15ULL + (state_ << 6U);
        state_ *= 0xff51afd7ed558ccdULL;
        state_ ^= state_ >> 32U;
    }
    void add(std::span<const std::byte> bytes) {
        add(bytes.size());
        while (bytes.size() >= sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data(), sizeof word);
            add(word);
            bytes = bytes.subspan(sizeof word);
        }
        std::uint64_t word = 0;
        for (const std::byte byte : bytes) {
            word = word << 8U | static_cast<std::uint64_t>(byte);
        }
        add(word);
    }
    void add(const protocol::Slice& slice) { add(slice.bytes()); }
    void add(const protocol::RingId& ring) {
        add(ring.representative.value);
        add(ring.nonce);
        add(ring.counter);
    }
    [[nodiscard]] std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 0x1234567;
};

}  // namespace spread::explorer
