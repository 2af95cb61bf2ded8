#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spread::support {

/// Moves the whole test process into a network namespace of its own, with loopback up: ports are
/// free there, and nothing a test sends can leave it. As a normal user it takes a user namespace
/// too. Once per process; must be called before any thread exists. Returns why it cannot be done,
/// empty when it is.
[[nodiscard]] const std::string& enter_private_network();

/// Some hosts, each a network namespace, on one Ethernet segment with the test itself. They vanish
/// with this object, also when the test crashes: nothing is given a name in the system.
///
/// Links are cut for UDP only, which the ring uses, so that a test's TCP clients keep talking to
/// daemons that no longer hear each other.
class NetworkLab {
  public:
    /// Requires enter_private_network() to have worked.
    explicit NetworkLab(std::size_t hosts);
    ~NetworkLab();
    NetworkLab(const NetworkLab&) = delete;
    NetworkLab& operator=(const NetworkLab&) = delete;

    [[nodiscard]] std::size_t size() const { return hosts_.size(); }
    [[nodiscard]] int namespace_of(std::size_t host) const { return hosts_.at(host); }
    /// 10.77.0.1 for the first host.
    [[nodiscard]] static std::string address(std::size_t host);
    [[nodiscard]] static std::string broadcast() { return "10.77.0.255"; }

    /// From now on only hosts within one of `sides` hear each other. Replaces earlier cuts.
    void partition(const std::vector<std::vector<std::size_t>>& sides);
    /// `host` hears nothing from `from`; the other direction works.
    void deafen(std::size_t host, std::size_t from);
    /// What comes to `host` and meets this rule of nftables, "udp dport 4804 drop", is treated so.
    void filter(std::size_t host, const std::string& rule);
    /// The same for what `host` sends.
    void filter_output(std::size_t host, const std::string& rule);
    /// A router takes the place of the host's cable. It passes on single packets up to `mtu`, which
    /// both ends know nothing of, and neither groups nor ICMP.
    void put_behind_router(std::size_t host, std::size_t mtu);
    /// The host gets the address 10.88.0.2 behind a router that has its old one, and changes no
    /// ports: what is sent to `port` and the next one there goes to the host.
    void put_behind_nat(std::size_t host, std::uint16_t port);
    void clear_filters(std::size_t host);
    void heal();

    /// The host's only interface, "labNin" for host N, with its address.
    void remove_interface(std::size_t host);
    enum class Outside : std::uint8_t {
        kBridged,
        kLoose  ///< the outer end, "labN", is somebody else's business
    };
    void add_interface(std::size_t host, Outside outside = Outside::kBridged);
    void add_address(std::size_t host, const std::string& address);
    void remove_address(std::size_t host, const std::string& address);
    /// Of both ends of the host's cable.
    void set_mtu(std::size_t host, std::size_t bytes);
    /// From now on bursts leave the host as single packets, as a wire would see them.
    void split_bursts(std::size_t host);
    /// The far end of the host's cable.
    void unplug(std::size_t host);
    void plug_in(std::size_t host);

  private:
    /// Each host has the hardware addresses of all others for ever; such entries do not count.
    void introduce_all();

    std::vector<int> hosts_;
    std::vector<int> routers_;
};

}  // namespace spread::support
