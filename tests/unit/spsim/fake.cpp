#include "tests/unit/spsim/fake.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace spread::spsim {

sim::Verdict Fake::operator()(const sim::Scenario& scenario, const sim::RunOptions& options) const {
    if (dies != 0 && scenario.luck == dies) {
        std::fputs("assertion failed: fake\n", stderr);
        std::_Exit(77);
    }
    while (hangs != 0 && scenario.luck == hangs) {
        static_cast<void>(::getppid());
    }
    if (stands_still != 0 && scenario.luck == stands_still) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
    }
    sim::Verdict verdict;
    verdict.at_us = 1234567;
    verdict.digest = sim::mixed(scenario.luck, 5);
    verdict.stats.events = scenario.luck;
    if (options.trace != sim::TraceLevel::kNone) {
        verdict.trace = {"first line", "second line"};
    }
    if (violates != 0 && scenario.luck % violates == 0) {
        verdict.violation = checker::Violation{"P4", "d1 and d2 differ", {"d1: m1", "d2: m2"}};
    }
    return verdict;
}

}  // namespace spread::spsim
