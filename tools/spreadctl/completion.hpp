#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): its name
class App;
}  // namespace CLI

namespace spread::spreadctl {

/// A script for bash that completes commands and options of `app`, of which it is made.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

}  // namespace spread::spreadctl
