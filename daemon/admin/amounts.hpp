#pragma once

#include <chrono>
#include <string>

// Amounts as people read them, on the status page and in the terminal.

namespace spread::admin {

/// "1.5 s", "3 min", "5 h", "4 d".
[[nodiscard]] std::string span_text(std::chrono::duration<double> span);
/// "999 B", "42 kB", "12.5 MB"; powers of ten.
[[nodiscard]] std::string bytes_text(double bytes);
/// "0 %", "<0.01 %", "1.25 %", "40 %".
[[nodiscard]] std::string share_text(double share);
/// In ASCII capitals.
[[nodiscard]] std::string upper(std::string text);

}  // namespace spread::admin
