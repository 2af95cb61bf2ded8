#include "tests/support/test_ring.hpp"

#include <filesystem>
#include <utility>

#include "tests/support/ring_probe.hpp"

namespace spread::support {

TestRing::TestRing(std::size_t daemons, Options options)
    : options_(std::move(options)), port_(pick_port()) {
    if (enter_private_network().empty() && !options_.loopback) {
        lab_.emplace(daemons + options_.spare_hosts);
        for (std::size_t host = 0; host < lab_->size() && options_.mtu > 0; ++host) {
            lab_->set_mtu(host, options_.mtu);
        }
        if (options_.router_mtu > 0) {
            lab_->put_behind_router(daemons - 1, options_.router_mtu);
        }
    }
    for (std::size_t i = 0; i < daemons; ++i) {
        const std::string number = std::to_string(i + 1);
        specs_.push_back({.name = "d" + number,
                          .address = lab_ ? NetworkLab::address(i) : "127.0.0." + number,
                          .network_namespace = lab_ ? lab_->namespace_of(i) : -1,
                          .program = options_.program});
    }
    const auto file = directory_.write("spread.conf", configuration());
    for (const auto& spec : specs_) {
        daemons_.push_back(
            std::make_unique<DaemonProcess>(options_.kind, spec, file, port_, directory_.path()));
    }
    for (auto& daemon : daemons_) {
        daemon->wait_listening();
    }
}

std::string TestRing::configuration() const {
    std::string segment = options_.segment_address;
    if (segment.empty()) {
        segment = lab_ ? NetworkLab::broadcast() : "127.0.0.255";
    }
    return ring_configuration(options_.kind, specs_, segment, port_) + options_.extra_options;
}

std::unique_ptr<DaemonProcess> TestRing::start_again(std::size_t index, std::size_t host,
                                                     const std::string& extra_options) {
    DaemonSpec spec = specs_.at(index);
    spec.network_namespace = lab_->namespace_of(host);
    const std::string name = "again-" + std::to_string(index) + "-" + std::to_string(host);
    const auto directory = directory_.path() / name;
    std::filesystem::create_directory(directory);
    const auto file = directory_.write(name + ".conf", configuration() + extra_options);
    return std::make_unique<DaemonProcess>(options_.kind, spec, file, port_, directory);
}

TestClient TestRing::client(std::size_t index, const std::string& private_name,
                            bool wants_membership) {
    return {connection(index), private_name, wants_membership};
}

RawConnection TestRing::connection(std::size_t index) {
    return RawConnection::tcp(daemon(index).spec().address, daemon(index).port());
}

void TestRing::wait_formed(const std::vector<std::size_t>& indices) {
    std::vector<DaemonProcess*> wanted;
    for (std::size_t i = 0; i < daemons_.size(); ++i) {
        if (indices.empty()) {
            wanted.push_back(daemons_[i].get());
        }
    }
    for (const std::size_t index : indices) {
        wanted.push_back(&daemon(index));
    }
    wait_for_ring(wanted);
}

std::string TestRing::logs() const {
    std::string text;
    for (const auto& daemon : daemons_) {
        text += "--- " + daemon->spec().name + "\n" + daemon->log();
    }
    return text;
}

}  // namespace spread::support
