#pragma once

#include <cstddef>
#include <cstdint>
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

    /// A shorter text never matches.
    [[nodiscard]] std::size_t shortest_match() const { return shortest_match_; }

  private:
    /// 0..255: that byte; else one of the two below.
    using Element = std::uint16_t;
    static constexpr Element kAnyByte = 256;
    static constexpr Element kAnyRun = 257;

    std::vector<Element> elements_;
    std::size_t shortest_match_ = 0;
};

}  // namespace spread::access
