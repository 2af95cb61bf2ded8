#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/rng.hpp"
#include "tests/chaos/cluster.hpp"
#include "tests/chaos/journal.hpp"

namespace spread::chaos {

enum class Fault : std::uint8_t {
    kPartition,  ///< any split into two to four sides; what crosses it vanishes
    kDeafness,   ///< one direction of one link, or one whole link: connectivity is not transitive
    kLoss,       ///< of single frames or in bursts
    kDelay,      ///< latency and jitter, hence reordering
    kDuplicate,  ///< soon, or seconds late
    kCorrupt,    ///< flipped bits
    kClog,       ///< links hold their frames and release them at once
    kUnplug,     ///< a cable is pulled
    kInterface,  ///< an interface goes down, with its routes
    kCrash,      ///< SIGKILL and restart, with or without the state file
    kStop,       ///< SIGTERM and restart
    kPause,      ///< SIGSTOP and SIGCONT
    kPorts,      ///< a packet filter drops what comes to the token or data port, of all or of one
    kReject,     ///< it answers "port unreachable" instead
    kMulticast,  ///< it drops what is sent to all
    kLarge,      ///< it drops large datagrams
    kReplace,    ///< an interface is deleted and made anew
    kFreeze,     ///< SIGSTOP for so long that the others have long forgotten it
    kClock,      ///< a host's wall clock jumps
    kDisk,       ///< what a daemon writes to a file fails: full, or broken
    kFiles,      ///< a daemon may open no more files: it accepts nobody
    kReload      ///< SIGHUP
};
inline constexpr std::size_t kFaults = 22;

[[nodiscard]] std::string_view to_string(Fault fault);
/// All of them by name.
[[nodiscard]] const std::array<Fault, kFaults>& all_faults();

/// Does harm to a cluster, drawn from a seed. Each storm takes some kinds of faults out of those
/// allowed: everything at once would hide bugs behind constant reconfiguration.
class FaultDriver {
  public:
    FaultDriver(Cluster& cluster, Journal& journal, std::uint64_t seed, std::vector<Fault> allowed);

    /// From now on tick() does harm. Returns the kinds chosen, as text.
    std::string begin_storm(Clock::time_point now);
    /// Some of the kinds chosen take longer than a storm usually lasts.
    [[nodiscard]] bool takes_long() const;
    void tick(Clock::time_point now);
    /// No more harm, and all that was done is undone, as far as it can be undone.
    void heal();

    [[nodiscard]] std::uint64_t done() const { return total_; }
    [[nodiscard]] std::uint64_t done(Fault fault) const {
        return done_[static_cast<std::size_t>(fault)];
    }

  private:
    struct Later {
        Clock::time_point at;
        std::function<void()> what;
    };

    void do_one(Clock::time_point now);
    /// False when it does not apply now.
    bool carry_out(Fault fault, Clock::time_point now);
    void partition();
    void deafen(Clock::time_point now);
    void disturb(Fault fault, Clock::time_point now);
    bool harm_host(Fault fault, Clock::time_point now);
    bool harm_daemon(Fault fault, Clock::time_point now);
    bool stop_for_a_while(std::size_t host, Clock::time_point until);
    bool filter(Fault fault, Clock::time_point now);
    [[nodiscard]] std::string draw_rule(Fault fault, std::size_t host);
    void draw_disturbance(Fault fault, Clock::time_point now, LinkQuality& quality);
    void restart_later(Clock::time_point at, std::size_t host, bool keeps_state);
    void after(Clock::time_point at, std::function<void()> what);
    void apply();
    /// Log-uniform between the two.
    [[nodiscard]] std::chrono::milliseconds draw_time(std::uint64_t low_ms, std::uint64_t high_ms);
    void note(const std::string& what) { journal_.note("---", what); }

    [[nodiscard]] std::size_t index(std::size_t from, std::size_t to) const {
        return from * cluster_.size() + to;
    }

    Cluster& cluster_;
    Journal& journal_;
    protocol::Rng rng_;
    std::vector<Fault> allowed_;
    std::vector<Fault> chosen_;
    std::chrono::milliseconds mean_gap_{0};
    Clock::time_point next_;
    std::vector<Later> later_;
    std::vector<std::size_t> side_;       // of the partition, by host
    std::vector<bool> deaf_;              // by directed link
    std::vector<LinkQuality> qualities_;  // by directed link
    std::array<std::uint64_t, kFaults> done_{};
    std::uint64_t total_ = 0;
};

}  // namespace spread::chaos
