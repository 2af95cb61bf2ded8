#include "tests/chaos/cluster.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::chaos {
namespace {

constexpr auto kStopPatience = std::chrono::seconds(20);
/// What a shell says of a process that SIGTERM ended.
constexpr int kKilledByTerm = 128 + 15;
constexpr std::size_t kSegmentsMax = 3;

std::string outer_interface(std::size_t host) {
    return "lab" + std::to_string(host);
}

std::string inner_interface(std::size_t host) {
    return outer_interface(host) + "in";
}

/// Slower than the daemon's own, nearer to what people run over longer distances.
constexpr const char* kSlowTimeouts =
    "TokenTimeout = 1250\nHurryTimeout = 500\nAliveTimeout = 250\nJoinTimeout = 250\n"
    "RepTimeout = 625\nSegTimeout = 500\nGatherTimeout = 1250\nFormTimeout = 1250\n"
    "LookupTimeout = 2500\n";

bool names_event(const std::string& line) {
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    return parsed.is_object() && parsed.contains("event") && parsed["event"].is_string();
}

}  // namespace

std::string Cluster::configuration(protocol::Rng& rng) {
    const std::size_t segments =
        rng.chance(1, 2) ? 1 : 1 + rng.below(std::min(kSegmentsMax, hosts_.size()));
    const bool slow = rng.chance(1, 4);
    const std::uint64_t queue = rng.chance(1, 2) ? 200 : 1000;
    logs_json_ = rng.chance(1, 2);
    std::ostringstream text;
    std::size_t next = 0;
    for (std::size_t segment = 0; segment < segments; ++segment) {
        const std::size_t end = hosts_.size() * (segment + 1) / segments;
        const std::uint16_t port = support::pick_port();
        text << "Spread_Segment " << support::NetworkLab::broadcast() << ':' << port << " {\n";
        for (; next < end; ++next) {
            const std::string address = support::NetworkLab::address(next);
            text << "    " << name(next) << ' ' << address << " { " << address << " }\n";
            hosts_[next].port = port;
        }
        text << "}\n";
    }
    text << "DebugFlags = { EXIT PRINT CONFIGURATION MEMBERSHIP SESSION NETWORK }\n"
         << "EventTimeStamp = \"%s\"\nEventPreciseTimeStamp\n"
         << "MaxSessionMessages = " << queue << '\n'
         << (logs_json_ ? "LogFormat = json\n" : "") << (slow ? kSlowTimeouts : "");
    description_ = std::to_string(segments) + (segments == 1 ? " segment, " : " segments, ") +
                   (slow ? "slow" : "default") + " timeouts, client queues of " +
                   std::to_string(queue) + (logs_json_ ? ", logs of JSON" : "");
    return text.str();
}

Cluster::Cluster(std::size_t daemons, const std::filesystem::path& directory, std::uint64_t seed,
                 std::uint64_t hidden)
    : lab_(daemons), hosts_(daemons), rings_(hidden), recordings_(directory / "rings") {
    std::filesystem::create_directories(recordings_);
    protocol::Rng rng(seed);
    // The emulator takes the place of the bridge.
    support::run_command({"ip", "link", "delete", "lab"});
    std::vector<std::string> interfaces;
    for (std::size_t i = 0; i < daemons; ++i) {
        interfaces.push_back(outer_interface(i));
        forbid_long_frames(i);
    }
    links_ = std::make_unique<LinkEmulator>(interfaces, rng.next());

    start_all(directory, rng);
}

void Cluster::start_all(const std::filesystem::path& directory, protocol::Rng& rng) {
    const auto file = directory / "spread.conf";
    std::ofstream(file) << configuration(rng);
    // A sanitizer's library wants to be the first.
    const bool can_be_harmed = std::getenv("SPREAD_TEST_DAEMON") == nullptr;
    for (std::size_t i = 0; i < size(); ++i) {
        Host& host = hosts_[i];
        host.directory = directory / name(i);
        host.has_good_disk = rng.chance(1, 2);
        std::filesystem::create_directories(host.directory);
        support::DaemonSpec spec{.name = name(i),
                                 .address = support::NetworkLab::address(i),
                                 .network_namespace = lab_.namespace_of(i),
                                 .arguments = {"--flight-file", recording_of(i)}};
        if (can_be_harmed) {
            const auto harm = directory / (name(i) + ".harm");
            host.harm = std::make_unique<HostHarmFile>(harm);
            spec.environment = {std::string("LD_PRELOAD=") + SPREAD_CHAOS_HARM_LIBRARY,
                                std::string(kHostHarmVariable) + "=" + harm.string()};
        }
        host.process = std::make_unique<support::DaemonProcess>(support::DaemonKind::kOurs, spec,
                                                                file, host.port, host.directory);
    }
    for (std::size_t i = 0; i < size(); ++i) {
        hosts_[i].process->wait_listening();
        rings_.begin_life(i, recording_of(i));
    }
}

std::filesystem::path Cluster::recording_of(std::size_t daemon) const {
    return recordings_ / fmt::format("{}.{}.flight", name(daemon), hosts_[daemon].life);
}

/// Frames as long as they are on a real wire: the emulator's luck is drawn per frame.
void Cluster::forbid_long_frames(std::size_t daemon) {
    support::run_command({"ip", "link", "set", inner_interface(daemon), "gso_max_segs", "1"},
                         lab_.namespace_of(daemon));
}

std::string Cluster::name(std::size_t daemon) {
    return "d" + std::to_string(daemon + 1);
}

std::string Cluster::unix_address(std::size_t daemon) const {
    return hosts_[daemon].process->unix_socket().string();
}

std::string Cluster::tcp_address(std::size_t daemon) const {
    return std::to_string(hosts_[daemon].port) + "@" + support::NetworkLab::address(daemon);
}

bool Cluster::serves(std::size_t daemon) const {
    const Host& host = hosts_[daemon];
    return host.state == State::kRunning && host.is_interface_up && host.has_interface;
}

bool Cluster::runs(std::size_t daemon) const {
    const State state = hosts_[daemon].state;
    return state == State::kRunning || state == State::kPaused;
}

bool Cluster::is_lost(std::size_t daemon, std::uint32_t life) {
    Host& host = hosts_[daemon];
    check_process(daemon);
    return host.life != life || host.state == State::kLeaving || host.state == State::kGone;
}

bool Cluster::crash(std::size_t daemon) {
    Host& host = hosts_[daemon];
    check_process(daemon);
    if (host.state == State::kGone) {
        return false;
    }
    host.state = State::kGone;
    host.process->crash();
    return true;
}

bool Cluster::ask_to_stop(std::size_t daemon) {
    Host& host = hosts_[daemon];
    check_process(daemon);
    if (host.state != State::kRunning) {
        return false;
    }
    read_log(daemon);
    host.state = State::kLeaving;
    host.asked_to_stop = Clock::now();
    host.process->process().signal(SIGTERM);
    return true;
}

bool Cluster::pause(std::size_t daemon) {
    Host& host = hosts_[daemon];
    check_process(daemon);
    if (host.state != State::kRunning) {
        return false;
    }
    host.state = State::kPaused;
    host.process->process().signal(SIGSTOP);
    return true;
}

bool Cluster::resume(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (host.state != State::kPaused) {
        return false;
    }
    host.state = State::kRunning;
    host.process->process().signal(SIGCONT);
    return true;
}

bool Cluster::restart(std::size_t daemon, bool keeps_state) {
    Host& host = hosts_[daemon];
    // Without its address it would not start.
    if (host.state != State::kGone || !host.is_interface_up || !host.has_interface || violation_) {
        return false;
    }
    if (!keeps_state && !host.has_good_disk) {
        for (const auto& entry : std::filesystem::directory_iterator(host.directory)) {
            if (entry.is_regular_file() && entry.path().extension() != ".log") {
                std::filesystem::remove(entry.path());
            }
        }
    }
    rings_.read();
    ++host.life;
    host.has_few_files = false;
    host.process->set_arguments({"--flight-file", recording_of(daemon)});
    host.process->restart();
    rings_.begin_life(daemon, recording_of(daemon));
    host.is_ready = false;
    host.state = State::kRunning;
    return true;
}

bool Cluster::plug(std::size_t daemon, bool in) {
    Host& host = hosts_[daemon];
    if (host.is_plugged == in || !host.has_interface) {
        return false;
    }
    support::run_command({"ip", "link", "set", outer_interface(daemon), in ? "up" : "down"});
    host.is_plugged = in;
    return true;
}

bool Cluster::set_interface(std::size_t daemon, bool up) {
    Host& host = hosts_[daemon];
    if (host.is_interface_up == up || !host.has_interface) {
        return false;
    }
    support::run_command({"ip", "link", "set", inner_interface(daemon), up ? "up" : "down"},
                         lab_.namespace_of(daemon));
    host.is_interface_up = up;
    return true;
}

bool Cluster::remove_interface(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (!host.has_interface || !host.is_interface_up || !host.is_plugged) {
        return false;
    }
    lab_.remove_interface(daemon);
    host.has_interface = false;
    return true;
}

bool Cluster::add_interface(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (host.has_interface) {
        return false;
    }
    lab_.add_interface(daemon, support::NetworkLab::Outside::kLoose);
    forbid_long_frames(daemon);
    links_->reopen(daemon, outer_interface(daemon));
    host.has_interface = true;
    return true;
}

bool Cluster::filter(std::size_t daemon, const std::string& rule) {
    Host& host = hosts_[daemon];
    if (host.is_filtered) {
        return false;
    }
    lab_.filter(daemon, rule);
    host.is_filtered = true;
    return true;
}

bool Cluster::clear_filter(std::size_t daemon) {
    if (!hosts_[daemon].is_filtered) {
        return false;
    }
    lab_.clear_filters(daemon);
    hosts_[daemon].is_filtered = false;
    return true;
}

bool Cluster::step_clock(std::size_t daemon, std::chrono::seconds by) {
    Host& host = hosts_[daemon];
    if (host.harm == nullptr || (by < by.zero() && !host.has_good_disk)) {
        return false;
    }
    (*host.harm)->clock_ns += std::chrono::nanoseconds(by).count();
    return true;
}

bool Cluster::fail_disk(std::size_t daemon, int error) {
    Host& host = hosts_[daemon];
    if (host.harm == nullptr || host.has_good_disk) {
        return false;
    }
    return (*host.harm)->disk_errno.exchange(error) != error;
}

bool Cluster::limit_files(std::size_t daemon, bool on) {
    Host& host = hosts_[daemon];
    check_process(daemon);
    // While it starts it needs them, and may say so and end.
    if (host.has_few_files == on || !runs(daemon) || (on && !host.is_ready)) {
        return false;
    }
    const pid_t process = host.process->process().pid();
    rlimit limit{};
    if (prlimit(process, RLIMIT_NOFILE, nullptr, &limit) != 0) {
        return false;
    }
    const auto files = std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", process));
    limit.rlim_cur =
        on ? static_cast<rlim_t>(std::distance(begin(files), end(files))) : limit.rlim_max;
    host.has_few_files = on;
    return prlimit(process, RLIMIT_NOFILE, &limit, nullptr) == 0;
}

bool Cluster::reload(std::size_t daemon) {
    check_process(daemon);
    // Before it is ready, the signal ends it.
    if (hosts_[daemon].state != State::kRunning || !hosts_[daemon].is_ready) {
        return false;
    }
    hosts_[daemon].process->process().signal(SIGHUP);
    return true;
}

std::uint64_t Cluster::refused_writes() const {
    std::uint64_t sum = 0;
    for (const Host& host : hosts_) {
        sum += host.harm == nullptr ? 0 : (*host.harm)->refused.load();
    }
    return sum;
}

void Cluster::mend(std::size_t daemon) {
    Host& host = hosts_[daemon];
    fail_disk(daemon, 0);
    limit_files(daemon, false);
    add_interface(daemon);
    clear_filter(daemon);
    plug(daemon, true);
    set_interface(daemon, true);
    resume(daemon);
    if (host.state == State::kLeaving) {
        support::wait_until(
            name(daemon) + " to stop",
            [&] {
                check_process(daemon);
                return host.state == State::kGone || violation_.has_value();
            },
            2 * kStopPatience);
    }
    restart(daemon, true);
}

void Cluster::tick() {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        check_process(i);
        read_log(i);
    }
    rings_.read();
}

void Cluster::check_process(std::size_t daemon) {
    Host& host = hosts_[daemon];
    if (host.state == State::kGone) {
        return;
    }
    if (host.process->process().is_running()) {
        if (host.state == State::kLeaving && Clock::now() - host.asked_to_stop > kStopPatience &&
            !violation_) {
            violation_ = {"D2", name(daemon) + " does not stop when asked to",
                          last_log_lines(daemon)};
        }
        return;
    }
    const int status = host.process->process().wait_exit();
    // While it starts there is nothing to leave yet, and the signal just ends it.
    const bool may_be_killed = host.state == State::kLeaving && !host.is_ready;
    const bool is_fine = (host.state == State::kLeaving && status == 0) ||
                         (may_be_killed && status == kKilledByTerm);
    if (!is_fine && !violation_) {
        violation_ = {
            "D1",
            name(daemon) + " ended by itself, or with an error: status " + std::to_string(status),
            last_log_lines(daemon)};
    }
    host.state = State::kGone;
}

void Cluster::read_log(std::size_t daemon) {
    Host& host = hosts_[daemon];
    std::ifstream log(host.directory / (name(daemon) + ".log"));
    log.seekg(static_cast<std::streamoff>(host.log_read));
    std::string line;
    while (std::getline(log, line) && !log.eof()) {
        host.log_read += line.size() + 1;
        if (logs_json_ && !names_event(line) && !violation_) {
            violation_ = {"D4", name(daemon) + " writes a line that is no event", {line}};
        }
        if (line.find("ready: serving") != std::string::npos) {
            host.is_ready = true;
        }
        if (line.find("installed configuration of") != std::string::npos) {
            ++installations_;
        }
    }
}

std::vector<std::string> Cluster::last_log_lines(std::size_t daemon) const {
    constexpr std::size_t kLines = 15;
    std::vector<std::string> lines;
    std::istringstream log(hosts_[daemon].process->log());
    std::string line;
    while (std::getline(log, line)) {
        lines.push_back(name(daemon) + " " + line);
        if (lines.size() > kLines) {
            lines.erase(lines.begin());
        }
    }
    return lines;
}

}  // namespace spread::chaos
