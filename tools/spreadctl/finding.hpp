#pragma once

#include <string>
#include <utility>

namespace spread::spreadctl {

/// A line of the doctor: what was looked at, how it is, and what to do about it.
struct Finding {
    enum class Verdict : unsigned char { kGood, kWarning, kBad };

    std::string what;
    Verdict verdict = Verdict::kGood;
    std::string text;  ///< how it is
    std::string todo;  ///< empty when there is nothing to do
};

[[nodiscard]] inline Finding good(std::string what, std::string text) {
    return {std::move(what), Finding::Verdict::kGood, std::move(text), {}};
}
[[nodiscard]] inline Finding doubtful(std::string what, std::string text, std::string todo) {
    return {std::move(what), Finding::Verdict::kWarning, std::move(text), std::move(todo)};
}
[[nodiscard]] inline Finding bad(std::string what, std::string text, std::string todo) {
    return {std::move(what), Finding::Verdict::kBad, std::move(text), std::move(todo)};
}

}  // namespace spread::spreadctl
