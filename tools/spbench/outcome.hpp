#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/codec/error.hpp"
#include "tools/spbench/cpu_meter.hpp"
#include "tools/spbench/histogram.hpp"
#include "tools/spbench/options.hpp"

namespace spread::spbench {

using Json = nlohmann::ordered_json;

/// What a run found, in both forms.
struct Outcome {
    bool is_clean = true;  ///< nothing lost, disordered or broken
    Json json;
    std::string text;
};

/// A run that could not be carried out, in one line.
template <typename T>
using RunResult = protocol::Result<T, std::string>;

[[nodiscard]] inline tl::unexpected<std::string> failed(std::string why) {
    return tl::unexpected<std::string>(std::move(why));
}

/// Nanoseconds in, microseconds out.
[[nodiscard]] Json latency_json(const Histogram& histogram);
[[nodiscard]] std::string latency_text(const Histogram& histogram);

/// Daemon CPU per unit of work; nothing for pids that were not given.
struct Work {
    std::string_view name;  ///< "ordered message"
    std::string_view key;   ///< "per_ordered_us"
    double amount = 0;
};
[[nodiscard]] Json cpu_json(const CpuUse& use, const Options& options,
                            const std::vector<Work>& work);
[[nodiscard]] std::string cpu_text(const CpuUse& use, const Options& options,
                                   const std::vector<Work>& work);

/// The part of the result that says what was run.
[[nodiscard]] Json setup_json(const Options& options);

}  // namespace spread::spbench
