#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/scenario_names.hpp"

namespace spread::sim {

/// The words of one line of a scenario file. Sticky like ByteReader: after the first thing that is
/// not as expected everything reads as nothing, so that readers stay straight-line; error() says
/// what it was.
class ScenarioLine {
  public:
    explicit ScenarioLine(std::string_view line);

    [[nodiscard]] bool empty() const { return next_ == words_.size(); }
    [[nodiscard]] std::string_view peek() const;
    /// Takes the next word if it is this one.
    bool accept(std::string_view word);
    void require(std::string_view word);
    [[nodiscard]] std::string_view take(std::string_view expected);
    void require_end();

    [[nodiscard]] std::uint64_t count(std::uint64_t least, std::uint64_t most,
                                      std::string_view expected);
    [[nodiscard]] std::uint64_t duration(std::uint64_t most_us);
    [[nodiscard]] std::int64_t signed_duration();
    /// "-200ppm"
    [[nodiscard]] std::int64_t drift();
    [[nodiscard]] std::uint32_t quantity(Unit unit);
    /// "20x"; 1 and nothing taken if the next word is something else.
    [[nodiscard]] std::uint32_t repetitions();

    /// Whether the next word is `letter` and digits.
    [[nodiscard]] bool at_index(char letter) const;
    /// "d3" is 2.
    [[nodiscard]] std::uint16_t index(char letter, std::size_t count);
    /// One or more different ones.
    [[nodiscard]] std::vector<std::uint16_t> indices(char letter, std::size_t count);
    /// The same in braces; may be empty.
    [[nodiscard]] std::vector<std::uint16_t> set(char letter, std::size_t count);

    /// One of the names of a table.
    template <typename Table>
    [[nodiscard]] auto word(const Table& table) {
        const auto* found = find_word(table, peek());
        if (found == nullptr) {
            std::string names;
            for (const auto& entry : table) {
                names += (names.empty() ? "" : ", ") + std::string(entry.name);
            }
            fail("one of " + names);
            return decltype(table[0].value){};
        }
        ++next_;
        return found->value;
    }

    /// The next word is wrong.
    void fail(std::string_view expected);
    /// Something else is wrong.
    void complain(std::string text);
    [[nodiscard]] const std::optional<std::string>& error() const { return error_; }

  private:
    void add_index(std::vector<std::uint16_t>& list, char letter, std::size_t count);

    std::vector<std::string_view> words_;
    std::size_t next_ = 0;
    std::optional<std::string> error_;
};

}  // namespace spread::sim
