#include "tests/sim/scenario_line.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace spread::sim {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kDurationExpected = "a duration such as 50ms (units us, ms, s)";
constexpr std::uint64_t kMicrosecondsMax = 1'000'000'000'000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// A word of the file in a message: short and printable.
std::string quoted(std::string_view word) {
    constexpr std::size_t kShown = 40;
    std::string text = "\"";
    for (const char c : word.substr(0, kShown)) {
        text += c >= ' ' && c <= '~' ? c : '?';
    }
    return text + (word.size() > kShown ? "...\"" : "\"");
}

/// `digits` times 10^scale; digits may have a fraction of at most `scale` digits.
std::optional<std::uint64_t> decimal(std::string_view digits, unsigned scale) {
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::string_view fraction = digits.substr(std::min(point + 1, digits.size()));
    if (point == 0 || (point < digits.size() && fraction.empty()) || fraction.size() > scale) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto append = [&](unsigned digit) {
        constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
        if (value > (kMost - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
        return true;
    };
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i == point) {
            continue;
        }
        if (!is_digit(digits[i]) || !append(static_cast<unsigned>(digits[i] - '0'))) {
            return std::nullopt;
        }
    }
    for (std::size_t i = fraction.size(); i < scale; ++i) {
        if (!append(0)) {
            return std::nullopt;
        }
    }
    return value;
}

std::optional<std::uint64_t> microseconds(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, unsigned>, 3> kUnits{
        {{"us", 0}, {"ms", 3}, {"s", 6}}};
    for (const auto& [unit, scale] : kUnits) {
        if (word.size() > unit.size() && word.substr(word.size() - unit.size()) == unit) {
            return decimal(word.substr(0, word.size() - unit.size()), scale);
        }
    }
    return std::nullopt;
}

}  // namespace

ScenarioLine::ScenarioLine(std::string_view line) {
    line = line.substr(0, line.find('#'));
    std::size_t at = 0;
    while (at < line.size()) {
        const char c = line[at];
        if (kBlanks.find(c) != std::string_view::npos) {
            ++at;
            continue;
        }
        std::size_t end = at + 1;
        if (c != '{' && c != '}') {
            end = std::min(line.find_first_of(" \t\r{}", at), line.size());
        }
        words_.push_back(line.substr(at, end - at));
        at = end;
    }
}

std::string_view ScenarioLine::peek() const {
    return empty() ? std::string_view() : words_[next_];
}

bool ScenarioLine::accept(std::string_view word) {
    if (error_ || peek() != word) {
        return false;
    }
    ++next_;
    return true;
}

void ScenarioLine::require(std::string_view word) {
    if (!accept(word)) {
        fail(quoted(word));
    }
}

std::string_view ScenarioLine::take(std::string_view expected) {
    if (error_ || empty()) {
        fail(expected);
        return {};
    }
    return words_[next_++];
}

void ScenarioLine::require_end() {
    if (!error_ && !empty()) {
        fail("the end of the line");
    }
}

std::uint64_t ScenarioLine::count(std::uint64_t least, std::uint64_t most,
                                  std::string_view expected) {
    const auto value = decimal(peek(), 0);
    if (error_ || !value || *value < least || *value > most) {
        fail(expected);
        return least;
    }
    ++next_;
    return *value;
}

std::uint64_t ScenarioLine::duration(std::uint64_t most_us) {
    const auto value = microseconds(peek());
    if (error_ || !value || *value > std::min(most_us, kMicrosecondsMax)) {
        fail(kDurationExpected);
        return 0;
    }
    ++next_;
    return *value;
}

std::int64_t ScenarioLine::signed_duration() {
    const bool negative = !peek().empty() && peek().front() == '-';
    const auto value = microseconds(peek().substr(negative ? 1 : 0));
    if (error_ || !value || *value > kMicrosecondsMax) {
        fail(kDurationExpected);
        return 0;
    }
    ++next_;
    const auto magnitude = static_cast<std::int64_t>(*value);
    return negative ? -magnitude : magnitude;
}

std::int64_t ScenarioLine::drift() {
    constexpr std::string_view kUnit = "ppm";
    constexpr std::uint64_t kMost = 500000;
    std::string_view word = peek();
    const bool negative = !word.empty() && word.front() == '-';
    word.remove_prefix(negative ? 1 : 0);
    const std::size_t digits = word.size() > kUnit.size() ? word.size() - kUnit.size() : 0;
    const auto value = decimal(word.substr(0, digits), 0);
    if (error_ || !value || word.substr(digits) != kUnit || *value > kMost) {
        fail("a drift such as -200ppm, up to 500000");
        return 0;
    }
    ++next_;
    const auto magnitude = static_cast<std::int64_t>(*value);
    return negative ? -magnitude : magnitude;
}

std::uint32_t ScenarioLine::quantity(Unit unit) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    switch (unit) {
        case Unit::kCount: return static_cast<std::uint32_t>(count(0, kMost, "a number"));
        case Unit::kDuration: return static_cast<std::uint32_t>(duration(kMost));
        case Unit::kShare: break;
    }
    const std::string_view word = peek();
    const auto value = word.empty() || word.back() != '%'
                           ? std::nullopt
                           : decimal(word.substr(0, word.size() - 1), 4);
    if (error_ || !value || *value > kShareWhole) {
        fail("a share such as 0.5%, up to 100%");
        return 0;
    }
    ++next_;
    return static_cast<std::uint32_t>(*value);
}

std::uint32_t ScenarioLine::repetitions() {
    const std::string_view word = peek();
    if (error_ || word.empty() || word.back() != 'x') {
        return 1;
    }
    const auto value = decimal(word.substr(0, word.size() - 1), 0);
    if (!value || *value == 0 || *value > std::numeric_limits<std::uint32_t>::max()) {
        fail("a number of messages such as 20x");
        return 1;
    }
    ++next_;
    return static_cast<std::uint32_t>(*value);
}

bool ScenarioLine::at_index(char letter) const {
    const std::string_view word = peek();
    return !error_ && word.size() > 1 && word.front() == letter && is_digit(word[1]);
}

std::uint16_t ScenarioLine::index(char letter, std::size_t most) {
    const auto value =
        at_index(letter) ? decimal(peek().substr(1), 0) : std::optional<std::uint64_t>();
    if (!value || *value == 0 || *value > most) {
        fail(std::string("one of ") + letter + "1 to " + letter + std::to_string(most));
        return 0;
    }
    ++next_;
    return static_cast<std::uint16_t>(*value - 1);
}

void ScenarioLine::add_index(std::vector<std::uint16_t>& list, char letter, std::size_t count) {
    const std::string_view word = peek();
    const std::uint16_t value = index(letter, count);
    if (!error_ && std::find(list.begin(), list.end(), value) != list.end()) {
        complain(quoted(word) + " comes twice");
    }
    list.push_back(value);
}

std::vector<std::uint16_t> ScenarioLine::indices(char letter, std::size_t count) {
    std::vector<std::uint16_t> list;
    do {
        add_index(list, letter, count);
    } while (at_index(letter));
    return list;
}

std::vector<std::uint16_t> ScenarioLine::set(char letter, std::size_t count) {
    std::vector<std::uint16_t> list;
    require("{");
    while (!error_ && !accept("}")) {
        add_index(list, letter, count);
    }
    return list;
}

void ScenarioLine::fail(std::string_view expected) {
    if (!error_) {
        error_ = (empty() ? "the line ends" : "found " + quoted(peek())) + ", expected " +
                 std::string(expected);
    }
}

void ScenarioLine::complain(std::string text) {
    if (!error_) {
        error_ = std::move(text);
    }
}

}  // namespace spread::sim
