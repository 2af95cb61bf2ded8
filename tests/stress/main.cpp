// Trials of strength for real daemons, by hand and in short form as tests.

#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/stress/firewalls.hpp"
#include "tests/stress/groups.hpp"
#include "tests/stress/hostile.hpp"
#include "tests/stress/many.hpp"
#include "tests/stress/members.hpp"
#include "tests/stress/notices.hpp"
#include "tests/stress/rude.hpp"
#include "tests/stress/sessions.hpp"
#include "tests/stress/stage.hpp"
#include "tests/stress/strangers.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"

namespace {

using namespace spread::stress;
using std::chrono::milliseconds;

constexpr int kFailed = 1;
constexpr int kUsageError = 2;
constexpr int kBroken = 3;    // this program itself
constexpr int kSkipped = 77;  // as test drivers know it

/// As many sockets as the system lets us have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct Arguments {
    Settings settings{
        .program = spread::support::daemon_binary().string(), .daemon_options = "", .quiet = {}};
    std::vector<std::string> daemon_options;
    double quiet_seconds = 5;
    HostileOptions hostile;
    RudeOptions rude;
    double rude_seconds = 12;
    std::size_t sessions = 20000;
    std::size_t members = 5000;
    GroupsOptions groups;
    FirewallsOptions firewalls;
    double firewall_seconds = 60;
    NoticesOptions notices;
    ManyOptions many;
    double rest_seconds = 10;
    StrangersOptions strangers;
    double record_seconds = 60;
    double stranger_seconds = 60;
};

void add_daemon(CLI::App& command, Arguments& arguments) {
    command.add_option("--daemon", arguments.settings.program, "The daemon to try")
        ->check(CLI::ExistingFile)
        ->capture_default_str();
    command.add_option("--daemon-option", arguments.daemon_options,
                       "A line for its configuration; may be repeated");
}

void add_latency(CLI::App& command, Arguments& arguments) {
    command
        .add_option("--quiet-seconds", arguments.quiet_seconds,
                    "How long latencies are measured without load")
        ->check(CLI::Range(0.2, 3600.0))
        ->capture_default_str();
    command
        .add_option("--max-ratio", arguments.settings.ratio_max,
                    "Fail when the p99 under load is more than this many times the quiet one (0: "
                    "not judged)")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
}

void add_sabotage(CLI::App& command, Arguments& arguments) {
    command
        .add_option("--sabotage", arguments.settings.sabotaged,
                    "Overlook the Nth message to well-behaved clients; it has to be missed")
        ->type_name("N");
}

void add_hostile(CLI::App& app, Arguments& arguments) {
    auto* command =
        app.add_subcommand("hostile", "Random hostile conversations beside well-behaved clients");
    add_daemon(*command, arguments);
    add_latency(*command, arguments);
    add_sabotage(*command, arguments);
    HostileOptions& options = arguments.hostile;
    options.seed = std::random_device{}();
    command->add_option("--conversations", options.conversations, "How many")
        ->check(CLI::Range(1, 1000000000))
        ->capture_default_str();
    command->add_option("--seed", options.seed, "Of all that is drawn (default: a new one)");
    command
        ->add_option("--first", options.first,
                     "Number of the first: conversation i is the same whatever goes before")
        ->capture_default_str();
    command->add_option("--parallel", options.parallel, "How many at the same time")
        ->check(CLI::Range(1, 900))
        ->capture_default_str();
    command->add_option("--rate", options.rate, "New ones per second at most (0: any)")
        ->capture_default_str();
    command
        ->add_option("--nice", options.niceness,
                     "Niceness of the process that attacks; 19: it yields to everybody at once")
        ->check(CLI::Range(0, 19))
        ->capture_default_str();
    command->add_option("--part", options.part,
                        "So many in one go, each time after a quiet time of --quiet-seconds; all "
                        "against one daemon (0: all in one go)");
    command->add_option("--lock", options.locks,
                        "Hold this file's lock (flock) during each part, so that others who share "
                        "the machine can keep quiet; may be repeated");
}

void add_rude(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand(
        "rude", "One rude behaviour after the other beside well-behaved clients");
    add_daemon(*command, arguments);
    add_latency(*command, arguments);
    command->add_option("--only", arguments.rude.only, "These behaviours, separated by commas")
        ->delimiter(',')
        ->check(CLI::IsMember(rude_behaviours()));
    command
        ->add_option("--seconds", arguments.rude_seconds,
                     "How long those go on that have no end of their own")
        ->check(CLI::Range(0.5, 3600.0))
        ->capture_default_str();
    command->add_option("--sockets", arguments.rude.sockets, "How many say nothing")
        ->check(CLI::Range(1, 19000))
        ->capture_default_str();
}

void add_sessions(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand("sessions", "As many sessions as possible on one daemon");
    add_daemon(*command, arguments);
    command->add_option("--count", arguments.sessions, "How many")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
}

void add_members(CLI::App& app, Arguments& arguments) {
    auto* command =
        app.add_subcommand("members", "One large group on three daemons, a partition and a merge");
    command->add_option("--count", arguments.members, "How many members")
        ->check(CLI::Range(3, 100000))
        ->capture_default_str();
}

void add_groups(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand(
        "groups",
        "Hundreds of thousands of memberships on three daemons, one of which is killed and comes "
        "back");
    GroupsOptions& options = arguments.groups;
    command->add_option("--clients", options.clients, "Clients that are in many groups")
        ->check(CLI::Range(1, 900))
        ->capture_default_str();
    command->add_option("--groups", options.groups, "Groups of each of them")
        ->check(CLI::Range(1, 65000))
        ->capture_default_str();
    command->add_option("--rate", options.rate, "Messages a second meanwhile")
        ->check(CLI::Range(0, 10000))
        ->capture_default_str();
    command->add_option("--closing", options.closing, "Groups of the client that closes")
        ->check(CLI::Range(1, 65000))
        ->capture_default_str();
    command->add_flag("--strict", options.strict,
                      "Fail when the ring breaks without a fault, or stock comes to rest sooner; "
                      "for an idle machine with a processor for each daemon");
}

void add_firewalls(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand(
        "firewalls", "One daemon's packet filter closes a port of a ring that runs, and opens it");
    FirewallsOptions& options = arguments.firewalls;
    command->add_option("--seconds", arguments.firewall_seconds, "How long it is closed")
        ->check(CLI::Range(1.0, 3600.0))
        ->capture_default_str();
    command->add_option("--daemons", options.daemons, "Of each ring")
        ->delimiter(',')
        ->check(CLI::Range(3, 16))
        ->capture_default_str();
    command->add_option("--only", options.only, "These variants, separated by commas")
        ->delimiter(',')
        ->check(CLI::IsMember(firewall_variants()));
    command->add_flag("--strict", options.strict,
                      "Judge times and numbers, too; for an idle machine");
}

void add_notices(CLI::App& app, Arguments& arguments) {
    auto* command =
        app.add_subcommand("notices", "A client that joins and leaves a large group all the time");
    NoticesOptions& options = arguments.notices;
    command->add_option("--members", options.members, "Of the group")
        ->check(CLI::Range(1, 2900))
        ->capture_default_str();
    command->add_option("--times", options.times, "How often")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    command->add_flag("--strict", options.strict, "Fail when the ring breaks; for an idle machine");
}

void add_many(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand(
        "many", "Very many daemons on one machine, half of which are lost and come back");
    ManyOptions& options = arguments.many;
    command->add_option("--daemons", options.daemons, "Of each ring")
        ->delimiter(',')
        ->check(CLI::Range(4, 128))
        ->capture_default_str();
    command
        ->add_option("--rest-seconds", arguments.rest_seconds,
                     "How long it is seen after each change that nothing stirs")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    command->add_flag("--strict", options.strict,
                      "Fail when the ring breaks without a fault; for an idle machine");
}

void add_strangers(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand(
        "strangers", "A sealed ring beside a daemon with another key, noise, and recordings of it");
    StrangersOptions& options = arguments.strangers;
    command->add_option("--record-seconds", arguments.record_seconds, "How long it is recorded")
        ->check(CLI::Range(1.0, 3600.0))
        ->capture_default_str();
    command->add_option("--seconds", arguments.stranger_seconds, "Of each variant, in all rounds")
        ->check(CLI::Range(1.0, 3600.0))
        ->capture_default_str();
    command->add_option("--rounds", options.rounds, "In which the variants take turns")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->add_option("--rate", options.rate, "Datagrams a second at each daemon")
        ->check(CLI::Range(1, 10000000))
        ->capture_default_str();
    command->add_option("--only", options.only, "These variants, separated by commas")
        ->delimiter(',')
        ->check(CLI::IsMember(stranger_variants()));
    command->add_flag("--strict", options.strict, "Judge throughput, too; for an idle machine");
}

milliseconds in_milliseconds(double seconds) {
    return milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

int run(const CLI::App& app, Arguments& arguments) {
    Settings& settings = arguments.settings;
    settings.program = std::filesystem::absolute(settings.program);  // it runs elsewhere
    settings.quiet = in_milliseconds(arguments.quiet_seconds);
    for (const std::string& line : arguments.daemon_options) {
        settings.daemon_options += line + "\n";
    }
    arguments.rude.duration = in_milliseconds(arguments.rude_seconds);
    // With a network of our own no port is taken and nothing leaves; but loopback will do as well.
    const std::string& no_network = spread::support::enter_private_network();
    Verdict verdict;
    if (app.got_subcommand("hostile")) {
        run_hostile(settings, arguments.hostile, verdict);
    } else if (app.got_subcommand("rude")) {
        run_rude(settings, arguments.rude, verdict);
    } else if (app.got_subcommand("sessions")) {
        run_sessions(settings, arguments.sessions, verdict);
    } else if (!no_network.empty()) {
        std::cerr << "stress: NOT RUN: links cannot be cut: " << no_network << '\n';
        return kSkipped;
    } else if (app.got_subcommand("groups")) {
        run_groups(arguments.groups, verdict);
    } else if (app.got_subcommand("many")) {
        arguments.many.rest = in_milliseconds(arguments.rest_seconds);
        run_many(arguments.many, verdict);
    } else if (app.got_subcommand("strangers")) {
        arguments.strangers.recorded = in_milliseconds(arguments.record_seconds);
        arguments.strangers.each = in_milliseconds(arguments.stranger_seconds);
        run_strangers(arguments.strangers, verdict);
    } else if (app.got_subcommand("notices")) {
        run_notices(arguments.notices, verdict);
    } else if (app.got_subcommand("firewalls")) {
        arguments.firewalls.closed = in_milliseconds(arguments.firewall_seconds);
        run_firewalls(arguments.firewalls, verdict);
    } else {
        run_members(arguments.members, verdict);
    }
    verdict.note(verdict.passed() ? "passed" : "FAILED");
    return verdict.passed() ? 0 : kFailed;
}

}  // namespace

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    Arguments arguments;
    CLI::App app("Trials of strength for spreadd, each with daemons of its own.", "stress");
    app.require_subcommand(1);
    add_hostile(app, arguments);
    add_rude(app, arguments);
    add_sessions(app, arguments);
    add_members(app, arguments);
    add_groups(app, arguments);
    add_firewalls(app, arguments);
    add_notices(app, arguments);
    add_many(app, arguments);
    add_strangers(app, arguments);
    app.footer(
        "Exit status: 0 fine, 1 a check failed, 2 wrong usage, 3 the program itself failed,\n"
        "77 the trial cannot be run here.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsageError;
    }
    try {
        return run(app, arguments);
    } catch (const std::exception& problem) {
        std::cerr << "stress: " << problem.what() << '\n';
        return kBroken;
    }
}
