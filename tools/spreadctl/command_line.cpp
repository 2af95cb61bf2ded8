#include "tools/spreadctl/command_line.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "config/text.hpp"
#include "tools/spreadctl/bundle.hpp"
#include "tools/spreadctl/commands.hpp"
#include "tools/spreadctl/completion.hpp"
#include "tools/spreadctl/doctor.hpp"
#include "tools/spreadctl/key_commands.hpp"
#include "tools/spreadctl/ring_key.hpp"
#include "tools/spreadctl/times.hpp"
#include "tools/spreadctl/trace.hpp"

namespace spread::spreadctl {
namespace {

constexpr const char* kExamples =
    "Exit status: 0 healthy or done, 1 degraded, different or refused, 2 bad usage, 3 no daemon;\n"
    "that of check is its own.\n"
    "\n"
    "Examples:\n"
    "  spreadctl status                     how is the daemon of this host?\n"
    "  spreadctl -s 4804 peers              which port of which daemon is silent?\n"
    "  spreadctl clients --slow             for whom does much wait?\n"
    "  spreadctl events -f                  what happens, and why?\n"
    "  spreadctl config diff                do the configurations differ?\n"
    "  spreadctl doctor                     what is wrong with file, names, limits, ports?\n"
    "  spreadctl -s 10.0.0.2:4805 status    another host's, where AdminListen is set";

struct Footer {
    const char* command;
    const char* text;
};
constexpr std::array kFooters{
    Footer{"status",
           "Exit status: 0 healthy, 1 not, 3 no daemon.\n"
           "Example: spreadctl status --all        each daemon's own verdict"},
    Footer{
        "peers",
        "HEARD ON: when a packet of that daemon came here last, by its data port, by multicast\n"
        "and by its token port. HEARS US ON: the same, as that daemon says. LOST: packets of the\n"
        "last minute that had to be asked for, from it and by it."},
    Footer{
        "clients",
        "IN, OUT: messages so far. QUEUE: what the daemon keeps for a client. SOCKET: what waits\n"
        "in the kernel, before the queue begins to grow.\n"
        "Example: spreadctl clients --sort queue --group room"},
    Footer{"groups", "Example: spreadctl groups --sort rate    which groups are busy?"},
    Footer{"events",
           "Times are in UTC. A second peer_missing of one daemon says more of the same loss.\n"
           "Examples: spreadctl events --since 10m; spreadctl events --all"},
    Footer{"ready", "Example: spreadctl ready --expect 2     not while the daemon is alone"},
    Footer{"check",
           "Exit status: 0 ok, 1 warning, 2 critical, 3 unknown.\n"
           "Example: spreadctl check --expect 3"},
    Footer{
        "kick",
        "What waits for the client may be lost; it may connect again at once: ban keeps it out.\n"
        "Example: spreadctl kick '#billing#node1' --reason 'stuck for an hour'"},
};

constexpr std::size_t kSomeEvents = 50;
constexpr std::size_t kAllEvents = 1000;  // a daemon keeps no more
constexpr auto kStopPatience = std::chrono::seconds(10);
/// A partition ends after 60 s.
constexpr auto kPartitionRenewal = std::chrono::seconds(25);

std::chrono::milliseconds in_milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::string time_error(const std::string& text) {
    return seconds_of(text) ? std::string() : "a time is 30s, 10m, 2h or 7d";
}

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) {
        throw Unreachable("cannot read " + path);
    }
    return line;
}

/// The command line: global options, and a subcommand each of which runs when it was parsed.
class CommandLine {
  public:
    CommandLine();

    [[nodiscard]] int run(const std::vector<std::string>& arguments);

  private:
    void add_global();
    void add_looking();
    void add_probes();
    void add_watching();
    void add_config();
    void add_steering();
    void add_trying();
    void add_doctor();
    void add_key();
    void add_key_changes(CLI::App& key);
    void add_trace();

    [[nodiscard]] std::string meant_by(const std::vector<std::string>& arguments) const;
    [[nodiscard]] HttpClient client(const std::string& server) const {
        return {server, in_milliseconds(timeout_),
                token_file_.empty() ? std::string() : first_line(token_file_)};
    }
    [[nodiscard]] std::string bundle_file() const {
        return bundle_file_.empty() ? fmt::format("spread-bundle-{:%Y%m%dT%H%M%S}.tar",
                                                  fmt::gmtime(std::time(nullptr)))
                                    : bundle_file_;
    }
    [[nodiscard]] Commands commands() const { return {client(server_), json_}; }
    [[nodiscard]] int events_since() const {
        const auto since = moment_of(since_, std::chrono::system_clock::now());
        if (all_) {
            return commands().events_of_all(most_.value_or(since ? kAllEvents : kSomeEvents),
                                            since.value_or(std::string()));
        }
        return commands().events(most_.value_or(since ? kAllEvents : kSomeEvents), follow_,
                                 since.value_or(std::string()));
    }
    [[nodiscard]] KeyCommands keys() const {
        return {client(server_), in_milliseconds(key_wait_), json_};
    }
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
    std::string token_file_;
    std::string ban_time_;
    std::string drain_time_ = "30s";
    bool json_ = false;
    Commands::ClientFilter filter_;
    std::string group_;
    std::string group_sort_ = "name";
    std::optional<std::size_t> most_;
    std::string since_;
    bool follow_ = false;
    double pause_ = 1;
    std::size_t rounds_ = 0;
    std::size_t expected_ = 0;
    double age_max_ = 0;
    std::vector<std::string> others_;
    bool only_set_ = false;
    std::string level_;
    std::string client_name_;
    std::string reason_;
    bool all_ = false;
    std::vector<std::string> servers_;
    std::string bundle_file_;
    std::string offline_;
    std::string trace_file_;
    DoctorSettings doctor_;
    KeyNewSettings key_;
    std::string key_id_;
    std::string drop_;
    double key_wait_ = 30;
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
    app_.require_subcommand(1);
    app_.fallthrough();
    add_global();
    add_looking();
    add_probes();
    add_watching();
    add_config();
    add_steering();
    add_trying();
    add_doctor();
    add_key();
    add_trace();
    app_.footer(kExamples);  // last: subcommands would have it, too
    for (const Footer& each : kFooters) {
        app_.get_subcommand(each.command)->footer(each.text);
    }
}

void CommandLine::add_global() {
    app_.add_option("-s,--server", server_,
                    "Port of a daemon of this host, path of its control socket, or ADDRESS:PORT "
                    "of its AdminListen (default 4803)")
        ->type_name("SERVER")
        ->take_last();
    app_.add_option("--timeout", timeout_, "How long to wait for an answer (default 3)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 3600.0));
    app_.add_option("--token-file", token_file_,
                    "The daemon's AdminTokenFile, for changes at its AdminListen")
        ->type_name("FILE");
    app_.add_flag("--json", json_, "Print the daemon's JSON (docs/status.md)");
}

void CommandLine::add_looking() {
    add(app_, "status", "Verdict, ring, who is missing and why, load", [this] {
        return all_ ? commands().status_of_all() : commands().status();
    })->add_flag("--all", all_, "One line for each configured daemon, as each says itself");
    add(app_, "peers", "One line for each configured daemon: what is heard from it, on which port",
        [this] { return commands().peers(); });
    CLI::App* const clients = add(app_, "clients", "Clients of this daemon and what waits for them",
                                  [this] { return commands().clients(filter_); });
    clients->add_option("--sort", filter_.sort, "queue, in, out, groups or name (default queue)")
        ->check(CLI::IsMember({"queue", "in", "out", "groups", "name"}));
    clients->add_flag("--slow", filter_.only_slow, "Only those for which much waits");
    clients->add_option("--group", filter_.group, "Only members of this group")->type_name("GROUP");
    CLI::App* const groups = add(app_, "groups", "All groups, or the members of one",
                                 [this] { return commands().groups(group_, group_sort_); });
    groups->add_option("NAME", group_, "A group");
    groups
        ->add_option("--sort", group_sort_,
                     "name, members, or rate, which looks for a second (default name)")
        ->check(CLI::IsMember({"name", "members", "rate"}));
}

void CommandLine::add_probes() {
    add(app_, "ready", "Exits with 0 while clients are served by a ring, else 1 and why", [this] {
        return commands().ready(std::max<std::size_t>(expected_, 1));
    })->add_option("--expect", expected_, "Daemons wanted in the ring (default: 1)");
    add(app_, "alive", "Exits with 0 while the daemon does its work, however its ring is",
        [this] { return commands().alive(); });
    CLI::App* const check =
        add(app_, "check",
            "For monitoring plugins: one line; 0 ok, 1 warning, 2 critical, 3 unknown", [this] {
                return commands().check(
                    expected_, age_max_ > 0 ? std::optional(std::chrono::duration<double>(age_max_))
                                            : std::nullopt);
            });
    check->add_option("--expect", expected_,
                      "Daemons wanted in the ring (default: all configured)");
    check
        ->add_option("--max-age", age_max_,
                     "How old what the ring says of itself may be; it says so four times a second")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.5, 3600.0));
}

void CommandLine::add_key() {
    CLI::App* const key = app_.add_subcommand("key", "Keys of a sealed ring (RingKeyFile)");
    key->require_subcommand(1);
    CLI::App* const made =
        add(*key, "new", "Write a file with a new key", [this] { return key_new(key_); });
    made->add_option("FILE", key_.file, "Where it goes; only its owner can read it")->required();
    made->add_flag("--add", key_.add, "Add another key to a file that is there, to be used later");
    made->add_flag("--passphrase", key_.passphrase,
                   "Make the key of a line of standard input, the same on every host");
    made->footer("Give the same file to all daemons of the ring: docs/security.md.");
    add(*key, "list", "Ids and roles of the keys in a file, or of all daemons of the ring", [this] {
        return key_.file.empty() ? keys().list() : key_list(key_.file);
    })->add_option("FILE", key_.file, "The file; default: ask the daemon");
    add_key_changes(*key);
}

void CommandLine::add_key_changes(CLI::App& key) {
    CLI::App* const rotate =
        add(key, "rotate", "A new key for all daemons of the ring, while it runs",
            [this] { return keys().rotate(); });
    CLI::App* const install = add(key, "install", "Give the keys of a file to all daemons",
                                  [this] { return keys().install(key_.file); });
    install->add_option("FILE", key_.file, "As key new writes it")->required();
    CLI::App* const use = add(key, "use", "All daemons seal with this key from now on",
                              [this] { return keys().use(key_id_); });
    CLI::App* const remove = add(key, "remove", "All daemons give this key up",
                                 [this] { return keys().remove(key_id_, drop_); });
    for (CLI::App* const each : {use, remove}) {
        each->add_option("KEY", key_id_, "Its eight digits")->required();
    }
    remove->add_option("--drop", drop_, "Daemons that are away, and get the key file by hand")
        ->type_name("NAME,...");
    for (CLI::App* const each : {rotate, install, use, remove}) {
        each->add_option("--wait", key_wait_, "How long to wait until it is done (default 30)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0.0, 3600.0));
    }
    rotate->footer(
        "Exit status 4: the new key is in use, and the old one stays until all configured daemons\n"
        "are there. A key that has leaked is changed by hand: docs/security.md.");
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
    CLI::App* const bundle = add(
        app_, "bundle",
        "All that the daemons know of themselves, as one archive; --offline explains it", [this] {
            if (!offline_.empty()) {
                return explain_bundle(offline_, json_);
            }
            return make_bundle({server_, servers_, bundle_file(),
                                [this](const std::string& server) { return client(server); },
                                doctor_});
        });
    bundle->add_option("-c", doctor_.config_file, "The configuration file, for doctor.txt")
        ->type_name("FILE");
    bundle->add_option("-n", doctor_.name, "Which daemon of it this host is")->type_name("NAME");
    bundle->add_option("-o", bundle_file_, "Where it goes (default spread-bundle-TIME.tar)")
        ->type_name("FILE");
    bundle->add_option("--offline", offline_, "Explain a bundle: one timeline of all its daemons")
        ->type_name("FILE");
    bundle->add_option("SERVER", servers_, "Further daemons to ask, as for -s");
    bundle->footer(
        "Other daemons are asked at their addresses and the port of this one's AdminListen, and\n"
        "as SERVERs. Names of clients and groups are in it; passwords and tokens are not.");
    CLI::App* const completion = app_.add_subcommand("completion", "What a shell can complete");
    completion->require_subcommand(1);
    add(*completion, "bash", "For bash: eval \"$(spreadctl completion bash)\"", [this] {
        std::fputs(bash_completion(app_).c_str(), stdout);
        return kGood;
    });
}

void CommandLine::add_trace() {
    CLI::App* const trace =
        app_.add_subcommand("trace", "What the ring did last, event by event (flight recorder)");
    trace->require_subcommand(1);
    add(*trace, "dump", "The last 65536 events of a daemon", [this] {
        return dump_trace(client(server_), trace_file_);
    })->add_option("FILE", trace_file_, "Keep the recording here (default: print its lines)");
    add(*trace, "show", "The lines of a recording in a file",
        [this] { return show_trace(trace_file_); })
        ->add_option("FILE", trace_file_,
                     "Of trace dump, a bundle, or a daemon's state directory (*.flight)")
        ->required();
    trace->footer(
        "A daemon that ends by a fatal signal leaves daemon-ID.crash.flight in its state "
        "directory.");
}

void CommandLine::add_watching() {
    CLI::App* const events = add(app_, "events", "What happened to ring and clients, and why",
                                 [this] { return events_since(); });
    events->add_option("-n", most_, "How many at most (default 50, with --since all)")
        ->type_name("NUMBER");
    events
        ->add_option("--since", since_,
                     "None older than this: 10m ago, or a time as it is shown, in UTC: 03:00, "
                     "2026-03-01 03:00:00")
        ->type_name("TIME")
        ->check([](const std::string& text) {
            return moment_of(text, std::chrono::system_clock::now())
                       ? std::string()
                       : std::string("a time is 10m, 03:00 or 2026-03-01 03:00:00");
        });
    CLI::Option* const follow = events->add_flag("-f", follow_, "Go on with what comes");
    events
        ->add_flag("--all", all_,
                   "Of all configured daemons, each asked as by config diff, in the order of their "
                   "hosts' clocks")
        ->excludes(follow);
    CLI::App* const top = add(app_, "top", "Status, peers and clients, renewed all the time",
                              [this] { return commands().top(in_milliseconds(pause_), rounds_); });
    top->add_option("-d", pause_, "Seconds between two looks (default 1)")
        ->check(CLI::Range(0.1, 3600.0));
    top->add_option("-n", rounds_, "How many looks (default: until interrupted)");
}

void CommandLine::add_config() {
    CLI::App* const config = app_.add_subcommand("config", "The options in force");
    config->require_subcommand(1);
    add(*config, "show", "Each option, where its value comes from, and the value", [this] {
        return commands().config_show(only_set_);
    })->add_flag("--set", only_set_, "Only those that are not at their defaults");
    add(*config, "hash", "The hash that all daemons of a ring share",
        [this] { return commands().config_hash(); });
    CLI::App* const diff =
        add(*config, "diff", "How the configurations of other daemons differ from this one's",
            [this] { return commands().config_diff(others_, all_); });
    diff->add_option("OTHER", others_,
                     "Names of daemons, servers as for -s, configuration files, or what spreadctl "
                     "--json config show printed (-: standard input); default: all other daemons");
    diff->add_flag("--all", all_, "Also what each host may choose for itself");
    diff->footer(
        "Exit status: 1 when something differs that must be the same on all daemons (with --all:\n"
        "anything), 3 when nothing is known to differ, but a daemon could not be asked. Others "
        "are\n"
        "asked at control sockets of this host, else at their addresses and the port of this\n"
        "daemon's AdminListen.\n"
        "\n"
        "Examples:\n"
        "  spreadctl config diff                 with all other daemons\n"
        "  spreadctl config diff node2\n"
        "  ssh node2 spreadctl --json config show | spreadctl config diff -");
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
    CLI::App* const ban =
        add(app_, "ban", "Keep clients out for a while; ends their sessions", [this] {
            return commands().change(fmt::format("/ban?client={}&seconds={}&reason={}",
                                                 encoded(client_name_),
                                                 seconds_of(ban_time_)->count(), encoded(reason_)));
        });
    ban->add_option("CLIENT", client_name_,
                    "#USER#DAEMON, a user name, login:NAME, or an address or network")
        ->required();
    ban->add_option("TIME", ban_time_, "30s, 10m, 2h or 7d")->required()->check(time_error);
    ban->add_option("--reason", reason_, "For log, history and whoever lists bans");
    ban->footer(
        "Of this daemon, until it restarts. NAME may have * and ?; user:NAME and address:ADDRESS\n"
        "say which is meant.");
    add(app_, "unban", "End a ban",
        [this] { return commands().change("/unban?client=" + encoded(client_name_)); })
        ->add_option("CLIENT", client_name_, "As it was given to ban, or as bans shows it")
        ->required();
    add(app_, "bans", "Who is kept out, for how long, and how often they came",
        [this] { return commands().bans(); });
    add(app_, "reload", "Read access files, keys and certificates again, as SIGHUP does",
        [this] { return commands().change("/reload"); });
    add(app_, "leave", "Leave the ring and stop, as stop does, without waiting",
        [this] { return commands().change("/stop"); });
    add(app_, "stop", "Leave the ring and stop; waits until it is gone",
        [this] { return commands().stop("/stop", kStopPatience); });
    add(app_, "drain", "Take no new clients, and stop when all have gone; waits until it is gone",
        [this] {
            const auto patience = *seconds_of(drain_time_);
            return commands().stop(fmt::format("/drain?seconds={}", patience.count()),
                                   patience + kStopPatience);
        })
        ->add_option("TIME", drain_time_, "When it stops at the latest: 30s (default), 10m, 2h")
        ->check(time_error);
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

/// "; did you mean 'status'?" for a command that is none.
std::string CommandLine::meant_by(const std::vector<std::string>& arguments) const {
    std::vector<std::string> names;
    for (const CLI::App* const each : app_.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(each->get_name());
    }
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    for (const std::string& word : arguments) {
        if (std::string meant = config::did_you_mean(word, candidates); !meant.empty()) {
            return meant;
        }
    }
    return {};
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
        if (app_.get_subcommands().empty()) {
            text += meant_by(arguments);
        }
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
