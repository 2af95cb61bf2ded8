#include "tools/spbench/options.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include <spdlog/fmt/fmt.h>

#include "client/address.hpp"
#include "command_line/command_line.hpp"
#include "protocol/session_wire.hpp"
#include "tools/spbench/stamp.hpp"
#include "tools/tls_options.hpp"

namespace spread::spbench {

namespace {

constexpr int kUsageError = 2;
constexpr double kSecondsMax = 1e6;
constexpr std::size_t kClientsMax = 65535;  // what a stamp can name

const std::map<std::string, Mode> kModes{{"load", Mode::kLoad},         {"fanout", Mode::kFanout},
                                         {"pingpong", Mode::kPingpong}, {"joins", Mode::kJoins},
                                         {"connects", Mode::kConnects}, {"idle", Mode::kIdle},
                                         {"views", Mode::kViews}};

const std::map<std::string, std::uint32_t> kServices{{"unreliable", protocol::kUnreliableMess},
                                                     {"reliable", protocol::kReliableMess},
                                                     {"fifo", protocol::kFifoMess},
                                                     {"causal", protocol::kCausalMess},
                                                     {"agreed", protocol::kAgreedMess},
                                                     {"safe", protocol::kSafeMess}};

const std::map<std::string, client::IoStyle> kStyles{{"buffered", client::IoStyle::kBuffered},
                                                     {"stock", client::IoStyle::kStock},
                                                     {"simple", client::IoStyle::kStock}};

template <typename T>
std::string names_of(const std::map<std::string, T>& values) {
    std::string out;
    for (const auto& [name, value] : values) {
        out += (out.empty() ? "" : ", ") + name;
    }
    return out;
}

/// Accepts one of the names in `values`; says them all otherwise.
template <typename T>
auto one_of(const std::map<std::string, T>& values) {
    return [&values](const std::string& text) {
        return values.contains(text) ? std::string()
                                     : "\"" + text + "\" is none of " + names_of(values);
    };
}

Nanoseconds from_seconds(double seconds) {
    return static_cast<Nanoseconds>(std::llround(seconds * static_cast<double>(kSecond)));
}

/// What is wrong with options that are each fine for themselves; empty when nothing is.
std::string contradiction(const Options& options) {
    for (const auto& daemon : options.daemons) {
        if (const auto address = client::parse_address(daemon); !address) {
            return address.error().text;
        }
    }
    const bool is_load = options.mode == Mode::kLoad || options.mode == Mode::kFanout;
    const std::size_t senders_in_all =
        options.mode == Mode::kFanout ? options.senders : options.senders * options.daemons.size();
    if (is_load && options.groups > options.receivers) {
        return fmt::format(
            "--groups {} needs as many --receivers, to have one in each group on "
            "every daemon",
            options.groups);
    }
    if (is_load && options.groups > senders_in_all) {
        return fmt::format("--groups {} needs as many senders in all, here are {}", options.groups,
                           senders_in_all);
    }
    if (is_load && options.receivers * options.daemons.size() + senders_in_all > kClientsMax) {
        return fmt::format("at most {} clients in all", kClientsMax);
    }
    if (options.rate > 0 && !is_load) {
        return fmt::format("--rate has no meaning with {}", to_string(options.mode));
    }
    if (options.rate > 0 && options.window > 0) {
        return "--rate (open loop) and --window (closed loop) exclude each other";
    }
    if (options.has_random_arrivals && options.rate == 0) {
        return "--arrivals needs --rate";
    }
    return {};
}

}  // namespace

std::size_t Options::window_or_default() const {
    // Enough to keep a ring busy, and little enough for the queues that daemons grant a client.
    constexpr std::size_t kBytes = 2'000'000;
    constexpr std::size_t kMin = 16;
    constexpr std::size_t kMax = 1000;
    return window > 0 ? window : std::clamp(kBytes / std::max<std::size_t>(payload, 1), kMin, kMax);
}

// Long: one option after the other.
ParsedOptions parse_options(int argc, const char* const* argv) {
    ParsedOptions parsed;
    Options& options = parsed.options;
    std::string mode = "load";
    std::string style = "buffered";
    double duration = 5;
    double warmup = 1;
    double drain = 5;
    options.daemons = {};

    command_line::CommandLine line("Loads Spread daemons over the session wire and measures them.",
                                   "spbench");
    line.version("--version", "spbench (spreadd) " SPREAD_VERSION);
    line.value("MODE", mode,
               "load: senders and receivers on every daemon\n"
               "fanout: one sender in all, many receivers\n"
               "pingpong: round trips between first and last daemon, one at a time\n"
               "joins: clients join and leave\n"
               "connects: clients connect and disconnect\n"
               "idle: clients that are connected and do nothing\n"
               "views: a client per daemon says when which view of its group comes")
        .check(one_of(kModes))
        .show_default();
    line.value("-d,--daemon", options.daemons,
               "Daemon: PORT, PORT@HOST, /path, or any of them behind ns:NAME: for a network "
               "namespace; repeat for each daemon (default 4803)");
    line.value("-S,--senders", options.senders, "Senders per daemon (fanout: in all)")
        .between<std::size_t>(1, kClientsMax)
        .show_default();
    line.value("-R,--receivers", options.receivers, "Receivers per daemon")
        .between<std::size_t>(1, kClientsMax)
        .show_default();
    line.value("-b,--bytes", options.payload, "Payload of a message, bytes")
        .between<std::size_t>(Stamp::kBytes,
                              protocol::kMessageContentMax - protocol::kNameFieldBytes)
        .show_default();
    line.value("--service", options.service_name,
               "unreliable, reliable, fifo, causal, agreed or safe")
        .check(one_of(kServices))
        .show_default();
    line.value("-g,--groups", options.groups,
               "Groups; receivers of each daemon and all senders are dealt out to them")
        .between<std::size_t>(1, 10000)
        .show_default();
    line.value("-w,--window", options.window,
               "Closed loop: messages under way per sender, counted until the slowest receiver "
               "has them (default 16 to 1000, by payload)")
        .between<std::size_t>(1, 1'000'000);
    line.value("--rate", options.rate,
               "Open loop: messages per second of all senders together, whatever the daemons "
               "do; latency counts from the intended time")
        .between(1e-3, 1e9);
    std::string arrivals = "even";
    line.value("--arrivals", arrivals,
               "With --rate: even (senders take turns) or random (at any time, in any order)")
        .one_of({"even", "random"})
        .show_default();
    line.value("-t,--duration", duration, "Seconds to measure")
        .between(0.001, kSecondsMax)
        .show_default();
    line.value("--warmup", warmup, "Seconds of load before the measurement")
        .between(0.0, kSecondsMax)
        .show_default();
    line.value("-m,--messages", options.messages,
               "Messages per sender (round trips, rounds per client) instead of a duration; "
               "all are measured")
        .between<std::uint64_t>(1, 4'000'000'000);
    line.value("--drain-timeout", drain,
               "Seconds without any delivery after which what is missing counts as lost")
        .between(0.001, kSecondsMax)
        .show_default();
    line.value("-c,--clients", options.clients, "joins, connects: clients per daemon")
        .between<std::size_t>(1, kClientsMax)
        .show_default();
    line.value("--members", options.members, "joins: members that stay in each group")
        .between<std::size_t>(0, kClientsMax)
        .show_default();
    line.value("--client", style,
               "buffered: writes gathered, reads of 64 KiB; stock (or simple): many small "
               "reads and writes, as the stock library does")
        .check(one_of(kStyles))
        .show_default();
    const tools::TlsOptions tls(line);
    line.value("--threads", options.threads,
               "Threads of the load (default: as many as daemons, at most as CPUs)")
        .between<std::size_t>(0, 256);
    line.value("--pid", options.watched.pids,
               "Process id of a daemon, for its CPU use; repeat for each daemon");
    line.value("--beside", options.watched.beside,
               "Process id of something else that belongs to the measurement: its CPU use does "
               "not count as that of others");
    line.flag("--count-syscalls", options.watched.counts_syscalls,
              "Count the system calls of the daemons named by --pid; as root");
    line.flag("--check-bodies", options.checks_bodies, "Compare every byte that arrives");
    line.flag("--tolerate-disconnects", options.tolerates_disconnects,
              "Go on when sessions break, and verify the surviving ones; for crash tests");
    line.flag("--json", options.is_json, "Print the result as one JSON object");
    line.flag("-q,--quiet", options.is_quiet, "No progress on standard error");
    line.footer(
        "Exit status: 0 fine, 1 lost or disordered messages, broken sessions or no connection,\n"
        "2 wrong usage.\n"
        "Example: spbench load -d 4803@node1 -d 4803@node2 -b 1350 -t 10 --pid 211 --pid 212\n"
        "         spbench load -d ns:n1:4803@10.0.0.1 -d ns:n2:4803@10.0.0.2 --rate 5000 --json");
    if (const auto ending = line.parse(argc, argv)) {
        parsed.exit_status = command_line::print(*ending);
        return parsed;
    }
    if (options.daemons.empty()) {
        options.daemons = {std::to_string(client::kDefaultPort)};
    }
    options.mode = kModes.at(mode);
    options.style = kStyles.at(style);
    options.tls = tls.chosen();
    options.has_random_arrivals = arrivals == "random";
    options.service = kServices.at(options.service_name);
    options.duration = from_seconds(duration);
    options.warmup = options.messages > 0 ? 0 : from_seconds(warmup);
    options.drain_timeout = from_seconds(drain);
    if (const auto problem = contradiction(options); !problem.empty()) {
        std::cerr << "spbench: " << problem << '\n';
        parsed.exit_status = kUsageError;
    }
    return parsed;
}

std::string_view to_string(Mode mode) {
    switch (mode) {
        case Mode::kLoad: return "load";
        case Mode::kFanout: return "fanout";
        case Mode::kPingpong: return "pingpong";
        case Mode::kJoins: return "joins";
        case Mode::kConnects: return "connects";
        case Mode::kIdle: return "idle";
        case Mode::kViews: return "views";
    }
    return "unknown";
}

std::string_view to_string(client::IoStyle style) {
    return style == client::IoStyle::kBuffered ? "buffered" : "stock";
}

}  // namespace spread::spbench
