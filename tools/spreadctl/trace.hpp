#pragma once

#include <string>

#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

/// What a daemon's flight recorder holds: into `file` as it is, or, where that is empty, as lines
/// on stdout. Returns the exit status; throws Unreachable.
[[nodiscard]] int dump_trace(const HttpClient& client, const std::string& file);

/// The lines of a recording in a file. Throws Unreachable when it is none.
[[nodiscard]] int show_trace(const std::string& file);

}  // namespace spread::spreadctl
