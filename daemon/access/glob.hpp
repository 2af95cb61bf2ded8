#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spread::access {

/// A pattern over names of any bytes: `*` stands for any run of bytes, `?` for one byte, everything
/// else for itself.
class Glob {
  public:
    /// Appends to the pattern. Runs of any_run() count once.
    void literal(char byte);
    void any_byte();
    void any_run();

    /// Takes at most pattern length times text length steps, and no memory.
    [[nodiscard]] bool matches(std::string_view text) const;

    [[nodiscard]] bool matches_everything() const {
        return elements_.size() == 1 && elements_.front() == kAnyRun;
    }

    /// A shorter text never matches: the number of elements that are no runs.
    [[nodiscard]] std::size_t shortest_match() const { return shortest_match_; }

    /// 0..255: that byte; else one of the two below.
    using Element = std::uint16_t;
    static constexpr Element kAnyByte = 256;
    static constexpr Element kAnyRun = 257;
    [[nodiscard]] std::span<const Element> elements() const { return elements_; }

  private:
    std::vector<Element> elements_;
    std::size_t shortest_match_ = 0;
};

struct GlobResult {
    std::optional<Glob> glob;
    std::string error;  ///< why there is no glob, and what to write
};

/// A pattern as files write it: `\` takes the next character literally, and `\xNN` stands for the
/// byte with that hexadecimal number, which is how blanks and control characters are written.
[[nodiscard]] GlobResult parse_glob(std::string_view word);

}  // namespace spread::access
