#pragma once

#include "tests/golden/scenario.hpp"

namespace spread::golden {

/// Rewrites the expectations of a scenario where this daemon deliberately does better than the
/// stock daemon that was recorded. Most scenarios stay as they are; the reasons stand at each case.
void expect_better_than_stock(Scenario& scenario);

}  // namespace spread::golden
