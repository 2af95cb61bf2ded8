#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace spread::access {

struct Word {
    std::string_view text;  ///< part of the text given to the reader
    config::Position at;
};

/// Cuts the text of an access file into lines of words. Blanks, tabs and the like stand between
/// words; lines end with LF, and a CR before it is a blank.
class LineReader {
  public:
    /// What begins a comment. In all files a first word with '#' does.
    enum class Comment : std::uint8_t {
        kAnyHash,   ///< any later word that starts with '#' as well
        kHashAlone  ///< any later word that is just '#': words may start with it
    };

    /// `text` must outlive the reader and its words.
    LineReader(std::string_view text, Comment comment) : rest_(text), comment_(comment) {}

    /// The words of the next line that has any; empty at the end of the text. Valid until the next
    /// call.
    [[nodiscard]] const std::vector<Word>& next();

  private:
    [[nodiscard]] bool begins_comment(std::string_view word) const;
    void cut(std::string_view line);

    std::string_view rest_;
    Comment comment_;
    std::uint32_t line_ = 0;
    std::vector<Word> words_;
};

/// Whether a byte is printable ASCII or part of a longer character: no control byte.
[[nodiscard]] bool is_text_byte(char byte);

}  // namespace spread::access
