// The part of UdpTransport that is done once: which sockets there are and where datagrams go.

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "daemon/host/logging.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/ring/multicast.hpp"
#include "daemon/ring/roster_of.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

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

/// The configuration's own check has said that this address reaches nobody.
bool is_warned_of(const config::IpAddress& address, const config::Configuration& configuration,
                  const config::Segment& segment) {
    return (address.family == config::IpAddress::Family::kV6 && !address.is_multicast()) ||
           std::any_of(segment.daemons.begin(), segment.daemons.end(), [&](std::size_t index) {
               return configuration.daemons[index].address == address;
           });
}

/// The addresses of our segment that reach all of it at once.
std::vector<config::IpAddress> groups_of(const config::Segment& segment,
                                         const config::Configuration& configuration,
                                         const config::Daemon& me, const LocalAddress& own) {
    std::vector<config::IpAddress> groups;
    if (segment.daemons.size() == 1) {
        return groups;
    }
    for (const config::IpAddress& address : segment.addresses) {
        if (reaches_segment(address, own)) {
            groups.push_back(address);
        } else if (!own.loopback && !is_warned_of(address, configuration, segment)) {
            log_event(LogEvent::kSegmentAddressUnused,
                      "segment address {} is neither multicast nor the broadcast address of "
                      "{} on {}: sending to each daemon instead",
                      address.to_string(), me.address.to_string(), own.interface);
        }
    }
    return groups;
}

/// Where `me` receives, the primary address first: everything is sent from it. The wildcard address
/// stands alone, since it includes all others.
std::vector<config::IpAddress> own_addresses(const config::Daemon& me) {
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
    if (any != addresses.end()) {
        addresses = {*any};
    }
    return addresses;
}

}  // namespace

UdpTransport::UdpTransport(const config::Configuration& configuration, std::size_t self,
                           const std::vector<LocalAddress>& locals, const TransportSetup& setup)
    : roster_(roster_of(configuration)),
      block_pool_(setup.block_bytes, std::max(setup.blocks_max, kReceiptsMax)) {
    const config::Daemon& me = configuration.daemons[self];
    const config::Segment& segment = configuration.segments[me.segment];
    const LocalAddress* found = find_local(locals, me.address);
    const std::vector<config::IpAddress> addresses = own_addresses(me);
    if (found == nullptr && me.host.empty() && !addresses.front().is_unspecified()) {
        throw StartupError(
            fmt::format("daemon {} has the address {}, which no interface of this "
                        "host carries",
                        protocol::escaped(me.name), me.address.to_string()));
    }
    // The kernel chooses by its routes where the daemon's own address is not known here.
    LocalAddress any;
    any.address = any_address(me.address.family);
    const LocalAddress* const own = found == nullptr ? &any : found;

    // Other daemons of our segment on this host hear our group sends only if they are looped back.
    bool shares_host = false;
    for (const std::size_t index : segment.daemons) {
        shares_host = shares_host ||
                      (index != self && find_local(locals, configuration.daemons[index].address));
    }
    const std::vector<config::IpAddress> groups = groups_of(segment, configuration, me, *own);
    open_sockets(configuration, self, *own, shares_host, groups);
    if (setup.coalescing) {
        for (Socket& socket : sockets_) {
            socket.coalescing = socket.channel == membership::Channel::kData &&
                                set_option(socket.fd.get(), SOL_UDP, UDP_GRO, 1);
        }
    }

    plan(configuration, self, own->interface_index, groups);
    counters_.receive_buffer = 2 * receive_room_bytes();

    // Reading the option tells whether the kernel knows it; the first send shows whether the device
    // takes it.
    int segment_bytes = 0;
    socklen_t length = sizeof segment_bytes;
    segmentation_ = setup.segmentation && ::getsockopt(sockets_.front().fd.get(), SOL_UDP,
                                                       UDP_SEGMENT, &segment_bytes, &length) == 0;
}

/// Who is sent to, and where.
void UdpTransport::plan(const config::Configuration& configuration, std::size_t self,
                        unsigned scope, const std::vector<config::IpAddress>& groups) {
    const config::Daemon& me = configuration.daemons[self];
    const config::Segment& segment = configuration.segments[me.segment];
    for (const config::Daemon& daemon : configuration.daemons) {
        const std::uint16_t port = configuration.segments[daemon.segment].port;
        Peer peer;
        peer.port = port;
        if (daemon.host.empty()) {
            peer.add(daemon.address, scope);
            peer.ways = peer.greeted;
        }
        peers_.push_back(peer);
    }

    // A group address counts when its socket could be opened and joined.
    for (const config::IpAddress& group : groups) {
        groups_.push_back(make_endpoint(group, segment.port, scope));
    }
    std::vector<protocol::RouteSegment> segments;
    for (const config::Segment& each : configuration.segments) {
        segments.push_back({ids_of(configuration, each), 0});
    }
    segments[me.segment].group_addresses = groups_.size();
    route_ = protocol::plan_route(segments, protocol::DaemonId{me.id});
    if (route_.group_addresses == 0) {
        groups_.clear();
    }
    const protocol::DaemonSet unicast = roster_.set_of(route_.unicast);
    for (protocol::DaemonIndex i = 0; i < peers_.size(); ++i) {
        if (i == self) {
            continue;
        }
        others_.insert(i);
        if (!unicast.contains(i)) {
            group_mates_.push_back(roster_.id(i));
        }
    }
    list_everyone();
}

void UdpTransport::send_one_by_one(const protocol::MemberList& daemons) {
    one_by_one_ = daemons;
    list_everyone();
}

void UdpTransport::list_everyone() {
    const auto add = [](std::vector<Endpoint>& all, std::span<const Endpoint> some) {
        all.insert(all.end(), some.begin(), some.end());
    };
    everyone_data_ = groups_;
    for (const protocol::DaemonIndex i :
         roster_.set_of(route_.unicast) | roster_.set_of(one_by_one_)) {
        add(everyone_data_, peers_[i].endpoints(false, false));
    }
    everyone_token_.clear();
    for (const protocol::DaemonIndex i : others_) {
        add(everyone_token_, peers_[i].endpoints(true, false));
    }
}

void UdpTransport::Peer::add(const config::IpAddress& address, unsigned scope) {
    data[greeted] = make_endpoint(address, port, scope);
    token[greeted] = make_endpoint(address, protocol::token_port_of(port), scope);
    ++greeted;
}

void UdpTransport::set_ways(protocol::DaemonIndex daemon, std::span<const config::IpAddress> ways,
                            const std::optional<config::IpAddress>& claim) {
    Peer& peer = peers_[daemon];
    peer.greeted = 0;
    for (const config::IpAddress& way : ways.first(std::min(ways.size(), Peer::kWaysMax - 1))) {
        peer.add(way, 0);
    }
    peer.ways = peer.greeted;
    if (claim) {
        peer.add(*claim, 0);
    }
    list_everyone();
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
            "cannot bind UDP {} for daemon {}: {}{}", at.to_string(),
            protocol::escaped(daemon_name), std::strerror(error),
            error == EADDRINUSE ? "; is this daemon running already? See ss -lunp" : ""));
    }
    return out;
}

std::string UdpTransport::follow(const LocalAddress& own) {
    std::string problem;
    for (const Membership& membership : memberships_) {
        if (!rejoin_group(sockets_[membership.socket].fd.get(), membership.group, own)) {
            problem =
                fmt::format("cannot join multicast group {} on {}: {}",
                            membership.group.to_string(), own.interface, std::strerror(errno));
        }
    }
    send_groups_by(sockets_.front().fd.get(), own);
    return problem;
}

void UdpTransport::set_link(bool up, const std::vector<LocalAddress>& locals) {
    out_of_reach_.clear();
    if (up) {
        return;
    }
    const auto is_local = [&locals](const Endpoint& endpoint) {
        return find_local(locals, ip_of(endpoint.address())) != nullptr;
    };
    for (const Peer& peer : peers_) {
        for (std::size_t way = 0; way < peer.ways; ++way) {
            if (!is_local(peer.data[way])) {
                out_of_reach_.push_back(peer.data[way]);
                out_of_reach_.push_back(peer.token[way]);
            }
        }
    }
}

void UdpTransport::open_sockets(const config::Configuration& configuration, std::size_t self,
                                const LocalAddress& own, bool shares_host,
                                const std::vector<config::IpAddress>& groups) {
    const config::Daemon& me = configuration.daemons[self];
    const std::uint16_t port = configuration.segments[me.segment].port;
    const unsigned scope = own.interface_index;

    const std::vector<config::IpAddress> addresses = own_addresses(me);
    const bool wildcard = addresses.front().is_unspecified();

    for (const config::IpAddress& address : addresses) {
        sockets_.push_back(open_socket(make_endpoint(address, port, scope),
                                       membership::Channel::kData, false, me.name));
    }
    for (const config::IpAddress& address : addresses) {
        sockets_.push_back(open_socket(make_endpoint(address, protocol::token_port_of(port), scope),
                                       membership::Channel::kToken, false, me.name));
    }
    if (wildcard && !groups.empty()) {
        Socket& data = sockets_.front();
        data.any_address = data.bound.family() == AF_INET6
                               ? set_option(data.fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                               : set_option(data.fd.get(), IPPROTO_IP, IP_PKTINFO, 1);
    }
    for (const config::IpAddress& group : groups) {
        if (!wildcard) {
            sockets_.push_back(open_socket(make_endpoint(group, port, scope),
                                           membership::Channel::kData, true, me.name));
        }
        const std::size_t socket = wildcard ? 0 : sockets_.size() - 1;
        const int fd = sockets_[socket].fd.get();
        if (group.is_multicast()) {
            memberships_.push_back({socket, group});
        }
        if (group.is_multicast() && !join_group(fd, group, own)) {
            const std::string problem =
                fmt::format("cannot join multicast group {} on {}: {}", group.to_string(),
                            own.interface, std::strerror(errno));
            if (!configuration.ignore_multicast_join_errors) {
                throw StartupError(problem);
            }
            // Sending works without having joined; the others reach us at our own address only if
            // they fan out, so the operator must know.
            log_event(LogEvent::kGroupAddressFailed, "{}; not listening on it", problem);
        }
        if (!wildcard && group.family == config::IpAddress::Family::kV4) {
            set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
        }
    }

    const int sender = sockets_.front().fd.get();
    set_option(sender, SOL_SOCKET, SO_BROADCAST, 1);
    if (!own.address.is_unspecified()) {
        send_groups_by(sender, own);
    }
    if (me.address.family == config::IpAddress::Family::kV6) {
        set_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
        set_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, shares_host ? 1 : 0);
        set_option(sender, IPPROTO_IPV6, IPV6_RECVERR, 1);
    } else {
        set_option(sender, IPPROTO_IP, IP_MULTICAST_TTL, 1);
        set_option(sender, IPPROTO_IP, IP_MULTICAST_LOOP, shares_host ? 1 : 0);
        set_option(sender, IPPROTO_IP, IP_RECVERR, 1);
    }
}

}  // namespace spread::daemon
