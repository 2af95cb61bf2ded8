#pragma once

#include <stdexcept>

namespace spread::daemon {

/// The daemon cannot start. The text is one line that says what, where, and what to do.
class StartupError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace spread::daemon
