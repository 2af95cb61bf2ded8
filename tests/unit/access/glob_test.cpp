#include "daemon/access/glob.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::access {
namespace {

using testing::HasSubstr;

bool matches(std::string_view pattern, std::string_view text) {
    const auto result = parse_glob(pattern);
    EXPECT_TRUE(result.glob) << pattern << ": " << result.error;
    return result.glob && result.glob->matches(text);
}

/// What a glob means, said as simply as possible: exponential, for short texts.
bool matches_by_definition(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern.front() == '*') {
        return matches_by_definition(pattern.substr(1), text) ||
               (!text.empty() && matches_by_definition(pattern, text.substr(1)));
    }
    return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
           matches_by_definition(pattern.substr(1), text.substr(1));
}

/// All words over `letters` of up to `length` letters.
std::vector<std::string> words(std::string_view letters, std::size_t length) {
    std::vector<std::string> all = {""};
    for (std::size_t i = 0; i < all.size() && all[i].size() < length; ++i) {
        for (const char letter : letters) {
            all.push_back(all[i] + letter);
        }
    }
    return all;
}

TEST(Glob, MatchesExactlyWhatItsDefinitionSays) {
    for (const std::string& pattern : words("ab*?", 5)) {
        const auto parsed = parse_glob(pattern);
        ASSERT_TRUE(parsed.glob);
        for (const std::string& text : words("ab", 6)) {
            ASSERT_EQ(parsed.glob->matches(text), matches_by_definition(pattern, text))
                << pattern << " " << text;
        }
    }
}

TEST(Glob, TakesNamesOfAnyBytes) {
    EXPECT_TRUE(matches("a?c", std::string_view("a\0c", 3)));
    EXPECT_TRUE(matches("*", std::string_view("\0\xFF *?\\", 6)));
    EXPECT_TRUE(matches("\xC3\xBC", "\xC3\xBC"));
    EXPECT_FALSE(matches("?", "\xC3\xBC"));
    EXPECT_TRUE(matches("#alice#d1", "#alice#d1"));
}

TEST(Glob, ABackslashTakesTheNextCharacterLiterally) {
    EXPECT_TRUE(matches("\\*", "*"));
    EXPECT_FALSE(matches("\\*", "a"));
    EXPECT_TRUE(matches("a\\?b\\\\\\#", "a?b\\#"));
    EXPECT_FALSE(matches("a\\?", "ab"));
    EXPECT_TRUE(matches("\\x00\\x20\\xfF", std::string_view("\0 \xFF", 3)));
    EXPECT_TRUE(matches("\\x2a", "*"));
    EXPECT_FALSE(matches("\\x2a", "a"));
}

TEST(Glob, RefusesBackslashesWithoutMeaningAndControlCharacters) {
    for (const std::string_view bad :
         {"\\", "a\\", "\\x", "\\x4", "\\xg0", "\\x4g", "\\n", "\\0", "a\x01", "\\\x01", "\x7F"}) {
        const auto result = parse_glob(bad);
        EXPECT_FALSE(result.glob) << bad;
        EXPECT_THAT(result.error, HasSubstr("the pattern '")) << bad;
    }
}

TEST(Glob, KnowsItsShortestMatchAndWhetherItMatchesEverything) {
    EXPECT_EQ(parse_glob("*a?*\\*b*").glob->shortest_match(), 4U);
    EXPECT_EQ(parse_glob("").glob->shortest_match(), 0U);
    EXPECT_TRUE(parse_glob("*").glob->matches_everything());
    EXPECT_TRUE(parse_glob("***").glob->matches_everything());
    EXPECT_FALSE(parse_glob("").glob->matches_everything());
    EXPECT_FALSE(parse_glob("?*").glob->matches_everything());
    EXPECT_FALSE(parse_glob("\\*").glob->matches_everything());
}

TEST(Glob, ManyRunsOverALongTextStayCheap) {
    // Tried in every combination these would take longer than the universe has existed; as it is
    // they take 200 times a million steps.
    std::string pattern;
    for (int i = 0; i < 100; ++i) {
        pattern += "*a";
    }
    EXPECT_FALSE(matches(pattern + "b", std::string(1000000, 'a')));
    EXPECT_TRUE(matches(pattern, std::string(1000000, 'a')));
}

}  // namespace
}  // namespace spread::access
