#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "membership/engine_output.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/routing.hpp"
#include "tests/sim/names.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/scenario_names.hpp"

namespace spread::sim {

class Simulator;

/// What a datagram is, as far as faults care; read without checking anything.
struct PacketLabel {
    protocol::PacketKind kind{};
    std::uint32_t pass = 0;  ///< of a commit token
};
/// Whether a packet of kind `packet` has `kind` in it: data with a token has both.
[[nodiscard]] constexpr bool carries(protocol::PacketKind packet, protocol::PacketKind kind) {
    using enum protocol::PacketKind;
    return packet == kind || (packet == kDataToken && (kind == kData || kind == kToken));
}
[[nodiscard]] PacketLabel label_of(const protocol::Slice& datagram);

/// Links between daemons, segments, and everything that happens to packets on the way. Luck is
/// counter-based: it depends on link and packet number only, so that leaving one fault out of a
/// scenario does not change what happens to the other packets.
class Network {
  public:
    Network(Simulator& simulator, const Scenario& scenario);

    // Faults.
    void partition(const std::vector<std::vector<DaemonIndex>>& parts);
    void heal();
    void set_link(DaemonIndex from, DaemonIndex to, bool up);
    void clog(DaemonIndex from, DaemonIndex to, bool on);
    void block(Way way, DaemonIndex from, DaemonIndex to, bool on);
    void drop_next(const Step& filter);
    /// Until heal().
    void delay(const Step& filter);
    void set_rates(const Rates& rates) { rates_ = rates; }
    [[nodiscard]] const Rates& rates() const { return rates_; }
    [[nodiscard]] int colour(DaemonIndex daemon) const { return colours_[daemon]; }
    [[nodiscard]] bool is_up(DaemonIndex from, DaemonIndex to) const {
        return link(from, to).up && colours_[from] == colours_[to];
    }

    /// Whom a datagram for all of `from` is sent to by itself as well.
    void send_one_by_one(DaemonIndex from, const protocol::MemberList& daemons);
    [[nodiscard]] const std::vector<DaemonIndex>& segment_mates(DaemonIndex daemon) const {
        return segment_mates_[daemon];
    }
    /// Takes one datagram of `from` to everybody it is for. False when the sender died meanwhile
    /// (a step of the script hit it).
    bool send(DaemonIndex from, const membership::OutboundPacket& packet);
    /// The same, and where `from` has heard of daemons that have not proven to be there.
    bool greet(DaemonIndex from, const membership::OutboundPacket& packet);
    /// Where daemons are, and what resolvers say.
    [[nodiscard]] Names& names() { return names_; }
    /// Where the datagrams of `from` for `to` go, and its challenges as well (0: nowhere else), in
    /// a scenario with names.
    void set_ways(DaemonIndex from, DaemonIndex to, std::vector<Names::Address> ways,
                  Names::Address claim);
    /// A datagram, by which of its receiver's sockets it comes, and from where.
    struct Parcel {
        protocol::Slice datagram;
        membership::Arrival arrival{};
        Names::Address source = 0;
    };
    /// The packet of a kPacket event.
    [[nodiscard]] Parcel take(std::uint32_t slot);
    [[nodiscard]] std::uint64_t packets_sent() const { return packets_sent_; }
    /// When the last of the packets under way arrives.
    [[nodiscard]] protocol::Instant latest_arrival() const { return latest_arrival_; }
    /// Forgets everything in flight, so that buffers return.
    void clear();

  private:
    struct Link {
        bool up = true;
        bool clogged = false;
        std::array<bool, kWayWords.size()> blocked{};  ///< by Way
        std::uint64_t packets = 0;
        std::vector<Parcel> held;
        std::vector<Names::Address> ways;
        Names::Address claim = 0;
    };
    struct Filter {
        std::optional<protocol::PacketKind> kind;
        std::optional<DaemonIndex> from;
        std::optional<DaemonIndex> to;
        std::int64_t left = 0;  ///< to drop; of a delay, its microseconds
    };
    enum class Question : std::uint8_t {
        kLoss,
        kBurst,
        kDuplicate,
        kLate,
        kReorder,
        kReorderBy,
        kCorrupt,
        kCorruptHow,
        kReplay,
        kReplayWhich,
        kJitter,
        kForge,
        kForgeHow
    };

    [[nodiscard]] Link& link(DaemonIndex from, DaemonIndex to) {
        return links_[from * daemons_ + to];
    }
    [[nodiscard]] const Link& link(DaemonIndex from, DaemonIndex to) const {
        return links_[from * daemons_ + to];
    }
    bool send_to(DaemonIndex from, DaemonIndex to, const Parcel& parcel, PacketLabel label);
    void send_by_ways(DaemonIndex from, DaemonIndex to, const Parcel& parcel, PacketLabel label);
    void transmit(DaemonIndex from, DaemonIndex to, const Parcel& parcel, PacketLabel label);
    [[nodiscard]] bool is_blocked(const Link& link, const Parcel& parcel) const;
    /// The port that `parcel` is for is closed, and was meant for it alone.
    [[nodiscard]] bool rejects(DaemonIndex from, DaemonIndex to, const Parcel& parcel);
    [[nodiscard]] static bool applies(const Filter& filter, DaemonIndex from, DaemonIndex to,
                                      PacketLabel label);
    [[nodiscard]] protocol::Duration delay_on_purpose(DaemonIndex from, DaemonIndex to,
                                                      PacketLabel label) const;
    [[nodiscard]] bool is_filtered(DaemonIndex from, DaemonIndex to, PacketLabel label);
    void schedule(DaemonIndex to, Parcel parcel, protocol::Duration delay);
    [[nodiscard]] protocol::Duration delay_of(std::uint64_t luck) const;
    [[nodiscard]] protocol::Slice corrupted(const protocol::Slice& datagram,
                                            std::uint64_t luck) const;
    /// What an adversary without the key makes of what he has seen on a sealed ring.
    [[nodiscard]] Parcel forged(std::uint64_t luck) const;
    void record(const Parcel& parcel, protocol::PacketKind kind);
    /// Some packet of the past.
    [[nodiscard]] const Parcel& recorded(std::uint64_t luck) const;

    Simulator& simulator_;
    std::uint64_t luck_;
    std::size_t daemons_;
    std::size_t large_bytes_;                              ///< datagrams above are large
    std::vector<std::vector<DaemonIndex>> segment_mates_;  ///< by daemon
    std::vector<std::vector<DaemonIndex>> unicasts_;       ///< by daemon, of a datagram to all
    std::vector<std::vector<DaemonIndex>> one_by_one_;     ///< by daemon, of its segment mates
    Names names_;
    bool has_names_;
    bool greets_ = false;
    std::vector<Link> links_;
    std::vector<int> colours_;
    std::vector<std::uint32_t> burst_left_;  ///< by receiver
    std::vector<Filter> filters_;
    std::vector<Filter> delays_;
    Rates rates_;
    std::vector<Parcel> in_flight_;
    std::vector<std::uint32_t> free_slots_;
    // Some packets of the past, copied so that they do not hold pool blocks.
    std::vector<Parcel> firsts_;  ///< of each kind
    std::vector<Parcel> samples_;
    std::array<std::uint8_t, static_cast<std::size_t>(protocol::kLastPacketKind) + 1> firsts_of_{};
    std::uint64_t packets_sent_ = 0;
    protocol::Instant latest_arrival_{};
};

}  // namespace spread::sim
