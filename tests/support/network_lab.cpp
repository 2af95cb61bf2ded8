#include "tests/support/network_lab.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/support/child_process.hpp"

namespace spread::support {
namespace {

std::string try_to_enter() {
    const auto user = geteuid();
    const auto group = getegid();
    if (unshare(CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
            return std::string("network namespaces are not to be had here: ") +
                   std::strerror(errno);
        }
        // Root inside is the test's own user outside.
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
        std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    }
    try {
        run_command({"ip", "link", "set", "lo", "up"});
    } catch (const std::exception& problem) {
        return problem.what();
    }
    return "";
}

/// A new network namespace, held by a file descriptor only.
int make_namespace() {
    int fd = -1;
    // A thread, because the namespace made belongs to whoever makes it, and it must not be us.
    std::thread([&fd] {
        if (unshare(CLONE_NEWNET) == 0) {
            fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        }
    }).join();
    if (fd < 0) {
        throw std::runtime_error("cannot make a network namespace");
    }
    return fd;
}

std::string hardware_address(std::size_t host) {
    char last[3];
    std::snprintf(last, sizeof last, "%02x", static_cast<unsigned>((host + 1) & 0xff));
    return std::string("02:00:0a:4d:00:") + last;
}

/// All namespaces share the kernel's table of neighbours (net.ipv4.neigh.default.gc_thresh3, 1024
/// entries as a rule), and in a ring everybody talks to everybody. What does not fit is not sent
/// (ENOBUFS).
constexpr std::size_t kHostsWithArp = 20;

}  // namespace

const std::string& enter_private_network() {
    static const std::string problem = try_to_enter();
    return problem;
}

NetworkLab::NetworkLab(std::size_t hosts) {
    // Snooping would hold back multicast until it has learned who listens.
    run_command({"ip", "link", "add", "lab", "type", "bridge", "mcast_snooping", "0",
                 "forward_delay", "0"});
    run_command({"ip", "address", "add", "10.77.0.254/24", "broadcast", broadcast(), "dev", "lab"});
    run_command({"ip", "link", "set", "lab", "up"});
    for (std::size_t host = 0; host < hosts; ++host) {
        const int fd = make_namespace();
        hosts_.push_back(fd);
        run_command({"ip", "link", "set", "lo", "up"}, fd);
        add_interface(host);
        run_command({"nft", "add", "table", "inet", "lab"}, fd);
        run_command({"nft", "add chain inet lab in { type filter hook input priority 0; }"}, fd);
        run_command({"nft", "add chain inet lab out { type filter hook output priority 0; }"}, fd);
    }
    if (hosts > kHostsWithArp) {
        introduce_all();
    }
}

void NetworkLab::introduce_all() {
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
        std::string entries;
        for (std::size_t other = 0; other < hosts_.size(); ++other) {
            if (other != host) {
                entries += "neighbour replace " + address(other) + " lladdr " +
                           hardware_address(other) + " nud permanent dev lab" +
                           std::to_string(host) + "in\n";
            }
        }
        run_command({"sh", "-c", "printf '" + entries + "' | ip -batch -"}, namespace_of(host));
    }
}

void NetworkLab::add_interface(std::size_t host, Outside outside) {
    const int fd = namespace_of(host);
    const std::string outer = "lab" + std::to_string(host);
    const std::string inner = outer + "in";
    // One hardware address for ever, as a VLAN or a bond made anew has it: neighbours that remember
    // another one would send to nobody for up to a minute.
    run_command({"ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "address",
                 hardware_address(host)});
    run_command({"ip", "link", "set", inner, "netns",
                 "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd)});
    if (outside == Outside::kBridged) {
        run_command({"ip", "link", "set", outer, "master", "lab"});
    }
    run_command({"ip", "link", "set", outer, "up"});
    add_address(host, address(host));
    run_command({"ip", "link", "set", inner, "up"}, fd);
    run_command({"ip", "route", "add", "224.0.0.0/4", "dev", inner}, fd);
}

void NetworkLab::remove_interface(std::size_t host) {
    run_command({"ip", "link", "delete", "lab" + std::to_string(host)});
}

void NetworkLab::add_address(std::size_t host, const std::string& address) {
    run_command({"ip", "address", "add", address + "/24", "broadcast", broadcast(), "dev",
                 "lab" + std::to_string(host) + "in"},
                namespace_of(host));
}

void NetworkLab::remove_address(std::size_t host, const std::string& address) {
    run_command(
        {"ip", "address", "delete", address + "/24", "dev", "lab" + std::to_string(host) + "in"},
        namespace_of(host));
}

void NetworkLab::set_mtu(std::size_t host, std::size_t bytes) {
    const std::string outer = "lab" + std::to_string(host);
    run_command({"ip", "link", "set", outer, "mtu", std::to_string(bytes)});
    run_command({"ip", "link", "set", outer + "in", "mtu", std::to_string(bytes)},
                namespace_of(host));
}

void NetworkLab::split_bursts(std::size_t host) {
    run_command({"ip", "link", "set", "lab" + std::to_string(host) + "in", "gso_max_segs", "1"},
                namespace_of(host));
}

void NetworkLab::unplug(std::size_t host) {
    run_command({"ip", "link", "set", "lab" + std::to_string(host), "down"});
}

void NetworkLab::plug_in(std::size_t host) {
    run_command({"ip", "link", "set", "lab" + std::to_string(host), "up"});
}

NetworkLab::~NetworkLab() {
    for (const int router : routers_) {
        close(router);
    }
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
        close(hosts_[host]);
        try {
            run_command({"ip", "link", "delete", "lab" + std::to_string(host)});
        } catch (const std::exception&) {
            // The namespace of this process takes it along at the latest.
        }
    }
    try {
        run_command({"ip", "link", "delete", "lab"});
    } catch (const std::exception&) {
        // As above.
    }
}

std::string NetworkLab::address(std::size_t host) {
    return "10.77.0." + std::to_string(host + 1);
}

void NetworkLab::partition(const std::vector<std::vector<std::size_t>>& sides) {
    heal();
    const auto side_of = [&](std::size_t host) {
        return std::ranges::find_if(sides, [host](const auto& side) {
            return std::ranges::find(side, host) != side.end();
        });
    };
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
        std::string others;
        for (std::size_t from = 0; from < hosts_.size(); ++from) {
            if (side_of(host) != side_of(from)) {
                others += (others.empty() ? "" : ", ") + address(from);
            }
        }
        if (!others.empty()) {
            filter(host, "ip saddr { " + others + " } meta l4proto udp drop");
        }
    }
}

void NetworkLab::deafen(std::size_t host, std::size_t from) {
    filter(host, "ip saddr " + address(from) + " meta l4proto udp drop");
}

void NetworkLab::filter(std::size_t host, const std::string& rule) {
    run_command({"nft", "add rule inet lab in " + rule}, namespace_of(host));
}

void NetworkLab::filter_output(std::size_t host, const std::string& rule) {
    run_command({"nft", "add rule inet lab out " + rule}, namespace_of(host));
}

void NetworkLab::put_behind_router(std::size_t host, std::size_t mtu) {
    const int router = make_namespace();
    routers_.push_back(router);
    const std::string outer = "lab" + std::to_string(host);
    const std::string inner = outer + "in";
    const auto inside = [](int fd) {
        return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd);
    };
    remove_interface(host);
    run_command({"ip", "link", "add", outer, "type", "veth", "peer", "name", "near"});
    run_command({"ip", "link", "set", "near", "netns", inside(router)});
    run_command({"ip", "link", "add", "far", "type", "veth", "peer", "name", inner});
    run_command({"ip", "link", "set", "far", "netns", inside(router)});
    run_command({"ip", "link", "set", inner, "netns", inside(namespace_of(host))});
    run_command({"ip", "link", "set", outer, "master", "lab", "up"});
    // It answers for everybody on the other side, so that no host needs a route.
    run_command({"sh", "-c",
                 "cd /proc/sys/net/ipv4 && echo 1 > ip_forward && echo 1 > conf/near/proxy_arp && "
                 "echo 1 > conf/far/proxy_arp && ip link set lo up && "
                 "ip address add 10.77.0.250/32 dev near && ip link set near up && "
                 "ip link set far mtu " +
                     std::to_string(mtu) +
                     " up && ip route add 10.77.0.0/24 dev near && ip route add " + address(host) +
                     "/32 dev far && nft add table inet lab && "
                     "nft 'add chain inet lab out { type filter hook output priority 0; }' && "
                     "nft 'add rule inet lab out meta l4proto icmp drop' && "
                     // Clients' TCP gets through.
                     "nft 'add chain inet lab pass { type filter hook forward priority 0; }' && "
                     "nft 'add rule inet lab pass tcp flags syn tcp option maxseg size set 500'"},
                router);
    add_address(host, address(host));
    // Bursts in one piece would get through, since their pieces have the right size further on.
    run_command({"ip", "link", "set", inner, "gso_max_segs", "1", "up"}, namespace_of(host));
    run_command({"ip", "route", "add", "224.0.0.0/4", "dev", inner}, namespace_of(host));
}

void NetworkLab::put_behind_nat(std::size_t host, std::uint16_t port) {
    const int router = make_namespace();
    routers_.push_back(router);
    const std::string outer = "lab" + std::to_string(host);
    const std::string inner = outer + "in";
    const auto inside = [](int fd) {
        return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd);
    };
    const std::string ports = std::to_string(port) + "-" + std::to_string(port + 1);
    remove_interface(host);
    run_command({"ip", "link", "add", outer, "type", "veth", "peer", "name", "near"});
    run_command({"ip", "link", "set", "near", "netns", inside(router)});
    run_command({"ip", "link", "add", "far", "type", "veth", "peer", "name", inner});
    run_command({"ip", "link", "set", "far", "netns", inside(router)});
    run_command({"ip", "link", "set", inner, "netns", inside(namespace_of(host))});
    run_command({"ip", "link", "set", outer, "master", "lab", "up"});
    run_command({"sh", "-c",
                 "echo 1 > /proc/sys/net/ipv4/ip_forward && ip link set lo up && ip address add " +
                     address(host) + "/24 dev near && ip link set near up && " +
                     "ip address add 10.88.0.1/24 dev far && ip link set far up && "
                     "nft add table ip lab && nft 'add chain ip lab in { type nat hook prerouting "
                     "priority -100; }' && nft 'add chain ip lab out { type nat hook postrouting "
                     "priority 100; }' && nft 'add rule ip lab in iif near udp dport " +
                     ports + " dnat to 10.88.0.2' && nft 'add rule ip lab in iif near tcp dport " +
                     ports + " dnat to 10.88.0.2' && nft 'add rule ip lab out oif near snat to " +
                     address(host) + "'"},
                router);
    run_command({"sh", "-c",
                 "ip address add 10.88.0.2/24 dev " + inner + " && ip link set " + inner +
                     " up && ip route add default via 10.88.0.1"},
                namespace_of(host));
}

void NetworkLab::clear_filters(std::size_t host) {
    run_command({"nft", "flush chain inet lab in; flush chain inet lab out"}, namespace_of(host));
}

void NetworkLab::heal() {
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
        clear_filters(host);
    }
}

}  // namespace spread::support
