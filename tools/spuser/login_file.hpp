#pragma once

#include <string>

#include "protocol/result.hpp"
#include "spread/options.hpp"

namespace spread::spuser {

/// The login in the first line of a file, "NAME:PASSWORD", or "PASSWORD" alone for `user`. An error
/// is one line for the user.
[[nodiscard]] protocol::Result<Login, std::string> read_login(const std::string& path,
                                                              const std::string& user);

}  // namespace spread::spuser
