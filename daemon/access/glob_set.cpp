#include "daemon/access/glob_set.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace spread::access {

namespace {

constexpr std::size_t kWordBits = 64;

bool is_literal(const Glob& glob) {
    return std::all_of(glob.elements().begin(), glob.elements().end(),
                       [](Glob::Element element) { return element < Glob::kAnyByte; });
}

std::string text_of(const Glob& glob) {
    std::string text;
    for (const Glob::Element element : glob.elements()) {
        text.push_back(static_cast<char>(element));
    }
    return text;
}

}  // namespace

bool NumberSet::has_any(std::size_t first, std::size_t last) const {
    for (std::size_t number = first; number <= last; number += kWordBits - number % kWordBits) {
        std::uint64_t word = words_[number / kWordBits] >> number % kWordBits;
        if (const std::size_t left = last - number; left < kWordBits - 1) {
            word &= (std::uint64_t{2} << left) - 1;
        }
        if (word != 0) {
            return true;
        }
    }
    return false;
}

GlobSet::GlobSet(std::span<const Glob> globs) : size_(globs.size()) {
    sort_bytes(globs);
    std::size_t lane = 0;
    std::size_t bits_used = 0;
    for (std::size_t i = 0; i < globs.size(); ++i) {
        if (is_literal(globs[i])) {
            literals_[text_of(globs[i])].push_back(static_cast<std::uint32_t>(i));
        } else {
            place(globs[i], i, lane, bits_used);
        }
    }
}

void GlobSet::sort_bytes(std::span<const Glob> globs) {
    for (const Glob& glob : globs) {
        if (is_literal(glob)) {
            continue;
        }
        for (const Glob::Element element : glob.elements()) {
            // 255 classes and one for all other bytes suffice even if every byte is named.
            if (element < Glob::kAnyByte && class_of_[element] == 0 && classes_ < 256) {
                class_of_[element] = static_cast<std::uint8_t>(classes_++);
            }
        }
    }
}

/// Bit b stands for "all before has matched", bit b + i for "its first i elements have matched",
/// runs not counted.
void GlobSet::place(const Glob& glob, std::size_t number, std::size_t& lane,
                    std::size_t& bits_used) {
    const std::size_t bits = glob.shortest_match() + 1;
    SPREAD_ASSERT(bits <= kWordBits);
    if (bits_used + bits > kWordBits) {
        bits_used = 0;
        ++lane;
    }
    if (blocks_.empty() || lane == kLanes) {
        lane = 0;
        blocks_.emplace_back();
        accepted_.resize(blocks_.size() * classes_);
    }
    Block& block = blocks_.back();
    std::size_t bit = bits_used;
    block.starts[lane] |= std::uint64_t{1} << bit;
    for (const Glob::Element element : glob.elements()) {
        if (element == Glob::kAnyRun) {
            block.loops[lane] |= std::uint64_t{1} << bit;
            continue;
        }
        ++bit;
        for (std::size_t c = 0; c < classes_; ++c) {
            if (element == Glob::kAnyByte || class_of_[element] == c) {
                accepted(blocks_.size() - 1, c)[lane] |= std::uint64_t{1} << bit;
            }
        }
    }
    block.lasts[lane] |= std::uint64_t{1} << bit;
    block.places.push_back({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(lane),
                            static_cast<std::uint32_t>(bit)});
    bits_used += bits;
}

GlobSet::Lanes GlobSet::run(std::size_t block, std::string_view text) const {
    const Lanes loops = blocks_[block].loops;
    const Lanes* const accepted = &accepted_[block * classes_];
    Lanes state = blocks_[block].starts;
    for (const char byte : text) {
        // A start is set by nothing but its block, so no automaton steps into its neighbour.
        const Lanes& taken = accepted[class_of_[static_cast<std::uint8_t>(byte)]];
        std::uint64_t any = 0;
        for (std::size_t i = 0; i < kLanes; ++i) {
            state[i] = ((state[i] << 1U) & taken[i]) | (state[i] & loops[i]);
            any |= state[i];
        }
        if (any == 0) {
            break;
        }
    }
    return state;
}

std::optional<std::size_t> GlobSet::first_match(std::string_view text,
                                                const NumberSet& among) const {
    std::size_t first = size_;
    if (const auto found = literals_.find(text); found != literals_.end()) {
        const auto counting =
            std::find_if(found->second.begin(), found->second.end(),
                         [&](std::uint32_t number) { return among.contains(number); });
        first = counting != found->second.end() ? *counting : first;
    }
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        const Block& block = blocks_[i];
        if (block.places.front().number > first) {
            break;
        }
        if (!among.has_any(block.places.front().number, block.places.back().number)) {
            continue;
        }
        const Lanes state = run(i, text);
        std::uint64_t some = 0;
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            some |= state[lane] & block.lasts[lane];
        }
        if (some == 0) {
            continue;
        }
        const auto matches = [&](const Place& place) {
            return (state[place.lane] >> place.last & 1U) != 0 && among.contains(place.number);
        };
        const auto found = std::find_if(block.places.begin(), block.places.end(), matches);
        if (found != block.places.end()) {
            first = std::min<std::size_t>(first, found->number);
            break;
        }
    }
    return first == size_ ? std::nullopt : std::optional(first);
}

}  // namespace spread::access
