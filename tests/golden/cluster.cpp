#include "tests/golden/cluster.hpp"

#include <stdexcept>

#include "tests/support/ring_probe.hpp"

namespace spread::golden {
namespace {

using support::DaemonProcess;
using support::DaemonSpec;

const std::string kLoopback = "127.0.0.1";

}  // namespace

SingleDaemon::SingleDaemon(support::DaemonKind kind) {
    const DaemonSpec spec{.name = "d1", .address = kLoopback, .network_namespace = -1};
    const auto port = support::pick_port();
    const auto configuration = directory_.write(
        "spread.conf", support::ring_configuration(kind, {spec}, "127.0.0.255", port));
    daemon_ = std::make_unique<DaemonProcess>(kind, spec, configuration, port, directory_.path());
    daemon_->wait_listening();
}

support::RawConnection SingleDaemon::connect(const std::string& daemon) {
    if (daemon != "d1") {
        throw std::runtime_error("there is no daemon " + daemon);
    }
    return support::RawConnection::tcp(kLoopback, daemon_->port());
}

void SingleDaemon::cut_link() {
    throw std::runtime_error("one daemon has no link to cut");
}

void SingleDaemon::restore_link() {
    cut_link();
}

TwoDaemons::TwoDaemons(support::DaemonKind kind) : lab_(2) {
    const std::vector<DaemonSpec> specs{
        {.name = "d1", .address = lab_.address(0), .network_namespace = lab_.namespace_of(0)},
        {.name = "d2", .address = lab_.address(1), .network_namespace = lab_.namespace_of(1)}};
    const auto port = support::pick_port();
    const auto configuration = directory_.write(
        "spread.conf",
        support::ring_configuration(kind, specs, support::NetworkLab::broadcast(), port));
    for (const auto& spec : specs) {
        daemons_.push_back(
            std::make_unique<DaemonProcess>(kind, spec, configuration, port, directory_.path()));
    }
    for (auto& daemon : daemons_) {
        daemon->wait_listening();
    }
    wait_for_ring();
}

void TwoDaemons::wait_for_ring() {
    std::vector<support::DaemonProcess*> all;
    for (auto& daemon : daemons_) {
        all.push_back(daemon.get());
    }
    support::wait_for_ring(all);
}

support::RawConnection TwoDaemons::connect(const std::string& daemon) {
    for (auto& candidate : daemons_) {
        if (candidate->spec().name == daemon) {
            return support::RawConnection::tcp(candidate->spec().address, candidate->port());
        }
    }
    throw std::runtime_error("there is no daemon " + daemon);
}

void TwoDaemons::cut_link() {
    lab_.partition({{0}, {1}});
}

void TwoDaemons::restore_link() {
    lab_.heal();
}

}  // namespace spread::golden
