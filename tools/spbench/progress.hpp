#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/spbench/clock.hpp"

namespace spread::spbench {

/// A sign of life on standard error: one line that rewrites itself every half second on a terminal,
/// a new line every five seconds elsewhere. Short runs show nothing.
class Progress {
  public:
    explicit Progress(bool is_enabled);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// `done` counts what the mode counts; `total_seconds` is 0 for runs of unknown length. Cheap
    /// enough for inner loops.
    void update(std::uint64_t done, std::string_view unit, double total_seconds);

  private:
    bool is_enabled_;
    bool is_terminal_;
    bool is_line_open_ = false;
    Nanoseconds start_;
    Nanoseconds last_time_;
    std::uint64_t last_done_ = 0;
};

}  // namespace spread::spbench
