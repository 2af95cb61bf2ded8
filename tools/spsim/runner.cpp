#include "tools/spsim/runner.hpp"

#include "tools/spsim/report.hpp"

namespace spread::spsim {

sim::Verdict run_twice(const Runner& runner, const sim::Scenario& scenario,
                       const sim::RunOptions& options) {
    sim::Verdict first = runner(scenario, options);
    const sim::Verdict second = runner(scenario, options);
    const bool equal = first.digest == second.digest && first.at_us == second.at_us &&
                       first.violation.has_value() == second.violation.has_value();
    if (!equal && !first.violation) {
        first.violation = checker::Violation{
            kNotDeterministic,
            "two runs of the same scenario differ",
            {"first run   digest " + hex(first.digest) + ", ends at " + seconds(first.at_us),
             "second run  digest " + hex(second.digest) + ", ends at " + seconds(second.at_us)}};
    }
    return first;
}

}  // namespace spread::spsim
