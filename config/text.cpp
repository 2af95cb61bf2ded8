#include "config/text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spread::config {

namespace {

constexpr std::size_t kQuotedBytesMax = 40;
constexpr std::size_t kSuggestionBytesMax = 40;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when it is malformed.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    std::size_t length = 0;
    std::uint8_t second_min = 0x80;
    std::uint8_t second_max = 0xBF;
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        second_min = first == 0xE0 ? 0xA0 : 0x80;
        second_max = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        second_min = first == 0xF0 ? 0x90 : 0x80;
        second_max = first == 0xF4 ? 0x8F : 0xBF;
    }
    if (length == 0 || text.size() < length || byte(1) < second_min || byte(1) > second_max) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xBF) {
            return 0;
        }
    }
    return length;
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        before_last.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

}  // namespace

std::string in_quotes(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string result = "'";
    std::size_t i = 0;
    while (i < text.size()) {
        if (i >= kQuotedBytesMax) {
            result += "...";
            break;
        }
        const auto byte = static_cast<std::uint8_t>(text[i]);
        const std::size_t length = utf8_length(text.substr(i));
        // C1 control characters (U+0080 to U+009F) would act on a terminal.
        const bool c1 =
            byte == 0xC2 && length == 2 && static_cast<std::uint8_t>(text[i + 1]) < 0xA0;
        if (length == 0 || byte < 0x20 || byte == 0x7F || c1) {
            result += "\\x";
            result += kHex[byte >> 4U];
            result += kHex[byte & 0xFU];
            ++i;
        } else {
            result += text.substr(i, length);
            i += length;
        }
    }
    result += '\'';
    return result;
}

std::string to_text(Position position) {
    return std::to_string(position.line) + ":" + std::to_string(position.column);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    // A list written with commas, or a key with a colon, is meant without them.
    word = word.substr(0, word.find_last_not_of(",;:") + 1);
    if (word.empty() || word.size() > kSuggestionBytesMax) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        // A word of one or two letters is near to everything short: demand the same letters.
        if (distance < best_distance && (word.size() > 2 || distance == 0)) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const std::string_view candidate = nearest(word, candidates);
    return candidate.empty() ? std::string() : "; did you mean " + in_quotes(candidate) + "?";
}

}  // namespace spread::config
