#include "daemon/access/line_reader.hpp"

#include <algorithm>

namespace spread::access {

namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

}  // namespace

const std::vector<Word>& LineReader::next() {
    words_.clear();
    while (words_.empty() && !rest_.empty()) {
        ++line_;
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        cut(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
    }
    return words_;
}

void LineReader::cut(std::string_view line) {
    std::size_t at = 0;
    while (true) {
        at = line.find_first_not_of(kBlanks, at);
        if (at == std::string_view::npos) {
            return;
        }
        const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        const std::string_view word = line.substr(at, end - at);
        if (begins_comment(word)) {
            return;
        }
        words_.push_back(Word{word, {line_, static_cast<std::uint32_t>(at + 1)}});
        at = end;
    }
}

bool LineReader::begins_comment(std::string_view word) const {
    if (words_.empty() || comment_ == Comment::kAnyHash) {
        return word.front() == '#';
    }
    return word == "#";
}

bool is_text_byte(char byte) {
    const auto value = static_cast<std::uint8_t>(byte);
    return value >= 0x20 && value != 0x7F;
}

}  // namespace spread::access
