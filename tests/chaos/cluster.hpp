#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/rng.hpp"
#include "tests/chaos/host_harm.hpp"
#include "tests/chaos/link_emulator.hpp"
#include "tests/chaos/ring_history.hpp"
#include "tests/checker/violation.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"

namespace spread::chaos {

/// The daemons "d1", "d2", ..., each alone in a network namespace, and the network between them.
class Cluster {
  public:
    /// Configures, starts, and returns when all accept clients. What varies from run to run
    /// (segments, timeouts, queue bounds) is drawn from `seed`. Each daemon has its log, its state
    /// and its Unix socket in a directory of its own below `directory`. `hidden`: as in
    /// RingHistory.
    Cluster(std::size_t daemons, const std::filesystem::path& directory, std::uint64_t seed,
            std::uint64_t hidden = 0);

    [[nodiscard]] std::size_t size() const { return hosts_.size(); }
    [[nodiscard]] LinkEmulator& links() { return *links_; }
    /// What the daemons' rings did, as their flight recorders have it.
    [[nodiscard]] RingHistory& rings() { return rings_; }

    // Of clients.
    [[nodiscard]] static std::string name(std::size_t daemon);
    [[nodiscard]] std::string unix_address(std::size_t daemon) const;
    [[nodiscard]] std::string tcp_address(std::size_t daemon) const;
    [[nodiscard]] int namespace_of(std::size_t daemon) const { return lab_.namespace_of(daemon); }
    /// Whether it is of use to connect: it runs, and neither is stopped nor on its way out.
    [[nodiscard]] bool serves(std::size_t daemon) const;
    /// Its process is there and was not told to go.
    [[nodiscard]] bool runs(std::size_t daemon) const;
    /// Counts its starts. A connection made in another life is lost.
    [[nodiscard]] std::uint32_t life(std::size_t daemon) const { return hosts_[daemon].life; }
    /// It was killed or told to go, or has gone by itself.
    [[nodiscard]] bool is_lost(std::size_t daemon, std::uint32_t life);

    // Faults. What does not apply to the daemon's state is not done, and the result is false.
    bool crash(std::size_t daemon);
    bool ask_to_stop(std::size_t daemon);
    bool pause(std::size_t daemon);
    bool resume(std::size_t daemon);
    /// Only when it is gone. Without its state file, it is as on a new disk.
    bool restart(std::size_t daemon, bool keeps_state);
    /// The cable at the switch.
    bool plug(std::size_t daemon, bool in);
    /// The interface of the host itself; with it go its routes.
    bool set_interface(std::size_t daemon, bool up);
    /// The interface itself, with its address.
    bool remove_interface(std::size_t daemon);
    bool add_interface(std::size_t daemon);
    /// The packet filter of the host, for what comes in: one rule at a time.
    bool filter(std::size_t daemon, const std::string& rule);
    bool clear_filter(std::size_t daemon);
    /// Sets its wall clock. Back only where the disk never fails: who has lost both its state and
    /// the time may name a ring again that it has named before.
    bool step_clock(std::size_t daemon, std::chrono::seconds by);
    /// Whatever it writes to a file fails so; 0: no more.
    bool fail_disk(std::size_t daemon, int error);
    /// It may open no more files than it has open, or as many as usual.
    bool limit_files(std::size_t daemon, bool on);
    /// SIGHUP.
    bool reload(std::size_t daemon);
    /// Writes to files that have failed.
    [[nodiscard]] std::uint64_t refused_writes() const;
    [[nodiscard]] std::uint16_t port(std::size_t daemon) const { return hosts_[daemon].port; }
    /// Undoes whatever of the above holds, waiting for daemons on their way out.
    void mend(std::size_t daemon);

    /// Looks after the processes and logs; call often.
    void tick();
    /// A daemon that ended although nobody asked it to, or with an error; or a ring that did not do
    /// what it promises.
    [[nodiscard]] const std::optional<checker::Violation>& violation() const {
        return violation_ ? violation_ : rings_.violation();
    }
    /// Rings that daemons say to have installed; each counts once per member.
    [[nodiscard]] std::uint64_t installations() const { return installations_; }
    /// How this run's daemons are configured, in a few words.
    [[nodiscard]] const std::string& description() const { return description_; }

  private:
    enum class State : std::uint8_t { kRunning, kPaused, kLeaving, kGone };

    struct Host {
        std::unique_ptr<support::DaemonProcess> process;
        std::filesystem::path directory;
        std::uint16_t port = 0;
        State state = State::kRunning;
        std::uint32_t life = 1;
        Clock::time_point asked_to_stop;
        bool is_ready = false;  ///< this life serves clients, as its log says
        bool is_plugged = true;
        bool is_interface_up = true;
        bool has_interface = true;
        bool is_filtered = false;
        bool has_few_files = false;
        bool has_good_disk = false;  ///< its state is never lost; else its clock never goes back
        std::unique_ptr<HostHarmFile> harm;  ///< none: the daemon cannot be harmed so
        std::uint64_t log_read = 0;          // bytes
    };

    std::string configuration(protocol::Rng& rng);
    [[nodiscard]] std::filesystem::path recording_of(std::size_t daemon) const;
    void start_all(const std::filesystem::path& directory, protocol::Rng& rng);
    void forbid_long_frames(std::size_t daemon);
    void check_process(std::size_t daemon);
    void read_log(std::size_t daemon);
    [[nodiscard]] std::vector<std::string> last_log_lines(std::size_t daemon) const;

    support::NetworkLab lab_;
    std::unique_ptr<LinkEmulator> links_;
    std::string description_;
    bool logs_json_ = false;
    std::vector<Host> hosts_;
    RingHistory rings_;
    std::filesystem::path recordings_;
    std::optional<checker::Violation> violation_;
    std::uint64_t installations_ = 0;
};

}  // namespace spread::chaos
