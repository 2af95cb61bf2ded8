#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/run.hpp"

namespace spread::spsim {

/// A verdict on its way between processes of one build.
[[nodiscard]] std::string encode(const sim::Verdict& verdict);
[[nodiscard]] std::optional<sim::Verdict> decode_verdict(std::string_view bytes);

}  // namespace spread::spsim
