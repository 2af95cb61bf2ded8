#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/driver/transport.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/send_errors.hpp"
#include "membership/engine_output.hpp"
#include "protocol/buffer.hpp"
#include "protocol/counters.hpp"
#include "protocol/roster.hpp"
#include "protocol/routing.hpp"

namespace spread::daemon {

/// What the transport asks for each of its sockets; the kernel may give less.
inline constexpr int kReceiveBufferBytes = 8 << 20;

/// What the transport asks of kernel and memory. Tests take features away.
struct TransportSetup {
    bool segmentation = true;  ///< UDP_SEGMENT: many datagrams of one size in one message
    bool coalescing = true;    ///< UDP_GRO: the same on the way in, for data sockets
    std::size_t block_bytes = 65536;
    std::size_t blocks_max = 512;
};

/// The ring's UDP sockets: which exist, where they are bound, and which addresses a Destination
/// means. Sends and receives in batches and never blocks.
///
/// Sockets: data on the segment's port P and tokens on P+1, both bound to the daemon's own address
/// (or to each D address of its interface stanza), and for a segment of several daemons one more on
/// each multicast or broadcast address of the segment. Stock binds the any-address instead, so that
/// daemons with different addresses and the same port cannot share a host.
/// Everything is sent through the first data socket, so the kernel keeps the engine's order.
///
/// A segment address that can reach nobody here (a loopback one, or unicast) is replaced by a copy
/// to each daemon of the segment.
///
/// Segmentation: datagrams of one size to one place cross the network stack as one message, both
/// ways, because the way through the stack is what a datagram costs. Equal sizes are the packer's
/// doing. Every socket receives into blocks as long as a UDP datagram can be, which is what a
/// coalesced burst may fill and what the longest commit token needs.
///
/// Memory: a receipt of at least a quarter of a block is cut into slices of that block, so what is
/// kept of it keeps at most four times its payload as long as all of it is kept, and at most one
/// block when a single datagram is left. Smaller ones are copied into blocks of the caller's pool:
/// that costs less than the cache misses of a fresh block for each. The large blocks never exceed
/// `blocks_max` (32 MiB); when that many are kept, everything is copied.
class UdpTransport final : public driver::Transport {
  public:
    /// Receipts taken by one call. Each may be up to a block of datagrams; a call must end soon,
    /// for the engine decides after it which socket to read next.
    static constexpr std::size_t kReceiptsMax = 8;

    struct Socket {
        UniqueFd fd;
        membership::Channel channel = membership::Channel::kData;
        Endpoint bound;
        bool group = false;                    ///< bound to a multicast or broadcast address
        bool any_address = false;              ///< takes what is sent to groups as well
        bool coalescing = false;               ///< UDP_GRO is on
        bool readable = false;                 ///< may have something, as far as is known
        std::size_t receive_buffer_bytes = 0;  ///< what the kernel granted, its own cost included
    };

    /// Opens and binds everything; throws StartupError. What on_datagram() is given must not
    /// outlive this object.
    UdpTransport(const config::Configuration& configuration, std::size_t self,
                 const std::vector<LocalAddress>& locals, const TransportSetup& setup = {});
    UdpTransport(const UdpTransport&) = delete;
    UdpTransport& operator=(const UdpTransport&) = delete;

    [[nodiscard]] const std::vector<Socket>& sockets() const { return sockets_; }

    /// Bytes of datagrams that may wait in the smallest receive buffer of a data socket before the
    /// kernel drops some: half of what it reports, the other half being for its own cost.
    [[nodiscard]] std::size_t receive_room_bytes() const;

    /// Receives up to kReceiptsMax receipts from one socket and calls
    /// `on_datagram(const protocol::Slice&, membership::Arrival, const Endpoint& source)` for each
    /// datagram in them, in the order of their arrival. `pool` supplies the blocks of small ones.
    /// False means the socket is drained and need not be asked again before epoll says so.
    template <typename OnDatagram>
    [[nodiscard]] bool receive_from(const Socket& socket, protocol::BufferPool& pool,
                                    OnDatagram&& on_datagram) {
        const std::size_t count = receive_batch(socket);
        protocol::BufferRef copy;
        for (std::size_t i = 0; i < count; ++i) {
            const std::optional<Receipt> receipt = take_receipt(socket, i);
            if (!receipt) {
                continue;
            }
            const Endpoint& source = sources_[i];
            const auto arrival = membership::arrival_by(socket.channel, receipt->to_group);
            const bool in_place = keeps_in_place(*receipt);
            std::size_t offset = 0;
            do {
                const std::size_t length =
                    std::min(receipt->bytes - offset, receipt->segment_bytes);
                protocol::Slice datagram{in_place ? blocks_[i] : std::exchange(copy, {}),
                                         static_cast<std::uint32_t>(in_place ? offset : 0),
                                         static_cast<std::uint32_t>(length)};
                if (!in_place) {
                    copy_datagram(i, offset, datagram, pool);
                }
                on_datagram(static_cast<const protocol::Slice&>(datagram), arrival, source);
                if (!in_place && datagram.buffer.unique()) {
                    copy = std::move(datagram.buffer);  // nobody kept it
                }
                offset += length;
            } while (offset < receipt->bytes);
            if (in_place && !blocks_[i].unique()) {
                blocks_[i] = std::exchange(spare_, {});
            }
        }
        return count == kReceiptsMax;
    }

    /// Sends in order. What the kernel refuses is counted and lost, as on the wire.
    void send(std::span<const membership::OutboundPacket> packets) override;
    void send_one_by_one(const protocol::MemberList& daemons) override;
    void greet(std::span<const membership::OutboundPacket> packets) override;
    /// From the first readable socket of `channel`. It stays readable as long as it fills batches.
    [[nodiscard]] bool receive(membership::Channel channel, driver::Inbox& inbox) override;
    [[nodiscard]] bool has_unread() override;
    void read_errors(driver::Inbox& inbox) override;

    // What epoll says of sockets(), by index.
    void forget_ready();
    void note_readable(std::size_t socket) { sockets_[socket].readable = true; }
    void note_errors() { errors_waiting_ = true; }
    /// Where the datagram comes from that is being put into an inbox.
    [[nodiscard]] const Endpoint& source() const { return *source_; }

    /// Reads what peers' kernels said about datagrams of ours and calls
    /// `on_unreachable(protocol::DaemonId)` for each daemon that nobody listens for.
    template <typename OnUnreachable>
    void read_unreachable(OnUnreachable&& on_unreachable) {
        while (const auto peer = next_unreachable()) {
            if (*peer) {
                on_unreachable(*peer);
            }
        }
    }

    /// The own address is on another interface now, or on one that was made anew: joins the groups
    /// there and sends by it. Returns what went wrong, or an empty text.
    [[nodiscard]] std::string follow(const LocalAddress& own);
    /// Where a daemon is that has no literal address: `ways`, two at most, and `claim`, which
    /// greet() uses as well.
    void set_ways(protocol::DaemonIndex daemon, std::span<const config::IpAddress> ways,
                  const std::optional<config::IpAddress>& claim);
    void count_unknown_source() { ++counters_.unknown_sources; }
    /// Whether the interface of the own address has a link. While it has none, nothing is sent to
    /// single daemons of other hosts: each such datagram would keep the kernel looking for their
    /// hardware addresses, and when the link is back that answers to its own clock of a second.
    void set_link(bool up, const std::vector<LocalAddress>& locals);

    [[nodiscard]] const protocol::TransportCounters& counters() const { return counters_; }
    /// Asks the kernel how many datagrams it has dropped at full receive buffers.
    void count_socket_drops();
    [[nodiscard]] const protocol::RoutePlan& route() const { return route_; }
    /// Whom a datagram for all reaches by a group address, as long as the network carries that.
    [[nodiscard]] const protocol::MemberList& group_mates() const { return group_mates_; }
    [[nodiscard]] bool segmentation_offload() const { return segmentation_; }
    /// Large blocks in use: kReceiptsMax and a spare one of our own, and those with kept slices.
    [[nodiscard]] std::size_t blocks_in_use() const { return block_pool_.blocks_in_use(); }

  private:
    /// Where a daemon receives: as a rule, one address and two ports. While it is not certain where
    /// it is, there are none, or several, and further ones for greetings.
    struct Peer {
        static constexpr std::size_t kWaysMax = 3;

        std::array<Endpoint, kWaysMax> data;
        std::array<Endpoint, kWaysMax> token;
        std::uint16_t port = 0;
        std::size_t ways = 0;
        std::size_t greeted = 0;

        void add(const config::IpAddress& address, unsigned scope);
        [[nodiscard]] std::span<const Endpoint> endpoints(bool is_token, bool is_greeting) const {
            return {is_token ? token.data() : data.data(), is_greeting ? greeted : ways};
        }
    };

    /// One datagram, or a coalesced run of them; the last may be shorter.
    struct Receipt {
        std::size_t bytes = 0;
        std::size_t segment_bytes = 0;
        bool to_group = false;
    };

    static constexpr std::size_t kSendMessagesMax = 128;
    static constexpr std::size_t kSegmentsMax = 64;  // UDP_MAX_SEGMENTS of the kernel
    static constexpr std::size_t kSendSlicesMax = 1024;
    static constexpr std::size_t kSegmentedBytesMax = 65000;

    /// Ancillary data of one segmented message.
    struct alignas(cmsghdr) SegmentControl {
        std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> bytes{};
    };

    /// Ancillary data of one receipt: the segment size, which the kernel gives as an int, and of an
    /// any_address socket the destination.
    struct alignas(cmsghdr) ReceiptControl {
        std::array<std::byte, CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};
    };

    void open_sockets(const config::Configuration& configuration, std::size_t self,
                      const LocalAddress& own, bool shares_host,
                      const std::vector<config::IpAddress>& groups);
    void plan(const config::Configuration& configuration, std::size_t self, unsigned scope,
              const std::vector<config::IpAddress>& groups);
    Socket open_socket(const Endpoint& at, membership::Channel channel, bool group,
                       const std::string& daemon_name);

    void list_everyone();
    std::size_t receive_batch(const Socket& socket);
    [[nodiscard]] std::optional<Receipt> take_receipt(const Socket& socket, std::size_t index);
    [[nodiscard]] bool keeps_in_place(const Receipt& receipt);
    void copy_datagram(std::size_t index, std::size_t offset, protocol::Slice& datagram,
                       protocol::BufferPool& pool) const;

    [[nodiscard]] std::span<const Endpoint> targets(const membership::OutboundPacket& packet) const;
    void add_message(const Endpoint& to, std::size_t first_slice, std::size_t slices,
                     std::size_t segment_bytes);
    void flush_messages();
    void send_one_by_one(const msghdr& message);
    std::optional<protocol::DaemonId> next_unreachable();
    void note_refused(int error, const msghdr& message);
    [[nodiscard]] std::optional<protocol::DaemonIndex> daemon_at(const Endpoint& endpoint) const;

    /// A socket that is a member of a multicast group.
    struct Membership {
        std::size_t socket;
        config::IpAddress group;
    };

    std::vector<Socket> sockets_;
    std::vector<Membership> memberships_;
    protocol::Roster roster_;
    std::vector<Peer> peers_;  ///< by place in roster_
    SendErrors send_errors_;
    protocol::DaemonSet refused_;  ///< not sent to since the last read_errors()
    protocol::RoutePlan route_;
    protocol::DaemonSet others_;            // all daemons but this one
    std::vector<Endpoint> groups_;          // addresses of the own segment that reach all of it
    protocol::MemberList group_mates_;      // whom they reach if all is well
    std::vector<Endpoint> everyone_data_;   // where kAll goes
    std::vector<Endpoint> everyone_token_;  // tokens for all always fan out
    std::vector<Endpoint> out_of_reach_;    // without a link: of daemons of other hosts
    protocol::MemberList one_by_one_;
    bool greets_ = false;
    bool segmentation_ = false;
    bool errors_waiting_ = false;
    const Endpoint* source_ = nullptr;
    protocol::TransportCounters counters_;

    protocol::BufferPool block_pool_;
    std::array<protocol::BufferRef, kReceiptsMax> blocks_;
    protocol::BufferRef spare_;  // takes the place of a block that is kept
    std::array<Endpoint, kReceiptsMax> sources_;
    std::array<iovec, kReceiptsMax> receive_slices_{};
    std::array<ReceiptControl, kReceiptsMax> receive_controls_{};
    std::array<mmsghdr, kReceiptsMax> receive_headers_{};

    std::array<iovec, kSendSlicesMax> send_slices_{};
    std::array<mmsghdr, kSendMessagesMax> send_headers_{};
    std::array<SegmentControl, kSendMessagesMax> send_controls_{};
    std::size_t slices_used_ = 0;
    std::size_t messages_used_ = 0;
};

}  // namespace spread::daemon
