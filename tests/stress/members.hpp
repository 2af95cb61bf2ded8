#pragma once

#include <cstddef>

#include "tests/stress/stage.hpp"

namespace spread::stress {

/// `count` members of one group on three daemons in network namespaces: joins, views, a partition
/// and the merge, each judged by what two observers on each daemon see.
void run_members(std::size_t count, Verdict& verdict);

}  // namespace spread::stress
