#include "daemon/ring/udp_transport.hpp"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "daemon/engine_config.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/startup_error.hpp"

namespace spread::daemon {
namespace {

constexpr int kReceiveBufferBytes = 8 << 20;
constexpr int kSendBufferBytes = 4 << 20;

bool set_option(int fd, int level, int name, int value) {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

std::size_t get_option(int fd, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, level, name, &value, &length) == 0 ? static_cast<std::size_t>(value)
                                                               : 0;
}

/// Errors that an earlier datagram left on the socket; the present one was not even tried.
bool is_left_over(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENETDOWN || error == EPROTO || error == ENOPROTOOPT;
}

/// One send to `address` reaches the daemons of the network that `own` lives on.
bool reaches_segment(const config::IpAddress& address, const LocalAddress& own) {
    if (own.loopback || address.is_loopback()) {
        return false;
    }
    if (address.is_multicast()) {
        return true;
    }
    constexpr std::array<std::uint8_t, 4> kAllOnes = {255, 255, 255, 255};
    const bool limited = address.family == config::IpAddress::Family::kV4 &&
                         std::equal(kAllOnes.begin(), kAllOnes.end(), address.bytes.begin());
    return limited || (own.broadcast && *own.broadcast == address);
}

protocol::MemberList ids_of(const config::Configuration& configuration,
                            const config::Segment& segment) {
    protocol::MemberList ids;
    for (const std::size_t index : segment.daemons) {
        ids.push_back(protocol::DaemonId{configuration.daemons[index].id});
    }
    return ids;
}

}  // namespace

UdpTransport::UdpTransport(const config::Configuration& configuration, std::size_t self,
                           const std::vector<LocalAddress>& locals, const TransportSetup& setup)
    : block_pool_(setup.block_bytes, std::max(setup.blocks_max, kReceiptsMax)) {
    const config::Daemon& me = configuration.daemons[self];
    const config::Segment& segment = configuration.segments[me.segment];
    const LocalAddress* own = find_local(locals, me.address);
    if (own == nullptr) {
        throw StartupError(
            fmt::format("daemon {} has the address {}, which no interface of this "
                        "host carries",
                        escape(me.name), me.address.to_string()));
    }

    // Other daemons of our segment on this host hear our group sends only if they are looped back.
    bool shares_host = false;
    for (const std::size_t index : segment.daemons) {
        shares_host = shares_host ||
                      (index != self && find_local(locals, configuration.daemons[index].address));
    }
    std::vector<config::IpAddress> groups;
    if (segment.daemons.size() > 1) {
        for (const config::IpAddress& address : segment.addresses) {
            if (reaches_segment(address, *own)) {
                groups.push_back(address);
            } else if (!own->loopback) {
                log_warning(LogType::kNetwork,
                            "segment address {} is neither multicast nor the broadcast address of "
                            "{} on {}: sending to each daemon instead",
                            address.to_string(), me.address.to_string(), own->interface);
            }
        }
    }
    open_sockets(configuration, self, *own, shares_host, groups);
    if (setup.coalescing) {
        for (Socket& socket : sockets_) {
            socket.coalescing = socket.channel == membership::Channel::kData &&
                                set_option(socket.fd.get(), SOL_UDP, UDP_GRO, 1);
        }
    }

    const unsigned scope = own->interface_index;
    for (const config::Daemon& daemon : configuration.daemons) {
        const std::uint16_t port = configuration.segments[daemon.segment].port;
        peers_.push_back({protocol::DaemonId{daemon.id}, make_endpoint(daemon.address, port, scope),
                          make_endpoint(daemon.address, token_port_of(port), scope)});
    }

    // A group address counts when its socket could be opened and joined.
    std::vector<Endpoint> group_endpoints;
    for (const config::IpAddress& group : groups) {
        group_endpoints.push_back(make_endpoint(group, segment.port, scope));
    }
    std::vector<protocol::RouteSegment> segments;
    for (const config::Segment& each : configuration.segments) {
        segments.push_back({ids_of(configuration, each), 0});
    }
    segments[me.segment].group_addresses = group_endpoints.size();
    route_ = protocol::plan_route(segments, protocol::DaemonId{me.id});
    if (route_.group_addresses > 0) {
        everyone_data_ = group_endpoints;
    }
    for (const Peer& peer : peers_) {
        if (std::find(route_.unicast.begin(), route_.unicast.end(), peer.id) !=
            route_.unicast.end()) {
            everyone_data_.push_back(peer.data);
        }
        if (peer.id != protocol::DaemonId{me.id}) {
            everyone_token_.push_back(peer.token);
        }
    }

    // Asking for the option tells whether the kernel knows it; whether the device takes it shows
    // with the first send.
    int segment_bytes = 0;
    socklen_t length = sizeof segment_bytes;
    segmentation_ = setup.segmentation && ::getsockopt(sockets_.front().fd.get(), SOL_UDP,
                                                       UDP_SEGMENT, &segment_bytes, &length) == 0;
}

UdpTransport::Socket UdpTransport::open_socket(const Endpoint& at, membership::Channel channel,
                                               bool group, const std::string& daemon_name) {
    Socket out;
    out.channel = channel;
    out.bound = at;
    out.group = group;
    out.fd = UniqueFd(::socket(at.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.fd) {
        throw StartupError(fmt::format("cannot create a UDP socket for {}: {}", at.to_string(),
                                       std::strerror(errno)));
    }
    const int fd = out.fd.get();
    if (at.family() == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (group) {
        // Every daemon of this host gets its own copy of a multicast or broadcast datagram.
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBufferBytes)) {
        set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBufferBytes);
    }
    if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSendBufferBytes)) {
        set_option(fd, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);
    }
    out.receive_buffer_bytes = get_option(fd, SOL_SOCKET, SO_RCVBUF);
    if (::bind(fd, at.address(), at.length) != 0) {
        const int error = errno;
        throw StartupError(fmt::format(
            "cannot bind UDP {} for daemon {}: {}{}", at.to_string(), escape(daemon_name),
            std::strerror(error),
            error == EADDRINUSE ? "; is this daemon running already? See ss -lunp" : ""));
    }
    return out;
}

bool UdpTransport::join(int fd, const config::IpAddress& group, const LocalAddress& own) {
    if (group.family == config::IpAddress::Family::kV6) {
        ipv6_mreq request{};
        std::memcpy(&request.ipv6mr_multiaddr, group.bytes.data(), sizeof request.ipv6mr_multiaddr);
        request.ipv6mr_interface = own.interface_index;
        return ::setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) == 0;
    }
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, group.bytes.data(), sizeof request.imr_multiaddr);
    std::memcpy(&request.imr_address, own.address.bytes.data(), sizeof request.imr_address);
    request.imr_ifindex = static_cast<int>(own.interface_index);
    return ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0;
}

void UdpTransport::open_sockets(const config::Configuration& configuration, std::size_t self,
                                const LocalAddress& own, bool shares_host,
                                const std::vector<config::IpAddress>& groups) {
    const config::Daemon& me = configuration.daemons[self];
    const std::uint16_t port = configuration.segments[me.segment].port;
    const unsigned scope = own.interface_index;

    // The primary address first: everything is sent from it.
    std::vector<config::IpAddress> addresses;
    for (const config::Interface& interface : me.interfaces) {
        if (interface.daemon) {
            addresses.push_back(interface.address);
        }
    }
    if (addresses.empty()) {
        addresses.push_back(me.address);
    }
    std::stable_partition(addresses.begin(), addresses.end(),
                          [&me](const config::IpAddress& a) { return a == me.address; });
    const auto any = std::find_if(addresses.begin(), addresses.end(),
                                  [](const config::IpAddress& a) { return a.is_unspecified(); });
    const bool wildcard = any != addresses.end();
    if (wildcard) {
        addresses = {*any};  // it includes the others
    }

    for (const config::IpAddress& address : addresses) {
        sockets_.push_back(open_socket(make_endpoint(address, port, scope),
                                       membership::Channel::kData, false, me.name));
    }
    for (const config::IpAddress& address : addresses) {
        sockets_.push_back(open_socket(make_endpoint(address, token_port_of(port), scope),
                                       membership::Channel::kToken, false, me.name));
    }
    for (const config::IpAddress& group : groups) {
        if (!wildcard) {
            sockets_.push_back(open_socket(make_endpoint(group, port, scope),
                                           membership::Channel::kData, true, me.name));
        }
        const int fd = wildcard ? sockets_.front().fd.get() : sockets_.back().fd.get();
        if (group.is_multicast() && !join(fd, group, own)) {
            const std::string problem =
                fmt::format("cannot join multicast group {} on {}: {}", group.to_string(),
                            own.interface, std::strerror(errno));
            if (!configuration.ignore_multicast_join_errors) {
                throw StartupError(problem);
            }
            // Sending works without having joined; the others reach us at our own address only if
            // they fan out, so the operator must know.
            log_error(LogType::kNetwork, "{}; not listening on it", problem);
        }
        if (!wildcard && group.family == config::IpAddress::Family::kV4) {
            set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
        }
    }

    const int sender = sockets_.front().fd.get();
    set_option(sender, SOL_SOCKET, SO_BROADCAST, 1);
    if (me.address.family == config::IpAddress::Family::kV6) {
        set_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(scope));
        set_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
        set_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, shares_host ? 1 : 0);
        set_option(sender, IPPROTO_IPV6, IPV6_RECVERR, 1);
    } else {
        ip_mreqn interface {};
        std::memcpy(&interface.imr_address, me.address.bytes.data(), sizeof interface.imr_address);
        interface.imr_ifindex = static_cast<int>(scope);
        ::setsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface);
        set_option(sender, IPPROTO_IP, IP_MULTICAST_TTL, 1);
        set_option(sender, IPPROTO_IP, IP_MULTICAST_LOOP, shares_host ? 1 : 0);
        set_option(sender, IPPROTO_IP, IP_RECVERR, 1);
    }
}

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
            socket.readable = receive_from(
                socket, inbox.pool(), [&](const protocol::Slice& datagram, const Endpoint& source) {
                    source_ = &source;
                    inbox.take(datagram);
                });
            return true;
        }
    }
    return false;
}

void UdpTransport::read_errors(driver::Inbox& inbox) {
    if (std::exchange(errors_waiting_, false)) {
        read_unreachable([&inbox](protocol::DaemonId peer) { inbox.note_unreachable(peer); });
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
        if (socket.coalescing) {
            header.msg_control = receive_controls_[i].bytes.data();
            header.msg_controllen = receive_controls_[i].bytes.size();
        }
    }
    // An error left over from an earlier send is reported once and must not look like "drained".
    for (int attempt = 0; attempt < 4; ++attempt) {
        ++stats_.receive_calls;
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
    Receipt receipt{bytes, bytes};
    for (cmsghdr* option = CMSG_FIRSTHDR(&header); option != nullptr;
         option = CMSG_NXTHDR(&header, option)) {
        if (option->cmsg_level == SOL_UDP && option->cmsg_type == UDP_GRO &&
            option->cmsg_len >= CMSG_LEN(sizeof(int))) {
            int segment_bytes = 0;
            std::memcpy(&segment_bytes, CMSG_DATA(option), sizeof segment_bytes);
            if (segment_bytes > 0) {
                receipt.segment_bytes = std::min(bytes, static_cast<std::size_t>(segment_bytes));
            }
        }
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        ++stats_.truncated;
        return std::nullopt;
    }
    if (receipt.segment_bytes < bytes) {
        ++stats_.coalesced_receipts;
        stats_.datagrams_received += (bytes + receipt.segment_bytes - 1) / receipt.segment_bytes;
    } else {
        ++stats_.datagrams_received;
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
    const auto peer = std::find_if(peers_.begin(), peers_.end(),
                                   [&packet](const Peer& p) { return p.id == packet.to; });
    if (peer == peers_.end()) {
        return {};
    }
    return {token ? &peer->token : &peer->data, 1};
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
            // The kernel only reads it; iovec has no const form.
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
    if (messages_used_ == kSendMessagesMax) {
        // Slices stay where they are: the rest of this run still refers to them.
        const std::size_t slices_kept = slices_used_;
        flush_messages();
        slices_used_ = slices_kept;
    }
    msghdr& header = send_headers_[messages_used_].msg_hdr;
    header = {};
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
        ++stats_.send_calls;
        const int count = ::sendmmsg(fd, &send_headers_[done],
                                     static_cast<unsigned>(messages_used_ - done), MSG_DONTWAIT);
        if (count > 0) {
            for (int i = 0; i < count; ++i) {
                const msghdr& header = send_headers_[done].msg_hdr;
                stats_.datagrams_sent += header.msg_iovlen;
                stats_.segmented_sends += header.msg_control != nullptr ? 1 : 0;
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
                log_info(LogType::kNetwork,
                         "the network device refuses segmentation offload ({}); sending each "
                         "datagram by itself",
                         std::strerror(error));
            }
            send_one_by_one(header);
        } else {
            stats_.send_losses += header.msg_iovlen;
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
        ++stats_.send_calls;
        if (::sendmsg(sockets_.front().fd.get(), &single, MSG_DONTWAIT) >= 0) {
            ++stats_.datagrams_sent;
        } else {
            ++stats_.send_losses;
        }
    }
}

/// The daemon of the next error message; id 0 for one that names no daemon's port; nullopt at the
/// end of the queue.
std::optional<protocol::DaemonId> UdpTransport::next_unreachable() {
    Endpoint destination;
    std::byte ignored{};
    iovec slice{&ignored, sizeof ignored};
    alignas(cmsghdr) std::array<std::byte, 512> control{};
    msghdr header{};
    header.msg_name = &destination.storage;
    header.msg_namelen = sizeof destination.storage;
    header.msg_iov = &slice;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (::recvmsg(sockets_.front().fd.get(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
        return std::nullopt;
    }
    destination.length = header.msg_namelen;
    bool port_unreachable = false;
    for (cmsghdr* option = CMSG_FIRSTHDR(&header); option != nullptr;
         option = CMSG_NXTHDR(&header, option)) {
        const bool v4 = option->cmsg_level == IPPROTO_IP && option->cmsg_type == IP_RECVERR;
        const bool v6 = option->cmsg_level == IPPROTO_IPV6 && option->cmsg_type == IPV6_RECVERR;
        if ((!v4 && !v6) || option->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) {
            continue;
        }
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(option), sizeof error);
        port_unreachable =
            port_unreachable ||
            (v4 && error.ee_origin == SO_EE_ORIGIN_ICMP && error.ee_type == ICMP_DEST_UNREACH &&
             error.ee_code == ICMP_PORT_UNREACH) ||
            (v6 && error.ee_origin == SO_EE_ORIGIN_ICMP6 && error.ee_type == ICMP6_DST_UNREACH &&
             error.ee_code == ICMP6_DST_UNREACH_NOPORT);
    }
    if (!port_unreachable) {
        return protocol::DaemonId{};
    }
    for (const Peer& peer : peers_) {
        if (peer.data == destination || peer.token == destination) {
            ++stats_.peer_errors;
            return peer.id;
        }
    }
    return protocol::DaemonId{};
}

}  // namespace spread::daemon
