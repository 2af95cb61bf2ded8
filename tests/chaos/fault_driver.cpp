#include "tests/chaos/fault_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

namespace spread::chaos {
namespace {

using std::chrono::milliseconds;

constexpr std::array<Fault, kFaults> kAll{
    Fault::kPartition, Fault::kDeafness, Fault::kLoss,   Fault::kDelay,     Fault::kDuplicate,
    Fault::kCorrupt,   Fault::kClog,     Fault::kUnplug, Fault::kInterface, Fault::kCrash,
    Fault::kStop,      Fault::kPause,    Fault::kPorts,  Fault::kReject,    Fault::kMulticast,
    Fault::kLarge,     Fault::kReplace,  Fault::kFreeze, Fault::kClock,     Fault::kDisk,
    Fault::kFiles,     Fault::kReload};

constexpr std::array<std::string_view, kFaults> kNames{
    "partition", "deafness", "loss",  "delay", "duplicate", "corrupt", "clog",      "unplug",
    "interface", "crash",    "stop",  "pause", "ports",     "reject",  "multicast", "large",
    "replace",   "freeze",   "clock", "disk",  "files",     "reload"};

constexpr std::array<std::uint64_t, 4> kMeanGapsMs{150, 400, 1000, 2500};

}  // namespace

std::string_view to_string(Fault fault) {
    return kNames[static_cast<std::size_t>(fault)];
}

const std::array<Fault, kFaults>& all_faults() {
    return kAll;
}

FaultDriver::FaultDriver(Cluster& cluster, Journal& journal, std::uint64_t seed,
                         std::vector<Fault> allowed)
    : cluster_(cluster),
      journal_(journal),
      rng_(seed),
      allowed_(std::move(allowed)),
      side_(cluster.size(), 0),
      deaf_(cluster.size() * cluster.size(), false),
      qualities_(cluster.size() * cluster.size()) {}

milliseconds FaultDriver::draw_time(std::uint64_t low_ms, std::uint64_t high_ms) {
    const double share = static_cast<double>(rng_.below(1000)) / 1000;
    const double ratio = static_cast<double>(high_ms) / static_cast<double>(low_ms);
    return milliseconds(std::llround(static_cast<double>(low_ms) * std::pow(ratio, share)));
}

std::string FaultDriver::begin_storm(Clock::time_point now) {
    chosen_.clear();
    for (const Fault fault : allowed_) {
        // A frozen daemon makes a storm long.
        if (rng_.chance(fault == Fault::kFreeze ? 1 : 4, 10)) {
            chosen_.push_back(fault);
        }
    }
    if (chosen_.empty()) {
        chosen_.push_back(allowed_[rng_.below(allowed_.size())]);
    }
    mean_gap_ = milliseconds(kMeanGapsMs[rng_.below(kMeanGapsMs.size())]);
    next_ = now;
    std::string text;
    for (const Fault fault : chosen_) {
        text += std::string(to_string(fault)) + " ";
    }
    text += "every " + std::to_string(mean_gap_.count()) + " ms";
    note("storm: " + text);
    return text;
}

void FaultDriver::tick(Clock::time_point now) {
    for (std::size_t i = 0; i < later_.size();) {
        if (later_[i].at <= now) {
            const auto what = std::move(later_[i].what);
            later_.erase(later_.begin() + static_cast<std::ptrdiff_t>(i));
            what();  // may add others
        } else {
            ++i;
        }
    }
    if (!chosen_.empty() && now >= next_) {
        next_ = now + draw_time(static_cast<std::uint64_t>(mean_gap_.count()) / 4,
                                static_cast<std::uint64_t>(mean_gap_.count()) * 3);
        do_one(now);
    }
}

void FaultDriver::heal() {
    chosen_.clear();
    later_.clear();
    std::ranges::fill(side_, 0);
    std::fill(deaf_.begin(), deaf_.end(), false);
    std::ranges::fill(qualities_, LinkQuality{});
    apply();
    note("all faults end");
    for (std::size_t daemon = 0; daemon < cluster_.size(); ++daemon) {
        cluster_.mend(daemon);
    }
}

void FaultDriver::do_one(Clock::time_point now) {
    constexpr int kTries = 5;
    for (int i = 0; i < kTries; ++i) {
        const Fault fault = chosen_[rng_.below(chosen_.size())];
        if (carry_out(fault, now)) {
            ++done_[static_cast<std::size_t>(fault)];
            ++total_;
            return;
        }
    }
}

bool FaultDriver::carry_out(Fault fault, Clock::time_point now) {
    switch (fault) {
        case Fault::kPartition: partition(); return true;
        case Fault::kDeafness: deafen(now); return true;
        case Fault::kLoss:
        case Fault::kDelay:
        case Fault::kDuplicate:
        case Fault::kCorrupt:
        case Fault::kClog: disturb(fault, now); return true;
        case Fault::kUnplug:
        case Fault::kInterface:
        case Fault::kCrash:
        case Fault::kStop:
        case Fault::kReplace:
        case Fault::kPause: return harm_host(fault, now);
        case Fault::kFreeze:
        case Fault::kClock:
        case Fault::kDisk:
        case Fault::kFiles:
        case Fault::kReload: return harm_daemon(fault, now);
        case Fault::kPorts:
        case Fault::kReject:
        case Fault::kMulticast:
        case Fault::kLarge: return filter(fault, now);
    }
    return false;
}

void FaultDriver::partition() {
    const std::size_t before = 1 + static_cast<std::size_t>(*std::ranges::max_element(side_));
    if (before > 1 && rng_.chance(1, 2)) {
        // Heals wholly, or two of the sides meet.
        const std::size_t gone = rng_.below(before);
        const bool wholly = rng_.chance(1, 2);
        for (std::size_t& side : side_) {
            side = wholly ? 0 : (side == gone ? (gone + 1) % before : side);
        }
    } else {
        const std::size_t sides = 2 + rng_.below(std::min<std::size_t>(3, cluster_.size() - 1));
        for (std::size_t& side : side_) {
            side = rng_.below(sides);
        }
    }
    std::string text = "partition:";
    for (const std::size_t side : side_) {
        text += " " + std::to_string(side);
    }
    note(text);
    apply();
}

void FaultDriver::deafen(Clock::time_point now) {
    const std::size_t from = rng_.below(cluster_.size());
    const std::size_t to = (from + 1 + rng_.below(cluster_.size() - 1)) % cluster_.size();
    const bool both = rng_.chance(1, 2);
    const auto set = [this, from, to, both](bool deaf) {
        deaf_[index(from, to)] = deaf;
        if (both) {
            deaf_[index(to, from)] = deaf;
        }
        note((deaf ? "cut " : "joined ") + Cluster::name(from) + (both ? "-" : "->") +
             Cluster::name(to));
        apply();
    };
    set(true);
    after(now + draw_time(100, 5000), [set] { set(false); });
}

void FaultDriver::draw_disturbance(Fault fault, Clock::time_point now, LinkQuality& quality) {
    switch (fault) {
        case Fault::kLoss:
            quality.loss = static_cast<std::uint32_t>(draw_time(5, 400).count());
            quality.burst = rng_.chance(1, 2) ? 1 : 1 + static_cast<std::uint32_t>(rng_.below(20));
            break;
        case Fault::kDelay:
            quality.delay = microseconds(draw_time(50, 20'000).count());
            quality.jitter = microseconds(rng_.chance(1, 4) ? 0 : draw_time(50, 20'000).count());
            break;
        case Fault::kDuplicate:
            quality.duplicate = static_cast<std::uint32_t>(draw_time(10, 500).count());
            quality.late = static_cast<std::uint32_t>(rng_.below(50));
            break;
        case Fault::kCorrupt:
            quality.corrupt = static_cast<std::uint32_t>(draw_time(5, 200).count());
            break;
        case Fault::kClog: quality.clogged = now + draw_time(20, 2000); break;
        default: break;
    }
}

void FaultDriver::disturb(Fault fault, Clock::time_point now) {
    // The whole network, all that one host sends, or all that one host hears.
    const std::uint64_t where = rng_.below(3);
    const std::size_t host = rng_.below(cluster_.size());
    LinkQuality drawn;
    draw_disturbance(fault, now, drawn);
    const auto put = [this, fault, where, host](const LinkQuality& source) {
        for (std::size_t from = 0; from < cluster_.size(); ++from) {
            for (std::size_t to = 0; to < cluster_.size(); ++to) {
                if ((where == 1 && from != host) || (where == 2 && to != host)) {
                    continue;
                }
                LinkQuality& quality = qualities_[index(from, to)];
                switch (fault) {
                    case Fault::kLoss:
                        quality.loss = source.loss;
                        quality.burst = source.burst;
                        break;
                    case Fault::kDelay:
                        quality.delay = source.delay;
                        quality.jitter = source.jitter;
                        break;
                    case Fault::kDuplicate:
                        quality.duplicate = source.duplicate;
                        quality.late = source.late;
                        break;
                    case Fault::kCorrupt: quality.corrupt = source.corrupt; break;
                    default: quality.clogged = source.clogged; break;
                }
            }
        }
        apply();
    };
    const std::string place = where == 0   ? "everywhere"
                              : where == 1 ? "from " + Cluster::name(host)
                                           : "to " + Cluster::name(host);
    note(std::string(to_string(fault)) + " " + place + ": loss " + std::to_string(drawn.loss) +
         "x" + std::to_string(drawn.burst) + " delay " + std::to_string(drawn.delay.count()) + "+" +
         std::to_string(drawn.jitter.count()) + " us, duplicate " +
         std::to_string(drawn.duplicate) + " late " + std::to_string(drawn.late) + " corrupt " +
         std::to_string(drawn.corrupt));
    put(drawn);
    if (fault != Fault::kClog) {
        after(now + draw_time(200, 8000), [put] { put(LinkQuality{}); });
    }
}

bool FaultDriver::harm_host(Fault fault, Clock::time_point now) {
    const std::size_t host = rng_.below(cluster_.size());
    const std::string what = std::string(to_string(fault)) + " " + Cluster::name(host);
    switch (fault) {
        case Fault::kUnplug:
            if (!cluster_.plug(host, false)) {
                return false;
            }
            after(now + draw_time(20, 4000), [this, host] {
                cluster_.plug(host, true);
                note("plugged in " + Cluster::name(host));
            });
            break;
        case Fault::kInterface:
            if (!cluster_.set_interface(host, false)) {
                return false;
            }
            after(now + draw_time(20, 4000), [this, host] {
                cluster_.set_interface(host, true);
                note("interface up " + Cluster::name(host));
            });
            break;
        case Fault::kReplace:
            if (!cluster_.remove_interface(host)) {
                return false;
            }
            after(now + draw_time(20, 4000), [this, host] {
                cluster_.add_interface(host);
                note("interface made anew " + Cluster::name(host));
            });
            break;
        case Fault::kPause:
            if (!stop_for_a_while(host, now + draw_time(10, 6000))) {
                return false;
            }
            break;
        default: {
            if (fault == Fault::kCrash ? !cluster_.crash(host) : !cluster_.ask_to_stop(host)) {
                return false;
            }
            const bool keeps_state = rng_.chance(2, 3);
            restart_later(now + draw_time(10, 4000), host, keeps_state);
            break;
        }
    }
    note(what);
    return true;
}

bool FaultDriver::stop_for_a_while(std::size_t host, Clock::time_point until) {
    if (!cluster_.pause(host)) {
        return false;
    }
    after(until, [this, host] {
        if (cluster_.resume(host)) {
            note("continued " + Cluster::name(host));
        }
    });
    return true;
}

bool FaultDriver::harm_daemon(Fault fault, Clock::time_point now) {
    const std::size_t host = rng_.below(cluster_.size());
    std::string what = std::string(to_string(fault)) + " " + Cluster::name(host);
    const auto end = now + draw_time(100, 6000);
    switch (fault) {
        case Fault::kFreeze:
            if (!stop_for_a_while(host, now + draw_time(8000, 30000))) {
                return false;
            }
            break;
        case Fault::kClock: {
            const std::chrono::seconds by(draw_time(1, 100'000).count() *
                                          (rng_.chance(1, 2) ? 1 : -1));
            if (!cluster_.step_clock(host, by)) {
                return false;
            }
            what += " by " + std::to_string(by.count()) + " s";
            break;
        }
        case Fault::kDisk: {
            const int error = rng_.chance(1, 2) ? ENOSPC : EIO;
            if (!cluster_.fail_disk(host, error)) {
                return false;
            }
            after(end, [this, host] { cluster_.fail_disk(host, 0); });
            break;
        }
        case Fault::kFiles:
            if (!cluster_.limit_files(host, true)) {
                return false;
            }
            after(end, [this, host] { cluster_.limit_files(host, false); });
            break;
        default:
            if (!cluster_.reload(host)) {
                return false;
            }
    }
    note(what);
    return true;
}

bool FaultDriver::takes_long() const {
    return std::ranges::find(chosen_, Fault::kFreeze) != chosen_.end();
}

std::string FaultDriver::draw_rule(Fault fault, std::size_t host) {
    const std::uint16_t port = cluster_.port(host);
    const std::uint64_t what = rng_.below(3);
    const std::string from =
        rng_.chance(1, 2)
            ? ""
            : "ip saddr " + support::NetworkLab::address(rng_.below(cluster_.size())) + " ";
    // Of the token port, of the data port, of both.
    const std::string ports = "udp dport " + std::to_string(port + (what == 0 ? 1 : 0)) +
                              (what == 2 ? "-" + std::to_string(port + 1) : "");
    switch (fault) {
        case Fault::kReject: return from + ports + " reject with icmp type port-unreachable";
        case Fault::kMulticast:
            return "ip daddr " + support::NetworkLab::broadcast() + " meta l4proto udp drop";
        case Fault::kLarge:
            return from + "meta l4proto udp meta length > " +
                   std::to_string(draw_time(600, 1400).count()) + " drop";
        default: return from + ports + " drop";
    }
}

bool FaultDriver::filter(Fault fault, Clock::time_point now) {
    const std::size_t host = rng_.below(cluster_.size());
    const std::string rule = draw_rule(fault, host);
    if (!cluster_.filter(host, rule)) {
        return false;
    }
    note("filter of " + Cluster::name(host) + ": " + rule);
    after(now + draw_time(30, 8000), [this, host] {
        cluster_.clear_filter(host);
        note("no filter any more at " + Cluster::name(host));
    });
    return true;
}

void FaultDriver::restart_later(Clock::time_point at, std::size_t host, bool keeps_state) {
    after(at, [this, host, keeps_state] {
        if (cluster_.restart(host, keeps_state)) {
            note("restarted " + Cluster::name(host) + (keeps_state ? "" : ", state lost"));
        } else if (!cluster_.runs(host)) {
            // Still on its way out, or without an interface.
            constexpr milliseconds kAgain{100};
            restart_later(Clock::now() + kAgain, host, keeps_state);
        }
    });
}

void FaultDriver::after(Clock::time_point at, std::function<void()> what) {
    later_.push_back({at, std::move(what)});
}

void FaultDriver::apply() {
    for (std::size_t from = 0; from < cluster_.size(); ++from) {
        for (std::size_t to = 0; to < cluster_.size(); ++to) {
            LinkQuality quality = qualities_[index(from, to)];
            quality.cut = side_[from] != side_[to] || deaf_[index(from, to)];
            cluster_.links().set(from, to, quality);
        }
    }
}

}  // namespace spread::chaos
