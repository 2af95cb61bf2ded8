#include "tools/spsim/planted.hpp"

#include "protocol/planted_bug.hpp"

namespace spread::spsim {

std::vector<std::string> planted_bugs() {
    std::vector<std::string> names;
    if (protocol::kPlantedBugsBuilt) {
        for (const protocol::PlantedBugName& each : protocol::kPlantedBugs) {
            names.emplace_back(each.name);
        }
    }
    return names;
}

void plant([[maybe_unused]] const std::string& name) {
#ifdef SPREAD_PLANTED_BUGS
    protocol::active_planted_bug =
        protocol::planted_bug_named(name).value_or(protocol::PlantedBug::kNone);
#endif
}

}  // namespace spread::spsim
