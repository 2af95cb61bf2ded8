#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spread::sealing {

/// Which of the last 65536 numbers of a stream have come (after RFC 6479). So many, because tokens
/// overtake data by as much as waits in a data socket.
class ReplayWindow {
  public:
    static constexpr std::uint64_t kNumbers = 65536;

    ReplayWindow() : words_(kNumbers / kWordBits) {}

    /// Highest number that has come; 0 before the first one.
    [[nodiscard]] std::uint64_t high() const { return high_; }

    /// Whether `number` has not come yet, as far as is remembered: what lies behind the window
    /// counts as having come.
    [[nodiscard]] bool is_new(std::uint64_t number) const {
        if (number > high_) {
            return true;
        }
        return high_ - number < kNumbers && (word(number) & bit(number)) == 0;
    }

    /// `number` has come, and was new. Only after its datagram has proved to be authentic: a forged
    /// number would push true ones out.
    void take(std::uint64_t number) {
        if (number > high_) {
            advance(number);
        }
        word(number) |= bit(number);
    }

    /// All numbers up to `number` count as having come.
    void forget_below(std::uint64_t number) {
        if (number > high_) {
            high_ = number;
            words_.assign(words_.size(), ~std::uint64_t{0});
        }
    }

  private:
    static constexpr std::uint64_t kWordBits = 64;

    [[nodiscard]] static std::uint64_t bit(std::uint64_t number) {
        return std::uint64_t{1} << (number % kWordBits);
    }
    [[nodiscard]] std::uint64_t& word(std::uint64_t number) {
        return words_[(number % kNumbers) / kWordBits];
    }
    [[nodiscard]] const std::uint64_t& word(std::uint64_t number) const {
        return words_[(number % kNumbers) / kWordBits];
    }

    /// Forgets the numbers whose places those after high_ take.
    void advance(std::uint64_t to) {
        if (to - high_ >= kNumbers) {
            words_.assign(words_.size(), 0);
        } else {
            std::uint64_t number = high_ + 1;
            for (; number <= to && number % kWordBits != 0; ++number) {
                word(number) &= ~bit(number);
            }
            for (; number <= to && to - number >= kWordBits; number += kWordBits) {
                word(number) = 0;
            }
            for (; number <= to; ++number) {
                word(number) &= ~bit(number);
            }
        }
        high_ = to;
    }

    std::uint64_t high_ = 0;
    std::vector<std::uint64_t> words_;
};

}  // namespace spread::sealing
