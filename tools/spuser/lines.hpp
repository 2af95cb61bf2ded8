#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace spread::spuser {

/// Where the user's lines come from, read only when there is something to read.
class LineSource {
  public:
    LineSource() = default;
    virtual ~LineSource() = default;
    LineSource(const LineSource&) = delete;
    LineSource& operator=(const LineSource&) = delete;

    /// One read; false at the end of input.
    [[nodiscard]] virtual bool fill() = 0;
    [[nodiscard]] virtual bool has_line() const = 0;
    [[nodiscard]] virtual std::optional<std::string> next() = 0;
    /// What stands behind the last line end.
    [[nodiscard]] virtual std::string take_rest() = 0;
};

/// A line that a person is typing, below what comes meanwhile.
class TypedLine {
  public:
    TypedLine() = default;
    virtual ~TypedLine() = default;
    TypedLine(const TypedLine&) = delete;
    TypedLine& operator=(const TypedLine&) = delete;

    /// Shows `prompt` and what has been typed so far.
    virtual void show(std::string_view prompt) = 0;
    /// Takes both off the screen; what was typed is kept for show().
    virtual void hide() = 0;
};

/// Standard input, whatever it is.
[[nodiscard]] std::unique_ptr<LineSource> plain_lines();

/// A terminal with line editing and history.
class Editor : public LineSource, public TypedLine {
  public:
    /// Null where the programs were built without libedit.
    [[nodiscard]] static std::unique_ptr<Editor> open(std::FILE* in, std::FILE* out);
};

}  // namespace spread::spuser
