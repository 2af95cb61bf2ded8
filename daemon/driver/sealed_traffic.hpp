#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/driver/transport.hpp"
#include "membership/engine_output.hpp"
#include "protocol/buffer.hpp"
#include "protocol/time.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::driver {

/// What stands between engine and transport on a ring with a key: the engine's datagrams go out
/// sealed, by whoever transmits them, and what arrives is opened where it lies. Engine, windows and
/// retransmission see plain datagrams.
///
/// Sealed bytes need memory of their own, an arena that is used again as soon as the transport has
/// given it back.
class SealedTraffic {
  public:
    /// `entropy` outlives this object.
    SealedTraffic(sealing::RingSeal::Setup setup, sealing::Entropy& entropy)
        : seal_(std::move(setup), entropy) {}

    /// In this order, as Transport::send().
    void send(protocol::Instant now, std::span<const membership::OutboundPacket> packets,
              Transport& transport);
    /// As Transport::send_one_by_one(). Copies that go to a daemon by itself are sealed by
    /// themselves: of two copies with one number the second would count as repeated, though it
    /// shows that another way is open.
    void send_one_by_one(const protocol::MemberList& daemons, Transport& transport);
    /// What the sealing layers have to say to each other.
    void send_hellos(Transport& transport);

    /// What the engine gets of a datagram that has arrived. The bytes of a sealed one are changed,
    /// so nobody else may hold them; of a plain one the stream is 0.
    [[nodiscard]] std::optional<sealing::OpenedDatagram> open(protocol::Instant now,
                                                              membership::Arrival arrival,
                                                              const protocol::Slice& datagram);
    /// Why the last one was not taken.
    [[nodiscard]] sealing::Refusal last_refusal() const { return refusal_; }

    void change(sealing::Mode mode, sealing::KeyRing keys, Transport& transport);

    [[nodiscard]] sealing::RingSeal& seal() { return seal_; }
    [[nodiscard]] const sealing::RingSeal& seal() const { return seal_; }

  private:
    /// More than fits into one batch of the transport.
    static constexpr std::size_t kArenaBytesMax = 160U << 10U;

    using Packets = std::span<const membership::OutboundPacket>;

    void add(const membership::OutboundPacket& packet, membership::Destination destination,
             protocol::DaemonId to, Transport& transport);
    [[nodiscard]] std::size_t copies_of(const membership::OutboundPacket& packet) const;
    [[nodiscard]] std::span<std::byte> room(std::size_t bytes, Transport& transport);
    void flush(Transport& transport);

    sealing::RingSeal seal_;
    protocol::MemberList one_by_one_;
    protocol::BufferRef arena_;
    std::size_t used_ = 0;    ///< of the arena
    std::size_t wanted_ = 0;  ///< by what is still to be sealed in this call
    std::vector<membership::OutboundPacket> sealed_;
    bool greets_ = false;  ///< what is in `sealed_` are hellos
    sealing::Refusal refusal_ = sealing::Refusal::kNone;
};

}  // namespace spread::driver
