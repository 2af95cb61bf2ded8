#include "tests/chaos/run.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace spread::chaos {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kProgressGap = seconds(10);
/// The bound within which a healed cluster comes to rest. Generous: a loaded machine, clients that
/// come back only then, and all that was held back still to be delivered.
constexpr auto kRestBound = seconds(90);
/// The emulator repeats frames up to three seconds late, behind clogs of two.
constexpr auto kDrainBound = seconds(10);
/// Without faults the ring must stand for so long at the end.
constexpr auto kRest = seconds(3);
/// Daemons tell for so long of what was in a storm: what repeats itself becomes one line, later.
constexpr auto kLogDelay = seconds(11);

std::uint64_t ns_of(Clock::time_point time) {
    return static_cast<std::uint64_t>(
        duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

void print(const std::string& text) {
    std::fputs((text + "\n").c_str(), stdout);
    std::fflush(stdout);
}

}  // namespace

Run::Run(const Plan& plan, const std::atomic<bool>& interrupt)
    : plan_(plan),
      interrupt_(interrupt),
      rng_(plan.seed),
      cluster_(plan.daemons, plan.directory, rng_.next(), plan.hidden),
      stage_{.cluster = cluster_,
             .journal = {},
             .book = {},
             .counters = {},
             .names = std::vector<std::string>(plan.daemons * plan.clients_per_daemon),
             .sabotaged = plan.sabotaged,
             .own_violation = {},
             .library = plan.library},
      faults_(cluster_, stage_.journal, rng_.next(), plan.faults) {
    for (std::size_t slot = 0; slot < stage_.names.size(); ++slot) {
        clients_.push_back(
            std::make_unique<Client>(stage_, slot, slot % plan.daemons, rng_.next()));
    }
}

Verdict Run::execute() {
    print(fmt::format("chaos: seed {}, {} s, {} daemons ({}), {} clients, logs in {}", plan_.seed,
                      plan_.duration.count(), plan_.daemons, cluster_.description(),
                      clients_.size(), plan_.directory.string()));
    started_ = Clock::now();
    next_progress_ = started_ + kProgressGap;
    settle();
    while (!is_over() && Clock::now() < started_ + plan_.duration) {
        storm();
        settle();
    }
    if (!is_over()) {
        finish();
    }
    return report();
}

void Run::storm() {
    if (is_over()) {
        return;
    }
    ++storms_;
    const auto now = Clock::now();
    const auto text = faults_.begin_storm(now);
    print(fmt::format("  storm {}: {}", storms_, text));
    const auto length = milliseconds(3000 + rng_.below(faults_.takes_long() ? 40000 : 9000));
    static_cast<void>(
        go_on_until(std::min(now + length, started_ + plan_.duration), [] { return false; }));
}

void Run::settle() {
    if (is_over()) {
        return;
    }
    const auto started = Clock::now();
    faults_.heal();
    stage_.is_calm = true;
    // Late frames, and a broken ring that nobody has noticed yet, may split the cluster once more
    // after everybody saw everybody; then what was sent last is owed to one side only.
    while (!exchange_markers(started + kRestBound)) {
        if (is_over() || stage_.own_violation) {
            return;
        }
    }
    slowest_settling_ =
        std::max(slowest_settling_, duration_cast<milliseconds>(Clock::now() - started));
    // Every daemon has delivered the markers, and recorded all that came before.
    cluster_.rings().check(ns_of(marked_at_));
    stage_.is_silent = false;
    stage_.is_calm = false;
}

bool Run::exchange_markers(Clock::time_point deadline) {
    stage_.is_silent = false;
    if (!go_on_until(deadline, [this] { return everybody_sees_everybody(); })) {
        if (!is_over()) {
            stage_.fail({"L1",
                         fmt::format("{} s after the last fault not everybody sees everybody",
                                     kRestBound.count()),
                         what_everybody_sees()});
        }
        return false;
    }
    stage_.is_silent = true;
    marked_at_ = Clock::now();
    std::vector<Marker> markers;
    for (const auto& client : clients_) {
        const auto message = client->is_open() ? client->send_marker() : 0;
        markers.push_back({message, client->connection()});
    }
    const auto views = stage_.counters.network_views;
    bool came = false;
    if (!go_on_until(deadline, [&] {
            came = markers_came(markers);
            return came || stage_.counters.network_views != views;
        })) {
        if (!is_over()) {
            stage_.fail({"L2",
                         fmt::format("{} s after the last fault not everybody has all messages",
                                     kRestBound.count()),
                         what_everybody_sees()});
        }
    }
    return came;
}

void Run::finish() {
    static_cast<void>(go_on_until(Clock::now() + kDrainBound,
                                  [this] { return cluster_.links().waiting() == 0; }));
    settle();
    if (is_over()) {
        return;
    }
    stage_.is_calm = true;
    stage_.is_silent = true;
    // The daemons' logs are read now and then, and tell of the last rings late.
    static_cast<void>(go_on_until(Clock::now() + kLogDelay, [] { return false; }));
    cluster_.tick();
    const auto before = cluster_.installations();
    static_cast<void>(go_on_until(Clock::now() + kRest, [] { return false; }));
    cluster_.tick();
    if (is_over()) {
        return;
    }
    if (cluster_.installations() != before) {
        stage_.fail({"L3", "the ring was reconfigured without a fault", {}});
        return;
    }
    if (const auto oversized = cluster_.links().counts().oversized; oversized != 0) {
        stage_.fail(
            {"W3", fmt::format("{} frames were longer than a link can carry", oversized), {}});
        return;
    }
    cluster_.rings().finish(true);
    stage_.checker.finish(true);
}

bool Run::go_on_until(Clock::time_point deadline, const std::function<bool()>& condition) {
    constexpr auto kConditionGap = milliseconds(10);
    auto next_look = Clock::now();
    while (!is_over()) {
        const auto now = Clock::now();
        if (now >= next_look) {
            if (condition()) {
                return true;
            }
            next_look = now + kConditionGap;
        }
        if (now >= deadline) {
            return false;
        }
        turn(milliseconds(2));
    }
    return false;
}

void Run::turn(milliseconds patience) {
    constexpr auto kClusterGap = milliseconds(100);
    const auto now = Clock::now();
    faults_.tick(now);
    if (now >= next_cluster_tick_) {
        next_cluster_tick_ = now + kClusterGap;
        cluster_.tick();
    }
    std::vector<pollfd> polled;
    polled.reserve(clients_.size());
    for (const auto& client : clients_) {
        client->tick(now);
        polled.push_back({client->descriptor(), client->wanted_events(), 0});
    }
    if (poll(polled.data(), polled.size(), static_cast<int>(patience.count())) > 0) {
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            if (polled[i].revents != 0) {
                clients_[i]->on_ready();
            }
        }
    }
    if (now >= next_progress_) {
        next_progress_ += kProgressGap;
        print_progress(now);
    }
}

bool Run::everybody_sees_everybody() const {
    std::vector<std::string> everybody;
    for (const auto& client : clients_) {
        if (!client->is_open()) {
            return false;
        }
        everybody.push_back(client->private_name());
    }
    std::ranges::sort(everybody);
    return std::ranges::all_of(clients_, [&](const auto& client) {
        auto seen = client->common_view();
        std::ranges::sort(seen);
        return !client->wants_membership() || seen == everybody;
    });
}

bool Run::markers_came(const std::vector<Marker>& markers) const {
    // Who was dropped for being slow, and came back, neither has a marker nor is owed any.
    const auto counts = [&](std::size_t i) {
        return markers[i].message != 0 && clients_[i]->is_open() &&
               clients_[i]->connection() == markers[i].connection;
    };
    for (std::size_t receiver = 0; receiver < clients_.size(); ++receiver) {
        for (std::size_t sender = 0; counts(receiver) && sender < clients_.size(); ++sender) {
            if (counts(sender) && clients_[receiver]->last_from(clients_[sender]->private_name()) !=
                                      markers[sender].message) {
                return false;
            }
        }
    }
    return true;
}

std::vector<std::string> Run::what_everybody_sees() const {
    std::vector<std::string> lines;
    for (const auto& client : clients_) {
        std::string line =
            client->private_name() + (client->is_open()
                                          ? (client->wants_membership() ? " sees" : " (data only)")
                                          : " is not connected");
        for (const std::string& name : client->common_view()) {
            line += " " + name;
        }
        line += "; last messages:";
        for (const auto& other : clients_) {
            line += " " + std::to_string(client->last_from(other->private_name()));
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

void Run::print_progress(Clock::time_point now) {
    const auto open = std::ranges::count_if(clients_, [](const auto& c) { return c->is_open(); });
    const Counters& counters = stage_.counters;
    print(
        fmt::format("{:4} s  {} faults, {} sent, {} received, {} views ({} by the network), {} "
                    "rings installed, "
                    "{}/{} clients connected",
                    duration_cast<seconds>(now - started_).count(), faults_.done(), counters.sent,
                    counters.received, counters.views, counters.network_views,
                    cluster_.installations(), open, clients_.size()));
}

Verdict Run::report() {
    const Counters& counters = stage_.counters;
    std::string faults;
    for (const Fault fault : all_faults()) {
        faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", to_string(fault),
                              faults_.done(fault));
    }
    const auto links = cluster_.links().counts();
    print(fmt::format(
        "summary: {} s, {} storms, {} faults ({})\n"
        "  clients: {} sent, {} received, {} views ({} by the network), {} transitional signals\n"
        "  connections: {} made, {} of them by stock's library, {} attempts failed, {} closed by "
        "the client, {} dropped by the "
        "daemon, {} lost with the daemon\n"
        "  network: {} frames passed, {} cut, {} lost, {} repeated, {} delayed, {} damaged, {} "
        "overflowed\n"
        "  daemons: {} rings installed, {} writes to files failed; the slowest return to rest "
        "took {} ms\n"
        "  checked on the rings (P1 to P8): {} lives, {} configurations, {} deliveries",
        duration_cast<seconds>(Clock::now() - started_).count(), storms_, faults_.done(), faults,
        counters.sent, counters.received, counters.views, counters.network_views, counters.signals,
        counters.connections, counters.by_library, counters.refusals, counters.closed,
        counters.dropped, counters.lost, links.forwarded, links.cut, links.lost, links.duplicated,
        links.delayed, links.corrupted, links.overflowed, cluster_.installations(),
        cluster_.refused_writes(), slowest_settling_.count(), cluster_.rings().lives(),
        cluster_.rings().configurations(), cluster_.rings().deliveries()));
    const auto& violation = stage_.violation();
    // Who interrupts us from a terminal interrupts the daemons as well.
    const bool is_ours = interrupt_ && violation && violation->property == "D1";
    const auto journal = plan_.directory / "journal.log";
    if (plan_.keeps_journal || (violation && !is_ours)) {
        stage_.journal.write(journal);
    }
    if (violation && !is_ours) {
        print(fmt::format("FAIL {}: {}", violation->property, violation->summary));
        for (const std::string& line : violation->evidence) {
            print("     " + line);
        }
        print(fmt::format("     seed {}; the daemons' logs and all events ({}) are in {}",
                          plan_.seed, journal.filename().string(), plan_.directory.string()));
        return Verdict::kViolated;
    }
    if (interrupt_) {
        print("INTERRUPTED: no violation so far");
        return Verdict::kInterrupted;
    }
    print(fmt::format("PASS: no violation, seed {}", plan_.seed));
    return Verdict::kPassed;
}

}  // namespace spread::chaos
