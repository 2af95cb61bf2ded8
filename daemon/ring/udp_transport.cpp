#include "daemon/ring/udp_transport.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "daemon/host/clock.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/ring/error_queue.hpp"

namespace spread::daemon {
namespace {

/// Errors that an earlier datagram left on the socket; the present one was not even tried.
bool is_left_over(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENETDOWN || error == EPROTO || error == ENOPROTOOPT;
}

/// The ancillary data says that the datagram was sent to a multicast or broadcast address.
bool names_group(const cmsghdr& option) {
    if (option.cmsg_level == IPPROTO_IP && option.cmsg_type == IP_PKTINFO &&
        option.cmsg_len >= CMSG_LEN(sizeof(in_pktinfo))) {
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(&option), sizeof info);
        // The kernel gives the local address as well: it differs from the destination of a
        // datagram that was sent to more than this host.
        return info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
    }
    if (option.cmsg_level == IPPROTO_IPV6 && option.cmsg_type == IPV6_PKTINFO &&
        option.cmsg_len >= CMSG_LEN(sizeof(in6_pktinfo))) {
        in6_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(&option), sizeof info);
        return IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
    }
    return false;
}

}  // namespace

std::size_t UdpTransport::receive_room_bytes() const {
    std::size_t smallest = std::numeric_limits<std::size_t>::max();
    for (const Socket& socket : sockets_) {
        if (socket.channel == membership::Channel::kData) {
            smallest = std::min(smallest, socket.receive_buffer_bytes / 2);
        }
    }
    return smallest;
}

void UdpTransport::forget_ready() {
    for (Socket& socket : sockets_) {
        socket.readable = false;
    }
    errors_waiting_ = false;
}

bool UdpTransport::receive(membership::Channel channel, driver::Inbox& inbox) {
    for (Socket& socket : sockets_) {
        if (socket.readable && socket.channel == channel) {
            socket.readable =
                receive_from(socket, inbox.pool(),
                             [&](const protocol::Slice& datagram, membership::Arrival arrival,
                                 const Endpoint& source) {
                                 source_ = &source;
                                 inbox.take(arrival, datagram);
                             });
            return true;
        }
    }
    return false;
}

bool UdpTransport::has_unread() {
    std::vector<pollfd> asked;
    for (const Socket& socket : sockets_) {
        asked.push_back({socket.fd.get(), POLLIN, 0});
    }
    ::poll(asked.data(), asked.size(), 0);
    return std::any_of(asked.begin(), asked.end(),
                       [](const pollfd& socket) { return (socket.revents & POLLIN) != 0; });
}

void UdpTransport::read_errors(driver::Inbox& inbox) {
    if (std::exchange(errors_waiting_, false)) {
        read_unreachable([&inbox](protocol::DaemonId peer) { inbox.note_unreachable(peer); });
    }
    for (const protocol::DaemonIndex peer : std::exchange(refused_, {})) {
        inbox.note_refused(roster_.id(peer));
    }
}

void UdpTransport::count_socket_drops() {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    counters_.socket_drops = 0;
    for (const Socket& socket : sockets_) {
        socklen_t length = sizeof memory;
        if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) == 0) {
            counters_.socket_drops += memory[SK_MEMINFO_DROPS];
        }
    }
}

std::size_t UdpTransport::receive_batch(const Socket& socket) {
    for (std::size_t i = 0; i < kReceiptsMax; ++i) {
        if (!blocks_[i]) {
            blocks_[i] = block_pool_.acquire();  // the first time; kept ones are replaced at once
        }
        receive_slices_[i] = {blocks_[i]->data(), blocks_[i]->capacity()};
        msghdr& header = receive_headers_[i].msg_hdr;
        header = {};
        header.msg_name = &sources_[i].storage;
        header.msg_namelen = sizeof sources_[i].storage;
        header.msg_iov = &receive_slices_[i];
        header.msg_iovlen = 1;
        if (socket.coalescing || socket.any_address) {
            header.msg_control = receive_controls_[i].bytes.data();
            header.msg_controllen = receive_controls_[i].bytes.size();
        }
    }
    // An error left over from an earlier send is reported once and must not look like "drained".
    for (int attempt = 0; attempt < 4; ++attempt) {
        ++counters_.receive_calls;
        const int count = ::recvmmsg(socket.fd.get(), receive_headers_.data(), kReceiptsMax,
                                     MSG_DONTWAIT, nullptr);
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno != EINTR && !is_left_over(errno)) {
            break;
        }
    }
    return 0;
}

/// What the kernel put into block `index`, unless it is cut off or our own.
std::optional<UdpTransport::Receipt> UdpTransport::take_receipt(const Socket& socket,
                                                                std::size_t index) {
    msghdr& header = receive_headers_[index].msg_hdr;
    const std::size_t bytes = receive_headers_[index].msg_len;
    Receipt receipt{bytes, bytes, socket.group};
    for (cmsghdr* option = CMSG_FIRSTHDR(&header); option != nullptr;
         option = CMSG_NXTHDR(&header, option)) {
        if (option->cmsg_level == SOL_UDP && option->cmsg_type == UDP_GRO &&
            option->cmsg_len >= CMSG_LEN(sizeof(int))) {
            int segment_bytes = 0;
            std::memcpy(&segment_bytes, CMSG_DATA(option), sizeof segment_bytes);
            if (segment_bytes > 0) {
                receipt.segment_bytes = std::min(bytes, static_cast<std::size_t>(segment_bytes));
            }
        } else if (socket.any_address) {
            receipt.to_group = receipt.to_group || names_group(*option);
        }
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        ++counters_.truncated;
        return std::nullopt;
    }
    counters_.bytes_received += bytes;
    if (receipt.segment_bytes < bytes) {
        ++counters_.coalesced_receipts;
        counters_.datagrams_received += (bytes + receipt.segment_bytes - 1) / receipt.segment_bytes;
    } else {
        ++counters_.datagrams_received;
    }
    sources_[index].length = header.msg_namelen;
    // Our own group sends come back to the group socket.
    if (socket.group && sources_[index] == sockets_.front().bound) {
        return std::nullopt;
    }
    return receipt;
}

/// Whether slices of a receipt's own block may be handed out, which takes another one to replace
/// it.
bool UdpTransport::keeps_in_place(const Receipt& receipt) {
    if (receipt.bytes < block_pool_.block_bytes() / 4) {
        return false;
    }
    if (!spare_) {
        spare_ = block_pool_.acquire();
    }
    return static_cast<bool>(spare_);
}

/// Gives `datagram` a block of its own, unless it has one already, and its bytes from block
/// `index`.
void UdpTransport::copy_datagram(std::size_t index, std::size_t offset, protocol::Slice& datagram,
                                 protocol::BufferPool& pool) const {
    if (!datagram.buffer || datagram.buffer->capacity() < datagram.length) {
        datagram.buffer = datagram.length <= pool.block_bytes()
                              ? pool.acquire_or_heap()
                              : protocol::BufferRef::allocate(datagram.length);
    }
    std::memcpy(datagram.buffer->data(), blocks_[index]->data() + offset, datagram.length);
}

std::span<const Endpoint> UdpTransport::targets(const membership::OutboundPacket& packet) const {
    const bool token = packet.channel == membership::Channel::kToken;
    if (packet.destination == membership::Destination::kAll) {
        return token ? everyone_token_ : everyone_data_;
    }
    const auto to = roster_.find(packet.to);
    if (!to) {
        return {};
    }
    return peers_[*to].endpoints(token, greets_);
}

void UdpTransport::greet(std::span<const membership::OutboundPacket> packets) {
    greets_ = true;
    send(packets);
    greets_ = false;
}

void UdpTransport::send(std::span<const membership::OutboundPacket> packets) {
    std::size_t first = 0;
    while (first < packets.size()) {
        // The longest run to the same place in datagrams of one size; its last may be shorter.
        const membership::OutboundPacket& head = packets[first];
        const std::size_t size = head.datagram.length;
        std::size_t last = first + 1;
        std::size_t bytes = size;
        while (last < packets.size() && last - first < kSegmentsMax) {
            const membership::OutboundPacket& next = packets[last];
            if (next.destination != head.destination || next.channel != head.channel ||
                next.to != head.to || next.datagram.length > size || next.datagram.length == 0 ||
                bytes + next.datagram.length > kSegmentedBytesMax) {
                break;
            }
            bytes += next.datagram.length;
            ++last;
            if (next.datagram.length < size) {
                break;
            }
        }

        const std::size_t count = last - first;
        if (slices_used_ + count > kSendSlicesMax) {
            flush_messages();
        }
        const std::size_t first_slice = slices_used_;
        for (std::size_t i = first; i < last; ++i) {
            const protocol::Slice& slice = packets[i].datagram;
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the kernel only reads it
            send_slices_[slices_used_++] = {const_cast<std::byte*>(slice.bytes().data()),
                                            slice.length};
        }
        for (const Endpoint& to : targets(head)) {
            if (count > 1 && segmentation_) {
                add_message(to, first_slice, count, size);
                continue;
            }
            for (std::size_t i = 0; i < count; ++i) {
                add_message(to, first_slice + i, 1, 0);
            }
        }
        first = last;
    }
    flush_messages();
}

void UdpTransport::add_message(const Endpoint& to, std::size_t first_slice, std::size_t slices,
                               std::size_t segment_bytes) {
    if (std::find(out_of_reach_.begin(), out_of_reach_.end(), to) != out_of_reach_.end()) {
        counters_.send_losses += slices;
        return;
    }
    if (messages_used_ == kSendMessagesMax) {
        // Slices stay where they are: the rest of this run still refers to them.
        const std::size_t slices_kept = slices_used_;
        flush_messages();
        slices_used_ = slices_kept;
    }
    msghdr& header = send_headers_[messages_used_].msg_hdr;
    header = {};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the kernel only reads it
    header.msg_name = const_cast<sockaddr_storage*>(&to.storage);
    header.msg_namelen = to.length;
    header.msg_iov = &send_slices_[first_slice];
    header.msg_iovlen = slices;
    if (segment_bytes > 0) {
        SegmentControl& control = send_controls_[messages_used_];
        header.msg_control = control.bytes.data();
        header.msg_controllen = control.bytes.size();
        cmsghdr* option = CMSG_FIRSTHDR(&header);
        option->cmsg_level = SOL_UDP;
        option->cmsg_type = UDP_SEGMENT;
        option->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
        const auto value = static_cast<std::uint16_t>(segment_bytes);
        std::memcpy(CMSG_DATA(option), &value, sizeof value);
    }
    ++messages_used_;
}

void UdpTransport::flush_messages() {
    const int fd = sockets_.front().fd.get();
    std::size_t done = 0;
    int attempts = 0;
    while (done < messages_used_) {
        ++counters_.send_calls;
        const int count = ::sendmmsg(fd, &send_headers_[done],
                                     static_cast<unsigned>(messages_used_ - done), MSG_DONTWAIT);
        if (count > 0) {
            for (int i = 0; i < count; ++i) {
                const msghdr& header = send_headers_[done].msg_hdr;
                counters_.datagrams_sent += header.msg_iovlen;
                counters_.bytes_sent += send_headers_[done].msg_len;
                counters_.segmented_sends += header.msg_control != nullptr ? 1 : 0;
                ++done;
            }
            attempts = 0;
            continue;
        }
        const int error = errno;
        if (error == EINTR || (is_left_over(error) && ++attempts < 4)) {
            continue;
        }
        const msghdr& header = send_headers_[done].msg_hdr;
        if (header.msg_control != nullptr &&
            (error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP)) {
            if (segmentation_) {
                segmentation_ = false;
                log_event(LogEvent::kSegmentationRefused,
                          "the network device refuses segmentation offload ({}); sending each "
                          "datagram by itself",
                          std::strerror(error));
            }
            send_one_by_one(header);
        } else {
            counters_.send_losses += header.msg_iovlen;
            note_refused(error, header);
        }
        ++done;
        attempts = 0;
    }
    messages_used_ = 0;
    slices_used_ = 0;
}

void UdpTransport::send_one_by_one(const msghdr& message) {
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
        msghdr single{};
        single.msg_name = message.msg_name;
        single.msg_namelen = message.msg_namelen;
        single.msg_iov = message.msg_iov + i;
        single.msg_iovlen = 1;
        ++counters_.send_calls;
        const ssize_t sent = ::sendmsg(sockets_.front().fd.get(), &single, MSG_DONTWAIT);
        if (sent >= 0) {
            ++counters_.datagrams_sent;
            counters_.bytes_sent += static_cast<std::size_t>(sent);
        } else {
            ++counters_.send_losses;
            note_refused(errno, single);
        }
    }
}

/// The daemon of the next error message; id 0 for one that names no daemon's port; nullopt at the
/// end of the queue.
std::optional<protocol::DaemonId> UdpTransport::next_unreachable() {
    const auto error = next_error(sockets_.front().fd.get());
    if (!error) {
        return std::nullopt;
    }
    if (!error->port_unreachable) {
        return protocol::DaemonId{};
    }
    if (!error->by_destination) {
        ++counters_.foreign_errors;
        return protocol::DaemonId{};
    }
    const auto daemon = daemon_at(error->destination);
    counters_.peer_errors += daemon ? 1 : 0;
    return daemon ? roster_.id(*daemon) : protocol::DaemonId{};
}

void UdpTransport::note_refused(int error, const msghdr& message) {
    const auto to = send_errors_.note(error, message, now());
    if (const auto daemon = to ? daemon_at(*to) : std::nullopt) {
        refused_.insert(*daemon);
    }
}

/// An error is rare, and names an address rather than a daemon.
std::optional<protocol::DaemonIndex> UdpTransport::daemon_at(const Endpoint& endpoint) const {
    for (protocol::DaemonIndex i = 0; i < peers_.size(); ++i) {
        // Of several ways the first one is the proven one.
        const Peer& peer = peers_[i];
        if (peer.ways > 0 && (peer.data[0] == endpoint || peer.token[0] == endpoint)) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace spread::daemon
