#include "tools/spsim/planted.hpp"

// What spsim runs has no bugs planted in it; spsim_mutants links another file in place of this one
// (tests/mutants/spsim_planted.cpp).

namespace spread::spsim {

std::vector<std::string> planted_bugs() {
    return {};
}

void plant(const std::string& /*name*/) {}

}  // namespace spread::spsim
