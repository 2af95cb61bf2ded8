#include "daemon/driver/sealed_traffic.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "protocol/ring_wire.hpp"

namespace spread::driver {
namespace {

using membership::Channel;
using membership::Destination;
using membership::OutboundPacket;
using sealing::kSealRoomBytes;

bool goes_to_group(const OutboundPacket& packet) {
    return packet.destination == Destination::kAll && packet.channel == Channel::kData;
}

}  // namespace

// Out -----------------------------------------------------------------------------------------

void SealedTraffic::send(protocol::Instant now, Packets packets, Transport& transport) {
    if (!seal_.seals()) {
        transport.send(packets);
        return;
    }
    wanted_ = 0;
    for (const OutboundPacket& packet : packets) {
        wanted_ += copies_of(packet) * (packet.datagram.length + kSealRoomBytes);
    }
    seal_.begin_batch(now);
    for (std::size_t first = 0; first < packets.size();) {
        // Runs stay runs, so that the transport can send them as one.
        std::size_t last = first + 1;
        while (last < packets.size() &&
               goes_to_group(packets[last]) == goes_to_group(packets[first])) {
            ++last;
        }
        const Packets run = packets.subspan(first, last - first);
        for (const OutboundPacket& packet : run) {
            add(packet, packet.destination, packet.to, transport);
        }
        if (goes_to_group(run.front())) {
            for (const protocol::DaemonId daemon : one_by_one_) {
                for (const OutboundPacket& packet : run) {
                    add(packet, Destination::kDaemon, daemon, transport);
                }
            }
        }
        first = last;
    }
    flush(transport);
}

std::size_t SealedTraffic::copies_of(const OutboundPacket& packet) const {
    return goes_to_group(packet) ? 1 + one_by_one_.size() : 1;
}

void SealedTraffic::add(const OutboundPacket& packet, Destination destination,
                        protocol::DaemonId to, Transport& transport) {
    const auto text = packet.datagram.bytes();
    const auto out = room(text.size() + kSealRoomBytes, transport);
    seal_.seal(text, out);
    sealed_.push_back({destination,
                       packet.channel,
                       to,
                       {arena_, static_cast<std::uint32_t>(used_ - out.size()),
                        static_cast<std::uint32_t>(out.size())}});
}

/// In the arena; another one when the transport still holds this one.
std::span<std::byte> SealedTraffic::room(std::size_t bytes, Transport& transport) {
    if (!arena_ || used_ + bytes > arena_->capacity()) {
        flush(transport);
    }
    if (used_ == 0) {
        const std::size_t batch = std::max(bytes, std::min(std::bit_ceil(wanted_), kArenaBytesMax));
        // One made for a token must not cut later bursts into single datagrams.
        if (!arena_.unique() || arena_->capacity() < batch) {
            arena_ = protocol::BufferRef::allocate(batch);
        }
    }
    wanted_ -= std::min(wanted_, bytes);
    used_ += bytes;
    return {arena_->data() + used_ - bytes, bytes};
}

void SealedTraffic::flush(Transport& transport) {
    if (!sealed_.empty()) {
        if (greets_) {
            transport.greet(sealed_);
        } else {
            transport.send(sealed_);
        }
        sealed_.clear();
    }
    used_ = 0;
}

void SealedTraffic::send_one_by_one(const protocol::MemberList& daemons, Transport& transport) {
    one_by_one_ = daemons;
    transport.send_one_by_one(seal_.seals() ? protocol::MemberList() : one_by_one_);
}

void SealedTraffic::send_hellos(Transport& transport) {
    if (seal_.hellos().empty()) {
        return;
    }
    greets_ = true;
    for (const auto& hello : seal_.hellos()) {
        const auto out = room(hello.bytes.size(), transport);
        std::copy(hello.bytes.begin(), hello.bytes.end(), out.begin());
        sealed_.push_back({Destination::kDaemon,
                           hello.by_token_port ? Channel::kToken : Channel::kData,
                           hello.to,
                           {arena_, static_cast<std::uint32_t>(used_ - out.size()),
                            static_cast<std::uint32_t>(out.size())}});
    }
    seal_.clear_hellos();
    flush(transport);
    greets_ = false;
}

// In ------------------------------------------------------------------------------------------

std::optional<sealing::OpenedDatagram> SealedTraffic::open(protocol::Instant now,
                                                           membership::Arrival arrival,
                                                           const protocol::Slice& datagram) {
    refusal_ = sealing::Refusal::kNone;
    const auto way = static_cast<std::uint8_t>(arrival);
    if (sealing::is_sealed(datagram.bytes())) {
        auto opened = seal_.open(now, datagram, way);
        refusal_ = opened.refusal;
        return std::move(opened.datagram);
    }
    // What is not of a ring at all is the host's business: the engine says so without reading it.
    if (protocol::is_ring_datagram(datagram.bytes()) && !seal_.takes_plain()) {
        refusal_ = sealing::Refusal::kPlain;
        return std::nullopt;
    }
    return sealing::OpenedDatagram{datagram, way, {}, 0};
}

void SealedTraffic::change(sealing::Mode mode, sealing::KeyRing keys, Transport& transport) {
    seal_.change(mode, std::move(keys));
    send_one_by_one(protocol::MemberList(one_by_one_), transport);
}

}  // namespace spread::driver
