#include "daemon/access/glob.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "daemon/access/line_reader.hpp"

namespace spread::access {

namespace {

/// Value of a hexadecimal digit, or nothing.
std::optional<std::uint8_t> hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return static_cast<std::uint8_t>(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return static_cast<std::uint8_t>(digit - 'a' + 10);
    }
    if (digit >= 'A' && digit <= 'F') {
        return static_cast<std::uint8_t>(digit - 'A' + 10);
    }
    return std::nullopt;
}

GlobResult refuse(std::string_view word, std::string_view why) {
    GlobResult result;
    result.error = "the pattern " + config::in_quotes(word) + " " + std::string(why);
    return result;
}

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

void Glob::literal(char byte) {
    elements_.push_back(static_cast<std::uint8_t>(byte));
    ++shortest_match_;
}

void Glob::any_byte() {
    elements_.push_back(kAnyByte);
    ++shortest_match_;
}

void Glob::any_run() {
    if (elements_.empty() || elements_.back() != kAnyRun) {
        elements_.push_back(kAnyRun);
    }
}

bool Glob::matches(std::string_view text) const {
    // Only the last run seen can need another length: a longer earlier one would leave less text to
    // a rest of the pattern that could as well begin further on in this one.
    constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::size_t element = 0;
    std::size_t byte = 0;
    std::size_t after_run = kNone;
    std::size_t run_end = 0;
    while (byte < text.size()) {
        if (element < elements_.size() && elements_[element] == kAnyRun) {
            after_run = ++element;
            run_end = byte;
        } else if (element < elements_.size() &&
                   (elements_[element] == kAnyByte ||
                    elements_[element] == static_cast<std::uint8_t>(text[byte]))) {
            ++element;
            ++byte;
        } else if (after_run != kNone) {
            element = after_run;
            byte = ++run_end;
        } else {
            return false;
        }
    }
    if (element < elements_.size() && elements_[element] == kAnyRun) {
        ++element;
    }
    return element == elements_.size();
}

GlobResult parse_glob(std::string_view word) {
    if (!std::all_of(word.begin(), word.end(), is_text_byte)) {
        return refuse(word, "contains a control character; write it as \\xNN");
    }
    Glob glob;
    for (std::size_t i = 0; i < word.size(); ++i) {
        const char c = word[i];
        if (c == '*') {
            glob.any_run();
        } else if (c == '?') {
            glob.any_byte();
        } else if (c != '\\') {
            glob.literal(c);
        } else if (i + 1 == word.size()) {
            return refuse(word,
                          "ends in a lone '\\'; write '\\\\' for a backslash and '\\x20' for a "
                          "blank");
        } else if (word[i + 1] == 'x') {
            const auto high = i + 2 < word.size() ? hex_value(word[i + 2]) : std::nullopt;
            const auto low = i + 3 < word.size() ? hex_value(word[i + 3]) : std::nullopt;
            if (!high || !low) {
                return refuse(word, "needs two hexadecimal digits behind '\\x'");
            }
            glob.literal(static_cast<char>(*high * 16 + *low));
            i += 3;
        } else if (is_letter_or_digit(word[i + 1])) {
            return refuse(word,
                          "has a letter or digit behind '\\'; only '\\x' and two hexadecimal "
                          "digits mean something");
        } else {
            glob.literal(word[++i]);
        }
    }
    GlobResult result;
    result.glob = std::move(glob);
    return result;
}

}  // namespace spread::access
