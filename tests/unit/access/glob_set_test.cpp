#include "daemon/access/glob_set.hpp"

#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::access {
namespace {

Glob glob(std::string_view pattern) {
    return *parse_glob(pattern).glob;
}

std::vector<Glob> globs(const std::vector<std::string>& patterns) {
    std::vector<Glob> all;
    for (const std::string& pattern : patterns) {
        all.push_back(glob(pattern));
    }
    return all;
}

NumberSet all_of(std::size_t size) {
    NumberSet numbers(size);
    for (std::size_t i = 0; i < size; ++i) {
        numbers.insert(i);
    }
    return numbers;
}

std::optional<std::size_t> first_one_by_one(const std::vector<Glob>& globs, std::string_view text,
                                            const NumberSet& among) {
    for (std::size_t i = 0; i < globs.size(); ++i) {
        if (among.contains(i) && globs[i].matches(text)) {
            return i;
        }
    }
    return std::nullopt;
}

TEST(GlobSet, NamesTheFirstThatMatches) {
    const GlobSet set(globs({"ab", "a?", "a*", "*", "zz"}));
    const NumberSet among = all_of(5);
    EXPECT_EQ(set.first_match("ab", among), 0U);
    EXPECT_EQ(set.first_match("ac", among), 1U);
    EXPECT_EQ(set.first_match("abc", among), 2U);
    EXPECT_EQ(set.first_match("zz", among), 3U);
    EXPECT_EQ(set.first_match("", among), 3U);
    EXPECT_EQ(GlobSet().first_match("", NumberSet()), std::nullopt);
}

TEST(GlobSet, LooksOnlyAtThoseThatCount) {
    const GlobSet set(globs({"a", "a", "?", "*"}));
    NumberSet among(4);
    EXPECT_EQ(set.first_match("a", among), std::nullopt);
    among.insert(3);
    EXPECT_EQ(set.first_match("a", among), 3U);
    among.insert(2);
    EXPECT_EQ(set.first_match("a", among), 2U);
    EXPECT_EQ(set.first_match("ab", among), 3U);
    among.insert(1);
    EXPECT_EQ(set.first_match("a", among), 1U);
}

TEST(GlobSet, SaysWhatItsGlobsSayOneByOne) {
    std::mt19937 random(11);
    const auto word = [&](std::string_view letters, std::size_t length) {
        std::string text;
        for (std::size_t n = random() % (length + 1); n > 0; --n) {
            text.push_back(letters[random() % letters.size()]);
        }
        return text;
    };
    for (int round = 0; round < 200; ++round) {
        // Few letters, so that much matches; lengths that fill words to the last bit.
        const std::size_t length = round % 2 == 0 ? 6 : 63;
        const std::string_view letters = round % 3 == 0 ? "ab" : "abcdefgh";
        std::vector<Glob> patterns;
        for (std::size_t n = random() % 400; n > 0; --n) {
            patterns.push_back(glob(word(std::string(letters) + "**??", length)));
        }
        const GlobSet set(patterns);
        NumberSet among(patterns.size());
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            if (random() % 4 != 0) {
                among.insert(i);
            }
        }
        for (int i = 0; i < 50; ++i) {
            const std::string text = word(std::string(letters) + "z", 32);
            ASSERT_EQ(set.first_match(text, among), first_one_by_one(patterns, text, among))
                << round << " " << text;
        }
    }
}

TEST(GlobSet, KnowsEveryByte) {
    std::vector<Glob> patterns;
    for (int byte = 0; byte < 256; ++byte) {
        Glob one;
        one.literal(static_cast<char>(byte));
        one.any_byte();
        patterns.push_back(one);
    }
    const GlobSet set(patterns);
    const NumberSet among = all_of(256);
    for (std::size_t byte = 0; byte < 256; ++byte) {
        const std::string text{static_cast<char>(byte), 'x'};
        EXPECT_EQ(set.first_match(text, among), byte);
    }
}

TEST(NumberSet, KnowsWhetherThereIsOneInARange) {
    NumberSet numbers(300);
    numbers.insert(64);
    numbers.insert(190);
    for (std::size_t first = 0; first < 300; ++first) {
        for (std::size_t last = first; last < 300; ++last) {
            const bool expected = (first <= 64 && 64 <= last) || (first <= 190 && 190 <= last);
            ASSERT_EQ(numbers.has_any(first, last), expected) << first << " " << last;
        }
    }
}

}  // namespace
}  // namespace spread::access
