#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace spread::daemon {

/// What is left to read of the open file `fd`. Of a file with more than `bytes_max` bytes comes at
/// least one byte more than that, and not much. Nothing when it cannot be read; errno says why.
[[nodiscard]] std::optional<std::string> read_file(int fd, std::size_t bytes_max);

}  // namespace spread::daemon
