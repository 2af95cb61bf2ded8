#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/endpoint.hpp"
#include "daemon/host_facts.hpp"
#include "daemon/unique_fd.hpp"
#include "membership/ring_engine.hpp"
#include "protocol/buffer.hpp"
#include "protocol/routing.hpp"

namespace spread::daemon {

/// Counters of the transport; plain integers, one writer.
struct TransportStats {
    std::uint64_t datagrams_sent = 0;  ///< handed to the kernel, fan-out copies counted
    std::uint64_t datagrams_received = 0;
    std::uint64_t send_calls = 0;
    std::uint64_t receive_calls = 0;
    std::uint64_t segmented_sends = 0;  ///< runs sent as one UDP_SEGMENT message
    std::uint64_t send_losses = 0;      ///< refused by the kernel; the ring repairs them
    std::uint64_t truncated = 0;        ///< larger than any datagram of ours
    std::uint64_t peer_errors = 0;      ///< port-unreachable messages
};

/// The ring's UDP sockets: which exist, where they are bound, and which addresses a Destination
/// means. Sends and receives in batches and never blocks.
///
/// Sockets: data on the segment's port P and tokens on P+1, both bound to the daemon's own address
/// (or to each D address of its interface stanza), and for a segment of several daemons one more on
/// each multicast or broadcast address of the segment. Stock binds the any-address instead, so that
/// daemons with different addresses and the same port cannot share a host (configuration 5).
/// Everything is sent through the first data socket, so the kernel keeps the engine's order.
///
/// A segment address that can reach nobody here (a loopback one, or unicast) is replaced by a copy
/// to each daemon of the segment.
class UdpTransport {
  public:
    static constexpr std::size_t kReceiveBatchMax = 64;

    struct Socket {
        UniqueFd fd;
        membership::Channel channel = membership::Channel::kData;
        Endpoint bound;
        bool group = false;                    ///< bound to a multicast or broadcast address
        std::size_t receive_buffer_bytes = 0;  ///< what the kernel granted
    };

    /// Opens and binds everything; throws StartupError.
    UdpTransport(const config::Configuration& configuration, std::size_t self,
                 const std::vector<LocalAddress>& locals);
    UdpTransport(const UdpTransport&) = delete;
    UdpTransport& operator=(const UdpTransport&) = delete;

    [[nodiscard]] const std::vector<Socket>& sockets() const { return sockets_; }

    /// Receives up to kReceiveBatchMax datagrams from one socket into blocks of `pool` and calls
    /// `on_datagram(const protocol::Slice&, const Endpoint& source)` for each. Returns how many the
    /// kernel had: fewer than kReceiveBatchMax means the socket is drained. Blocks nobody kept are
    /// used again.
    template <typename OnDatagram>
    std::size_t receive(const Socket& socket, protocol::BufferPool& pool,
                        OnDatagram&& on_datagram) {
        const std::size_t count = receive_batch(socket, pool);
        for (std::size_t i = 0; i < count; ++i) {
            if (!accept_datagram(socket, i)) {
                continue;
            }
            protocol::Slice datagram = take_datagram(i);
            on_datagram(static_cast<const protocol::Slice&>(datagram), sources_[i]);
            if (!blocks_[i] && datagram.buffer.unique()) {
                blocks_[i] = std::move(datagram.buffer);
            }
        }
        return count;
    }

    /// Sends in order. What the kernel refuses is counted and lost, as on the wire.
    void send(std::span<const membership::OutboundPacket> packets);

    /// Reads what peers' kernels said about datagrams of ours and calls
    /// `on_unreachable(protocol::DaemonId)` for each daemon that nobody listens for.
    template <typename OnUnreachable>
    void read_errors(OnUnreachable&& on_unreachable) {
        while (const auto peer = next_unreachable()) {
            if (*peer) {
                on_unreachable(*peer);
            }
        }
    }

    [[nodiscard]] const TransportStats& stats() const { return stats_; }
    [[nodiscard]] const protocol::RoutePlan& route() const { return route_; }
    [[nodiscard]] bool segmentation_offload() const { return segmentation_; }

    /// Gives up the received blocks still held, so that their pool may end before this object.
    void release_blocks();

  private:
    struct Peer {
        protocol::DaemonId id;
        Endpoint data;
        Endpoint token;
    };

    static constexpr std::size_t kExcessBytes = 65536;
    static constexpr std::size_t kSendMessagesMax = 128;
    static constexpr std::size_t kSegmentsMax = 64;  // UDP_MAX_SEGMENTS of the kernel
    static constexpr std::size_t kSendSlicesMax = 1024;
    static constexpr std::size_t kSegmentedBytesMax = 65000;

    /// Ancillary data of one segmented message.
    struct alignas(cmsghdr) SegmentControl {
        std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> bytes{};
    };

    void open_sockets(const config::Configuration& configuration, std::size_t self,
                      const LocalAddress& own, bool shares_host,
                      const std::vector<config::IpAddress>& groups);
    Socket open_socket(const Endpoint& at, membership::Channel channel, bool group,
                       const std::string& daemon_name);
    bool join(int fd, const config::IpAddress& group, const LocalAddress& own);

    std::size_t receive_batch(const Socket& socket, protocol::BufferPool& pool);
    [[nodiscard]] bool accept_datagram(const Socket& socket, std::size_t index);
    [[nodiscard]] protocol::Slice take_datagram(std::size_t index);

    [[nodiscard]] std::span<const Endpoint> targets(const membership::OutboundPacket& packet) const;
    void add_message(const Endpoint& to, std::size_t first_slice, std::size_t slices,
                     std::size_t segment_bytes);
    void flush_messages();
    void send_one_by_one(const msghdr& message);
    std::optional<protocol::DaemonId> next_unreachable();

    std::vector<Socket> sockets_;
    std::vector<Peer> peers_;
    protocol::RoutePlan route_;
    std::vector<Endpoint> everyone_data_;   // where kAll goes
    std::vector<Endpoint> everyone_token_;  // tokens for all always fan out
    bool segmentation_ = false;
    TransportStats stats_;

    std::array<protocol::BufferRef, kReceiveBatchMax> blocks_;
    std::array<Endpoint, kReceiveBatchMax> sources_;
    // A block and, behind it, room for what exceeds it: commit tokens and tokens full of requests
    // may be as long as a UDP datagram can be. The room costs memory only where it is used.
    std::array<std::array<iovec, 2>, kReceiveBatchMax> receive_slices_{};
    std::unique_ptr<std::byte[]> excess_;
    std::array<mmsghdr, kReceiveBatchMax> receive_headers_{};

    std::array<iovec, kSendSlicesMax> send_slices_{};
    std::array<mmsghdr, kSendMessagesMax> send_headers_{};
    std::array<SegmentControl, kSendMessagesMax> send_controls_{};
    std::size_t slices_used_ = 0;
    std::size_t messages_used_ = 0;
};

}  // namespace spread::daemon
