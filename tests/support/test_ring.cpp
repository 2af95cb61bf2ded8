#include "tests/support/test_ring.hpp"

#include <utility>

#include "tests/support/ring_probe.hpp"

namespace spread::support {

TestRing::TestRing(std::size_t daemons, Options options) {
    if (enter_private_network().empty() && !options.loopback) {
        lab_.emplace(daemons);
    }
    std::vector<DaemonSpec> specs;
    for (std::size_t i = 0; i < daemons; ++i) {
        const std::string number = std::to_string(i + 1);
        specs.push_back({.name = "d" + number,
                         .address = lab_ ? NetworkLab::address(i) : "127.0.0." + number,
                         .network_namespace = lab_ ? lab_->namespace_of(i) : -1});
    }
    std::string segment = std::move(options.segment_address);
    if (segment.empty()) {
        segment = lab_ ? NetworkLab::broadcast() : "127.0.0.255";
    }
    const auto port = pick_port();
    const auto configuration =
        directory_.write("spread.conf", ring_configuration(options.kind, specs, segment, port) +
                                            options.extra_options);
    for (const auto& spec : specs) {
        daemons_.push_back(std::make_unique<DaemonProcess>(options.kind, spec, configuration, port,
                                                           directory_.path()));
    }
    for (auto& daemon : daemons_) {
        daemon->wait_listening();
    }
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
