#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/result.hpp"

namespace spread::daemon {

/// A file that others must not read, as messages speak of it.
struct SecretFile {
    std::string_view what;          ///< "the ring's key"
    std::string_view when_missing;  ///< what to do when there is no such file
    std::string_view when_strange;  ///< what the path should name when it is no regular file
    std::size_t bytes_max = 0;
    std::string_view too_large;  ///< what a larger file is not
};

/// Its text; on failure one line that says what to do. It must be a regular file (symbolic links
/// are followed) of root's, of ours or of `user`, an empty name being nobody, whom nobody but them
/// can write and nobody but them and its group can read.
[[nodiscard]] protocol::Result<std::string, std::string> read_secret(const std::string& path,
                                                                     const std::string& user,
                                                                     const SecretFile& kind);

}  // namespace spread::daemon
