#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/access/glob.hpp"

namespace spread::access {

/// Which of the globs of a GlobSet count.
class NumberSet {
  public:
    /// Of the numbers below `size`; empty at first.
    explicit NumberSet(std::size_t size = 0) : words_((size + kWordBits - 1) / kWordBits) {}

    void insert(std::size_t number) {
        words_[number / kWordBits] |= std::uint64_t{1} << number % kWordBits;
    }
    [[nodiscard]] bool contains(std::size_t number) const {
        return (words_[number / kWordBits] >> number % kWordBits & 1U) != 0;
    }
    /// Some number from `first` to `last`.
    [[nodiscard]] bool has_any(std::size_t first, std::size_t last) const;

  private:
    static constexpr std::size_t kWordBits = 64;

    std::vector<std::uint64_t> words_;
};

/// Many globs, numbered from 0 in the order they were given, of which the first is wanted that
/// matches a name.
///
/// Globs without `*` and `?` are looked up by name. All others are compared with the name at once,
/// byte by byte: each is an automaton of one bit per element, many of these automata share a
/// machine word, and a word steps in four operations (Baeza-Yates and Gonnet, Shift-And). So the
/// time is bounded by the globs' elements times the name's length, whatever globs and names are;
/// and words whose globs have all failed, or do not count, take no further steps.
class GlobSet {
  public:
    GlobSet() = default;
    /// None may be longer than kElementsMax without its runs. Asserted.
    explicit GlobSet(std::span<const Glob> globs);

    static constexpr std::size_t kElementsMax = 63;

    [[nodiscard]] std::size_t size() const { return size_; }

    /// The smallest number among those that count whose glob matches. Allocates nothing.
    [[nodiscard]] std::optional<std::size_t> first_match(std::string_view text,
                                                         const NumberSet& among) const;

  private:
    static constexpr std::size_t kLanes = 4;
    using Lanes = std::array<std::uint64_t, kLanes>;  // words that step together

    /// A glob's automaton in its lane: bit `last` is set when the whole name matches.
    struct Place {
        std::uint32_t number = 0;
        std::uint32_t lane = 0;
        std::uint32_t last = 0;
    };
    struct Block {
        Lanes starts{};  ///< before the first byte
        Lanes loops{};   ///< stay set over any byte: a run may follow
        Lanes lasts{};
        std::vector<Place> places;  ///< ascending by number
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };

    void sort_bytes(std::span<const Glob> globs);
    void place(const Glob& glob, std::size_t number, std::size_t& lane, std::size_t& bits_used);
    [[nodiscard]] Lanes& accepted(std::size_t block, std::size_t byte_class) {
        return accepted_[block * classes_ + byte_class];
    }
    [[nodiscard]] Lanes run(std::size_t block, std::string_view text) const;

    std::size_t size_ = 0;
    std::unordered_map<std::string, std::vector<std::uint32_t>, Hash, std::equal_to<>> literals_;
    std::array<std::uint8_t, 256> class_of_{};  ///< bytes that no glob names share class 0
    std::size_t classes_ = 1;
    std::vector<Block> blocks_;
    std::vector<Lanes> accepted_;  ///< by block and class: elements that take such a byte
};

}  // namespace spread::access
