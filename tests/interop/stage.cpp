#include "tests/interop/stage.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/support/ring_probe.hpp"

namespace spread::interop {
namespace {

using support::DaemonKind;
using support::DaemonSpec;
using support::NetworkLab;
using support::RawConnection;

std::unique_ptr<Cluster>& shared_cluster() {
    static std::unique_ptr<Cluster> cluster;
    return cluster;
}

/// An orderly stop at the end: sanitizers, too, report by the exit status.
class StopsDaemon : public testing::Environment {
  public:
    void TearDown() override {
        if (auto cluster = std::move(shared_cluster())) {
            EXPECT_EQ(cluster->daemon().stop(), 0) << cluster->logs();
        }
    }
};

const auto* const kStopsDaemon = testing::AddGlobalTestEnvironment(new StopsDaemon);

}  // namespace

DaemonKind daemon_kind() {
    static const DaemonKind kind = [] {
        const char* chosen = std::getenv("SPREAD_INTEROP_DAEMON");
        const std::string_view name = chosen == nullptr ? "ours" : chosen;
        if (name != "ours" && name != "stock") {
            throw std::runtime_error("SPREAD_INTEROP_DAEMON is neither ours nor stock");
        }
        return name == "stock" ? DaemonKind::kStock : DaemonKind::kOurs;
    }();
    return kind;
}

Cluster::Cluster(const std::vector<std::string>& names, bool with_links,
                 const std::string& extra_options, DaemonKind kind)
    : kind_(kind) {
    if (support::enter_private_network().empty() && with_links) {
        lab_ = std::make_unique<NetworkLab>(names.size());
    }
    std::vector<DaemonSpec> specs;
    for (std::size_t i = 0; i < names.size(); ++i) {
        specs.push_back(
            {.name = names[i],
             .address = lab_ ? NetworkLab::address(i) : "127.0.0." + std::to_string(i + 1),
             .network_namespace = lab_ ? lab_->namespace_of(i) : -1});
    }
    const auto port = support::pick_port();
    const auto configuration = directory_.write(
        "spread.conf", support::ring_configuration(
                           kind, specs, lab_ ? NetworkLab::broadcast() : "127.0.0.255", port) +
                           extra_options);
    for (const auto& spec : specs) {
        daemons_.push_back(std::make_unique<support::DaemonProcess>(kind, spec, configuration, port,
                                                                    directory_.path()));
        if (kind == DaemonKind::kStock) {
            wait_for_socket_of_last();
        }
    }
    for (auto& daemon : daemons_) {
        daemon->wait_listening();
    }
}

/// Stock's daemons of one host and port take the Unix socket from each other, and abort when two do
/// so at the same time.
void Cluster::wait_for_socket_of_last() {
    daemons_.back()->wait_listening();
    const auto socket = unix_socket(daemons_.size() - 1);
    support::wait_until("a new Unix socket", [&] {
        std::error_code none;
        const auto made = std::filesystem::last_write_time(socket, none);
        return !none && std::exchange(socket_made_, made) != made;
    });
}

Cluster::~Cluster() {
    if (kind_ == DaemonKind::kStock && !daemons_.empty()) {
        const auto socket = unix_socket();
        daemons_.clear();
        std::error_code gone;
        std::filesystem::remove(socket, gone);  // killed, it leaves that behind
    }
}

RawConnection Cluster::connect(std::size_t daemon, Transport transport) {
    support::DaemonProcess& process = *daemons_.at(daemon);
    if (transport == Transport::kTcp) {
        return RawConnection::tcp(process.spec().address, process.port());
    }
    return RawConnection::unix_socket(unix_socket(daemon));
}

std::filesystem::path Cluster::unix_socket(std::size_t daemon) const {
    const support::DaemonProcess& process = *daemons_.at(daemon);
    // Stock has no option for the directory.
    return kind_ == DaemonKind::kStock
               ? std::filesystem::path("/tmp") / std::to_string(process.port())
               : process.unix_socket();
}

void Cluster::wait_formed() {
    std::vector<support::DaemonProcess*> all;
    for (const auto& daemon : daemons_) {
        all.push_back(daemon.get());
    }
    support::wait_for_ring(
        all, kind_ == DaemonKind::kStock ? std::chrono::seconds(90) : support::kPatience);
}

std::string Cluster::logs() const {
    std::string text;
    for (const auto& daemon : daemons_) {
        text += "--- " + daemon->spec().name + "\n" + daemon->log();
    }
    return text;
}

std::string fresh(std::string_view stem) {
    static int count = 0;
    return std::string(stem) + std::to_string(++count);
}

Cluster& OneDaemon::cluster() {
    auto& cluster = shared_cluster();
    if (!cluster) {
        cluster = std::make_unique<Cluster>(std::vector<std::string>{"d1"}, false);
        if (stock()) {
            // It listens before it has formed its ring of one, and serves nobody until then.
            Session first(cluster->connect(), fresh("first"));
            first.enter("first");
        }
    }
    return *cluster;
}

RawConnection OneDaemon::connect(Transport transport) {
    return cluster().connect(0, transport);
}

OneDaemon::Member OneDaemon::witness() {
    Member member{session(fresh("w")), fresh("room"), {}};
    member.id = member.session.enter(member.group).id;
    return member;
}

void OneDaemon::TearDown() {
    auto& cluster = shared_cluster();
    if (cluster && !cluster->daemon().process().is_running()) {
        ADD_FAILURE() << "the daemon has ended:\n" << cluster->logs();
        cluster.reset();
    }
}

}  // namespace spread::interop
