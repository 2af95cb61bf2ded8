#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/run.hpp"

namespace spread::spsim {

struct Options {
    std::optional<std::uint64_t> seed;   ///< one seed
    std::optional<std::uint64_t> seeds;  ///< so many from `first` on
    std::uint64_t first = 1;
    std::vector<std::string> scenarios;  ///< files
    unsigned jobs = 1;
    bool prints = false;  ///< the scenario instead of running it
    sim::RunOptions run;
    bool shrinks = false;
    std::string output;  ///< of shrinking; standard output if empty
    std::uint64_t shrink_runs_max = 5000;
    bool checks_determinism = false;
    bool keeps_going = false;
    bool seals = false;        ///< seeds run on a ring with a key
    bool unusual = false;      ///< seeds are of generate_unusual()
    bool needs_goals = false;  ///< a state that was not reached is a failure
    std::string planted_bug;
};

/// Parses the command line. Returns the exit status instead when there is nothing left to do: 0
/// after --help and --version, 2 after a usage error, which has been printed.
struct ParsedOptions {
    Options options;
    std::optional<int> exit_status;
};
[[nodiscard]] ParsedOptions parse_options(int argc, const char* const* argv);

/// "24301" or "0x5eed"
[[nodiscard]] std::optional<std::uint64_t> parse_seed(const std::string& text);
/// "1.19s", "50ms", "7us"
[[nodiscard]] std::optional<std::uint64_t> parse_time_us(const std::string& text);

}  // namespace spread::spsim
