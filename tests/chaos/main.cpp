// Real daemons under faults, and the checker of the simulator over what their clients see.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/chaos/run.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace spread;

constexpr int kViolated = 1;
constexpr int kUsageError = 2;
constexpr int kBroken = 3;    // the harness itself
constexpr int kSkipped = 77;  // as test drivers know it
constexpr double kSecondsMax = 24.0 * 3600;
/// Beyond the plan: the last settling and the report.
constexpr unsigned kGraceSeconds = 240;

std::atomic<bool> interrupted = false;

void on_interrupt(int /*number*/) {
    interrupted = true;
}

void on_alarm(int /*number*/) {
    constexpr char kText[] = "spread_chaos: hangs, giving up\n";
    static_cast<void>(!write(STDERR_FILENO, kText, sizeof kText - 1));
    _exit(kBroken);  // the daemons die with us
}

void catch_signals(unsigned seconds) {
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        sigaction(number, &action, nullptr);
    }
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, nullptr);
    alarm(seconds);
}

struct CommandLine {
    chaos::Plan plan;
    std::string kept_logs;
};

std::optional<int> parse(int argc, char** argv, CommandLine& line) {
    double minutes = 5;
    std::optional<double> run_seconds;
    std::optional<std::uint64_t> seed;
    std::vector<std::string> fault_names;
    std::map<std::string, chaos::Fault> faults;
    for (const chaos::Fault fault : chaos::all_faults()) {
        faults.emplace(to_string(fault), fault);
    }
    CLI::App app(
        "Runs spreadd daemons in network namespaces, does them harm, and checks what clients see.",
        "chaos");
    app.add_option("--minutes", minutes, "How long")
        ->check(CLI::Range(0.01, kSecondsMax / 60))
        ->capture_default_str();
    app.add_option("--seconds", run_seconds, "How long, instead of --minutes")
        ->check(CLI::Range(1.0, kSecondsMax));
    app.add_option("--daemons", line.plan.daemons, "How many")
        ->check(CLI::Range(2, 16))
        ->capture_default_str();
    app.add_option("--clients", line.plan.clients_per_daemon, "How many on each daemon")
        ->check(CLI::Range(1, 20))
        ->capture_default_str();
    app.add_option("--seed", seed, "Of all that is drawn (default: a new one, printed)");
    app.add_option("--faults", fault_names,
                   "Only these: partition deafness loss delay duplicate corrupt clog unplug "
                   "interface crash stop pause ports reject multicast large replace freeze clock "
                   "disk files reload")
        ->delimiter(',');
    app.add_option("--sabotage", line.plan.sabotaged,
                   "Hide one message from the checker, about the Nth received; it has to notice")
        ->type_name("N");
    app.add_option("--sabotage-rings", line.plan.hidden,
                   "Hide the Nth delivery by a ring from the checker; it has to notice")
        ->type_name("N");
    app.add_option("--keep-logs", line.kept_logs,
                   "Directory for the daemons' logs and state, kept in any case (default: a "
                   "temporary one, kept after a violation)");
    app.footer(
        "The same seed draws the same faults and messages, but real processes never meet them at\n"
        "the same moment twice: a seed repeats the kind of run, not the run.\n"
        "Exit status: 0 fine, 1 a property was violated or the run interrupted, 2 wrong usage,\n"
        "3 the program itself failed, 77 network namespaces are not to be had.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsageError;
    }
    line.plan.duration =
        std::chrono::seconds(static_cast<std::int64_t>(run_seconds.value_or(minutes * 60)));
    if (const auto stock = support::stock_directory()) {
        line.plan.library = (*stock / "lib/libspread-core.so").string();
    }
    line.plan.seed = seed ? *seed : std::random_device{}();
    for (const std::string& name : fault_names) {
        if (!faults.contains(name)) {
            std::cerr << "chaos: there is no fault '" << name << "'\n";
            return kUsageError;
        }
        line.plan.faults.push_back(faults[name]);
    }
    if (fault_names.empty()) {
        line.plan.faults.assign(chaos::all_faults().begin(), chaos::all_faults().end());
    }
    return std::nullopt;
}

int run(CommandLine& line) {
    std::filesystem::path& directory = line.plan.directory;
    const bool keeps_logs = !line.kept_logs.empty();
    if (keeps_logs) {
        line.plan.keeps_journal = true;
        directory = std::filesystem::absolute(line.kept_logs);
        std::filesystem::create_directories(directory);
    } else {
        std::string name =
            (std::filesystem::temp_directory_path() / "spread-chaos-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make a directory " + name);
        }
        directory = name;
    }
    const auto verdict = chaos::Run(line.plan, interrupted).execute();
    if (!keeps_logs && verdict != chaos::Verdict::kViolated) {
        std::filesystem::remove_all(directory);
    }
    return verdict == chaos::Verdict::kPassed ? 0 : kViolated;
}

}  // namespace

int main(int argc, char** argv) {
    CommandLine line;
    if (const auto status = parse(argc, argv, line)) {
        return *status;
    }
    if (const std::string& problem = support::enter_private_network(); !problem.empty()) {
        std::cerr << "chaos: NOT RUN: it needs root, or the right to make network namespaces: "
                  << problem << '\n';
        return kSkipped;
    }
    catch_signals(static_cast<unsigned>(line.plan.duration.count()) + kGraceSeconds);
    try {
        return run(line);
    } catch (const std::exception& problem) {
        std::cerr << "chaos: " << problem.what() << '\n';
        return kBroken;
    }
}
