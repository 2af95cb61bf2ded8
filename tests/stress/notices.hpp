#pragma once

#include <cstddef>

#include "tests/stress/stage.hpp"

namespace spread::stress {

struct NoticesOptions {
    std::size_t members = 500;  ///< of one group, all of whom are told of each change
    std::size_t times = 200;    ///< that another one joins and leaves
    bool strict = false;        ///< the ring may not break: for an idle machine
};

/// A client that joins a large group and leaves it again, as fast as it can. Each change is some
/// megabytes of notices at each daemon; the ring has to hold meanwhile, and everybody to hear of
/// every change.
void run_notices(const NoticesOptions& options, Verdict& verdict);

}  // namespace spread::stress
