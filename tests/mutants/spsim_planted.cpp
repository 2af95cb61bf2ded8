#include <string>
#include <vector>

#include "tests/mutants/planted_table.hpp"
#include "tools/spsim/planted.hpp"

// spsim_mutants: the simulator's command with bugs to switch on.

namespace spread::spsim {

std::vector<std::string> planted_bugs() {
    std::vector<std::string> names;
    for (const mutants::PlantedBug& each : mutants::planted_bugs()) {
        names.emplace_back(each.name);
    }
    return names;
}

void plant(const std::string& name) {
    mutants::plant(name);
}

}  // namespace spread::spsim
