#include "tools/spreadctl/command_line.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tools/spreadctl/commands.hpp"
#include "tools/spreadctl/completion.hpp"
#include "tools/spreadctl/doctor.hpp"

namespace spread::spreadctl {
namespace {

constexpr const char* kExamples =
    "Exit status: 0 healthy or done, 1 degraded, different or refused, 2 bad usage, 3 no daemon.\n"
    "\n"
    "Examples:\n"
    "  spreadctl status                     how is the daemon of this host?\n"
    "  spreadctl -s 4804 peers              which port of which daemon is silent?\n"
    "  spreadctl clients --slow             for whom does much wait?\n"
    "  spreadctl events -f                  what happens, and why?\n"
    "  spreadctl -s 10.0.0.2:4805 status    another host's, where AdminListen is set";

constexpr auto kStopPatience = std::chrono::seconds(10);
/// A partition ends after 60 s.
constexpr auto kPartitionRenewal = std::chrono::seconds(25);

std::chrono::milliseconds in_milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// The command line: global options, and a subcommand each of which runs when it was parsed.
class CommandLine {
  public:
    CommandLine();

    [[nodiscard]] int run(const std::vector<std::string>& arguments);

  private:
    void add_global();
    void add_looking();
    void add_watching();
    void add_config();
    void add_steering();
    void add_trying();
    void add_doctor();

    [[nodiscard]] HttpClient client(const std::string& server) const {
        return {server, in_milliseconds(timeout_)};
    }
    [[nodiscard]] Commands commands() const { return {client(server_), json_}; }
    CLI::App* add(CLI::App& parent, const std::string& name, const std::string& help,
                  std::function<int()> action) {
        CLI::App* const command = parent.add_subcommand(name, help);
        command->callback([this, action = std::move(action)] { status_ = action(); });
        return command;
    }

    CLI::App app_{"spreadctl - looks at a running spreadd, and steers it.", "spreadctl"};
    int status_ = kGood;
    // What options set.
    std::string server_ = "4803";
    double timeout_ = 3;
    bool json_ = false;
    Commands::ClientFilter filter_;
    std::string group_;
    std::size_t most_ = 50;
    bool follow_ = false;
    double pause_ = 1;
    std::size_t rounds_ = 0;
    std::size_t expected_ = 0;
    std::string other_;
    std::string level_;
    std::string client_name_;
    std::string reason_;
    bool all_ = false;
    DoctorSettings doctor_;
    double wait_ = 10;
    std::string components_;
    bool keep_ = false;
    std::string window_;
    std::string personal_;
    std::string accelerated_;
    std::string daemon_;
};

CommandLine::CommandLine() {
    app_.set_version_flag("-V,--version", "spreadctl " SPREAD_VERSION, "Show the version and exit");
    app_.footer(kExamples);
    app_.require_subcommand(1);
    app_.fallthrough();
    add_global();
    add_looking();
    add_watching();
    add_config();
    add_steering();
    add_trying();
    add_doctor();
}

void CommandLine::add_global() {
    app_.add_option("-s,--server", server_,
                    "Port of a daemon of this host, path of its control socket, or ADDRESS:PORT "
                    "of its AdminListen (default 4803)")
        ->type_name("SERVER");
    app_.add_option("--timeout", timeout_, "How long to wait for an answer (default 3)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 3600.0));
    app_.add_flag("--json", json_, "Print the daemon's JSON (docs/status.md)");
}

void CommandLine::add_looking() {
    add(app_, "status", "Verdict, ring, who is missing and why, load", [this] {
        return all_ ? commands().status_of_all() : commands().status();
    })->add_flag("--all", all_, "One line for each configured daemon, as each says itself");
    add(app_, "peers", "One line for each configured daemon: what is heard of it, by which port",
        [this] { return commands().peers(); });
    CLI::App* const clients = add(app_, "clients", "Clients of this daemon and what waits for them",
                                  [this] { return commands().clients(filter_); });
    clients->add_option("--sort", filter_.sort, "queue, in, out, groups or name (default queue)")
        ->check(CLI::IsMember({"queue", "in", "out", "groups", "name"}));
    clients->add_flag("--slow", filter_.only_slow, "Only those for which much waits");
    add(app_, "groups", "All groups, or the members of one", [this] {
        return commands().groups(group_);
    })->add_option("NAME", group_, "A group");
    add(app_, "check", "For monitoring plugins: one line; 0 ok, 1 warning, 2 critical, 3 unknown",
        [this] { return commands().check(expected_); })
        ->add_option("--expect", expected_, "Daemons wanted in the ring (default: all configured)");
}

void CommandLine::add_doctor() {
    CLI::App* const doctor =
        add(app_, "doctor", "File, names, ports, limits, and the ways to the other hosts", [this] {
            doctor_.patience = in_milliseconds(wait_);
            const auto findings = examine(doctor_, client(server_));
            std::fputs((json_ ? findings_json(findings) : findings_text(findings)).c_str(), stdout);
            return is_any_bad(findings) ? kBad : kGood;
        });
    doctor->add_option("-c", doctor_.config_file, "The configuration file")->type_name("FILE");
    doctor->add_option("-n", doctor_.name, "Which daemon of it this host is")->type_name("NAME");
    doctor->add_option("--wait", wait_, "How long to wait for doctors of other hosts (default 10)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 3600.0));
    doctor->footer(
        "Where the daemon runs it is asked. Where daemons are stopped, run doctor on all hosts at\n"
        "the same time: they try every port between each other, both ways.");
    CLI::App* const completion = app_.add_subcommand("completion", "What a shell can complete");
    completion->require_subcommand(1);
    add(*completion, "bash", "For bash: eval \"$(spreadctl completion bash)\"", [this] {
        std::fputs(bash_completion(app_).c_str(), stdout);
        return kGood;
    });
}

void CommandLine::add_watching() {
    CLI::App* const events = add(app_, "events", "What happened to ring and clients, and why",
                                 [this] { return commands().events(most_, follow_); });
    events->add_option("-n", most_, "How many at most (default 50)")->type_name("NUMBER");
    events->add_flag("-f", follow_, "Go on with what comes");
    CLI::App* const top = add(app_, "top", "Status, peers and clients, renewed all the time",
                              [this] { return commands().top(in_milliseconds(pause_), rounds_); });
    top->add_option("-d", pause_, "Seconds between two looks (default 1)")
        ->check(CLI::Range(0.1, 3600.0));
    top->add_option("-n", rounds_, "How many looks (default: until interrupted)");
}

void CommandLine::add_config() {
    CLI::App* const config = app_.add_subcommand("config", "The options in force");
    config->require_subcommand(1);
    add(*config, "show", "Each option, its value and where that comes from",
        [this] { return commands().config_show(); });
    add(*config, "hash", "The hash that all daemons of a ring share",
        [this] { return commands().config_hash(); });
    add(*config, "diff", "What another daemon's configuration has otherwise; 1 if anything",
        [this] { return commands().config_diff(client(other_)); })
        ->add_option("SERVER", other_, "The other daemon, as for -s")
        ->required();
}

void CommandLine::add_steering() {
    CLI::App* const log = app_.add_subcommand("log", "Steer the log");
    log->require_subcommand(1);
    add(*log, "level", "Least important lines to show, until the restart",
        [this] { return commands().change("/log/level?level=" + encoded(level_)); })
        ->add_option("LEVEL", level_, "debug, info, warning, error or critical")
        ->required();
    add(*log, "reopen", "Open the log file anew, after a rotation",
        [this] { return commands().change("/log/reopen"); });
    CLI::App* const kick = add(app_, "kick", "End a client's session", [this] {
        return commands().change("/kick?client=" + encoded(client_name_) +
                                 "&reason=" + encoded(reason_));
    });
    kick->add_option("CLIENT", client_name_, "Its private name, #USER#DAEMON")->required();
    kick->add_option("--reason", reason_, "For log and history");
    add(app_, "reload", "Read the access files again",
        [this] { return commands().change("/reload"); });
    add(app_, "leave", "Leave the ring and stop, as stop does, without waiting",
        [this] { return commands().change("/stop"); });
    add(app_, "stop", "Leave the ring and stop; waits until it is gone",
        [this] { return commands().stop(kStopPatience); });
}

void CommandLine::add_trying() {
    CLI::App* const partition =
        add(app_, "partition",
            "Have components not hear each other for 60 s, to try what happens then", [this] {
                const std::string target = "/partition?components=" + encoded(components_);
                return keep_ ? commands().keep_changing(target, kPartitionRenewal)
                             : commands().change(target);
            });
    partition
        ->add_option("COMPONENTS", components_,
                     "Names with a slash between components: \"n1 n2 / n3\"")
        ->required();
    partition->add_flag("--keep", keep_, "Renew it every 25 s until interrupted");
    add(app_, "heal", "End a partition", [this] { return commands().change("/heal"); });
    CLI::App* const flow =
        add(app_, "flow-control", "Set windows of the ring's daemons, until they restart", [this] {
            return commands().change(
                "/flow-control?window=" + encoded(window_) + "&personal=" + encoded(personal_) +
                "&accelerated=" + encoded(accelerated_) + "&daemon=" + encoded(daemon_));
        });
    const auto packets = [flow](const char* name, std::string& target, const char* help) {
        flow->add_option(name, target, help)->type_name("PACKETS")->check(CLI::Range(0, 32767));
    };
    packets("--window", window_, "All daemons together, in a rotation of the token");
    packets("--personal", personal_, "One daemon, in a rotation");
    packets("--accelerated", accelerated_, "Of these, how many follow the token");
    flow->add_option("--daemon", daemon_,
                     "Whose personal and accelerated window (default: those of all)");
    for (CLI::App* const each : {partition, flow}) {
        each->footer("Needs DangerousMonitor = true in the configuration of all daemons.");
    }
}

int CommandLine::run(const std::vector<std::string>& arguments) {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app_.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app_.help().c_str(), stdout);
        return kGood;
    } catch (const CLI::CallForVersion& version) {
        std::printf("%s\n", version.what());
        return kGood;
    } catch (const CLI::ParseError& error) {
        std::string text = error.what();
        std::replace(text.begin(), text.end(), '\n', ' ');
        std::fprintf(stderr, "spreadctl: %s (see spreadctl --help)\n", text.c_str());
        return kUsage;
    } catch (const Unreachable& error) {
        std::fprintf(stderr, "spreadctl: %s\n", error.what());
        return kNoDaemon;
    }
    return status_;
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
    return CommandLine().run(arguments);
}

}  // namespace spread::spreadctl
