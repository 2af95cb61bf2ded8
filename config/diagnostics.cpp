#include "config/diagnostics.hpp"

#include <algorithm>
#include <utility>

namespace spread::config {

void Diagnostics::error(Position at, std::string message) {
    if (!is_full()) {
        list_.push_back(Diagnostic{Severity::kError, at, std::move(message)});
        ++error_count_;
    }
}

void Diagnostics::warning(Position at, std::string message) {
    if (warning_count_ <= kMaxWarnings) {
        ++warning_count_;
    }
    if (warning_count_ <= kMaxWarnings) {
        list_.push_back(Diagnostic{Severity::kWarning, at, std::move(message)});
    }
}

std::vector<Diagnostic> Diagnostics::take() {
    std::stable_sort(list_.begin(), list_.end(),
                     [](const Diagnostic& a, const Diagnostic& b) { return a.at < b.at; });
    const Position last = list_.empty() ? Position{1, 1} : list_.back().at;
    if (warning_count_ > kMaxWarnings) {
        list_.push_back(Diagnostic{Severity::kWarning, last,
                                   "more than " + std::to_string(kMaxWarnings) +
                                       " warnings: the further ones are not shown"});
    }
    if (is_full()) {
        list_.push_back(Diagnostic{Severity::kError, last,
                                   "more than " + std::to_string(kMaxErrors - 1) +
                                       " errors: correct these first, there may be others"});
    }
    error_count_ = 0;
    warning_count_ = 0;
    return std::exchange(list_, {});
}

}  // namespace spread::config
