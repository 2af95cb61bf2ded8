#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"

namespace spread::config {

/// After this many errors the rest of the file is not looked at; further warnings are left out. One
/// closing line says so.
inline constexpr std::size_t kMaxErrors = 20;
inline constexpr std::size_t kMaxWarnings = 20;

/// Collects what is wrong with one file.
///
/// Bounded: a hostile file cannot make it grow beyond kMaxErrors errors and kMaxWarnings warnings,
/// each followed by one closing line. The phases of the parser may report out of order; take()
/// returns file order.
class Diagnostics {
  public:
    void error(Position at, std::string message);
    void warning(Position at, std::string message);

    [[nodiscard]] std::size_t error_count() const { return error_count_; }

    /// The limit is reached: whoever reads the file should stop.
    [[nodiscard]] bool is_full() const { return error_count_ >= kMaxErrors; }

    /// Everything reported so far, in file order. Leaves the collector empty.
    [[nodiscard]] std::vector<Diagnostic> take();

  private:
    std::vector<Diagnostic> list_;
    std::size_t error_count_ = 0;
    std::size_t warning_count_ = 0;
};

}  // namespace spread::config
