#include "tests/mutants/planted_table.hpp"

#include <algorithm>

#include "tests/mutants/planted.hpp"

namespace spread::mutants {

bool plant(std::string_view name) {
    const auto bugs = planted_bugs();
    if (!name.empty() && std::none_of(bugs.begin(), bugs.end(),
                                      [&](const PlantedBug& each) { return each.name == name; })) {
        return false;
    }
    active = name.empty() ? 0 : hash_of(name);
    return true;
}

}  // namespace spread::mutants
