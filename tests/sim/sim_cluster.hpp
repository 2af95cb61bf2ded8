#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "membership/ring_engine.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/rng.hpp"
#include "tests/sim/history.hpp"

namespace spread::sim {

using protocol::Duration;
using protocol::Instant;

/// What the simulated network does to packets. Probabilities are per packet and receiver.
struct NetworkFaults {
    double loss = 0;
    double duplication = 0;
    double corruption = 0;
    Duration latency_min = std::chrono::microseconds(50);
    Duration latency_jitter = std::chrono::microseconds(50);
    /// A packet now and then takes this long.
    double late = 0;
    Duration late_by = std::chrono::milliseconds(30);
};

/// A cluster of ring engines in one thread and virtual time. The same seed gives the same run.
class SimCluster {
  public:
    SimCluster(std::size_t daemons, std::uint64_t seed,
               const std::function<void(membership::RingConfig&)>& tune = {});
    ~SimCluster();

    // --- control ---
    void start(std::size_t daemon);
    void start_all();
    /// One more host, not started, that claims to be `daemon` as well; returns its index. What is
    /// sent to that daemon reaches both. To be called before anything is started.
    std::size_t add_twin(std::size_t daemon);
    void crash(std::size_t daemon);
    void leave(std::size_t daemon);
    /// Daemons hear each other when they have the same colour.
    void partition(std::vector<int> colours);
    void heal();
    /// One direction of one link.
    void set_link(std::size_t from, std::size_t to, bool up);
    /// Datagrams longer than `bytes` are lost between the two, whatever their interfaces say.
    void set_path(std::size_t one, std::size_t other, std::size_t bytes) {
        narrow_[{one, other}] = bytes;
        narrow_[{other, one}] = bytes;
    }
    /// Drops the next `count` packets for which `match` holds.
    void drop_next(
        std::size_t count,
        std::function<bool(protocol::PacketKind, std::size_t from, std::size_t to)> match);
    /// The goodbye that `daemon` would send now, for deliver_to().
    [[nodiscard]] protocol::Slice goodbye_of(std::size_t daemon);
    /// `datagram` arrives at a daemon at once.
    void deliver_to(std::size_t daemon, const protocol::Slice& datagram) {
        receive(daemon, {datagram, membership::Arrival::kUnicast});
    }
    void set_faults(const NetworkFaults& faults) { faults_ = faults; }
    /// The host's side takes this many messages per millisecond from a daemon; 0 stops it.
    void set_reader_rate(std::size_t daemon, std::size_t per_ms);
    /// `pause` stops a process: its packets wait (and overflow) until it goes on.
    void pause(std::size_t daemon, bool stopped);
    /// The kernel of a dead daemon's host answers with port-unreachable.
    void set_port_unreachable(bool on) { port_unreachable_ = on; }
    /// A firewall at `daemon` lets nothing in, and answers with port-unreachable.
    void set_rejecting(std::size_t daemon, bool on) { hosts_[daemon].rejects = on; }

    /// Submits one message; false when the daemon is down or its queue is full.
    bool submit(std::size_t daemon, protocol::Service service, std::size_t bytes);
    void run_for(Duration duration);
    /// Runs until `condition` holds; false when `limit` passed first.
    bool run_until(const std::function<bool()>& condition, Duration limit);
    void at(Duration from_now, std::function<void()> action);

    /// Operators have `daemon` not hear `others` for so long.
    void cut_off(std::size_t daemon, const protocol::MemberList& others, Duration time) {
        hosts_[daemon].engine->cut_off(others, now_ + time);
    }

    // --- observation ---
    [[nodiscard]] bool is_up(std::size_t daemon) const { return hosts_[daemon].engine != nullptr; }
    [[nodiscard]] const membership::RingEngine& engine(std::size_t daemon) const {
        return *hosts_[daemon].engine;
    }
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::size_t size() const { return hosts_.size(); }
    /// All daemons that are up share one operational ring of exactly themselves.
    [[nodiscard]] bool is_stable() const;
    /// In addition, everything submitted has been delivered everywhere.
    [[nodiscard]] bool is_quiet() const;
    [[nodiscard]] const std::vector<Life>& lives() const { return lives_; }
    [[nodiscard]] std::uint64_t packets_sent() const { return packets_sent_; }
    /// Of data packets that had been sent before.
    [[nodiscard]] std::uint64_t bytes_resent() const { return bytes_resent_; }
    /// How often `daemon` has said who is missing: one for each of its rings that is not complete,
    /// and for each later change of that.
    [[nodiscard]] std::size_t times_told_missing(std::size_t daemon) const {
        return hosts_[daemon].told_missing;
    }
    [[nodiscard]] std::vector<std::string> check(bool settled) const;
    /// The newest datagram of this kind that `daemon` sent; for deliver_to().
    [[nodiscard]] const protocol::Slice& last_sent(std::size_t daemon,
                                                   protocol::PacketKind kind) const {
        return last_sent_.at({daemon, kind});
    }
    /// Messages delivered by the daemon's current life.
    [[nodiscard]] std::vector<std::uint64_t> delivered(std::size_t daemon) const;
    [[nodiscard]] const std::vector<std::string>& trace() const { return trace_; }

  private:
    /// A datagram, and by which of its receiver's sockets it comes.
    struct Parcel {
        protocol::Slice datagram;
        membership::Arrival arrival{};
    };
    struct Event {
        Instant at;
        std::uint64_t order;
        std::function<void()> action;
        bool operator<(const Event& other) const {
            return std::tie(other.at, other.order) < std::tie(at, order);  // earliest on top
        }
    };
    class HostTracer final : public membership::Tracer {
      public:
        explicit HostTracer(SimCluster& cluster) : cluster_(cluster) {}
        void on_state_change(const membership::StateChange& change) override;

      private:
        SimCluster& cluster_;
    };
    struct Host {
        protocol::DaemonId id;
        std::unique_ptr<membership::RingEngine> engine;
        std::size_t life = 0;  ///< index into lives_
        std::uint32_t lives = 0;
        std::uint64_t generation = 0;  ///< events of earlier lives are void
        std::uint64_t messages = 0;
        std::optional<Instant> wake_at;
        std::size_t reader_per_ms = SIZE_MAX;
        std::size_t backlog = 0;  ///< delivered, not yet taken by the reader
        bool stopped = false;
        bool rejects = false;
        std::size_t told_missing = 0;
        std::vector<Parcel> inbox;  ///< while stopped
        protocol::RingId resumed;   ///< last ring on which ordinary messages may flow
        std::uint64_t counter = 0;  ///< stable storage
    };

    void post(Instant at, std::function<void()> action);
    void process(Host& host, membership::EngineOutput& out);
    void send(std::size_t from, const membership::OutboundPacket& packet);
    void transmit(std::size_t from, std::size_t to, const Parcel& parcel);
    void receive(std::size_t to, const Parcel& parcel);
    /// P1a: a delivered message is byte for byte one that was submitted. And on each ring nothing
    /// is sent before resume().
    void check_delivery(const Host& host, const membership::Delivery& delivery);
    void schedule_deadline(Host& host);
    void read_some(std::size_t daemon);
    bool chance(double probability) {
        return probability > 0 &&
               static_cast<double>(network_rng_.next() >> 11) * 0x1.0p-53 < probability;
    }

    protocol::BufferPool pool_{2048, 1U << 20U};
    protocol::MemberList ids_;
    std::function<void(membership::RingConfig&)> tune_;
    std::vector<Host> hosts_;
    std::vector<Life> lives_;
    std::unordered_map<std::uint64_t, std::size_t> sizes_;  ///< of all messages submitted
    std::vector<std::string> delivery_violations_;
    std::map<std::pair<std::size_t, protocol::PacketKind>, protocol::Slice> last_sent_;
    std::vector<std::vector<bool>> link_;
    std::vector<int> colours_;
    NetworkFaults faults_;
    bool port_unreachable_ = false;
    std::size_t drops_left_ = 0;
    std::function<bool(protocol::PacketKind, std::size_t, std::size_t)> drop_match_;
    protocol::Rng network_rng_;
    protocol::Rng entropy_;
    Instant now_;
    std::uint64_t order_ = 0;
    std::priority_queue<Event> events_;
    std::uint64_t packets_sent_ = 0;
    std::uint64_t bytes_resent_ = 0;
    std::set<std::pair<std::uint64_t, std::uint64_t>> data_sent_;  ///< ring counters and numbers
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> narrow_;
    std::vector<std::string> trace_;
    HostTracer tracer_{*this};
};

}  // namespace spread::sim
