#include "daemon/admin/admin.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/admin/admin_server.hpp"
#include "daemon/admin/drain.hpp"
#include "daemon/admin/liveness_report.hpp"
#include "daemon/admin/monitor_service.hpp"
#include "daemon/admin/ring_steering.hpp"
#include "daemon/admin/status_source.hpp"
#include "daemon/host/service_manager.hpp"

namespace spread::admin {

namespace {

/// How often a service manager is told how the daemon is: twice in its patience.
std::chrono::microseconds report_period() {
    constexpr std::chrono::microseconds kPeriodMax = std::chrono::seconds(10);
    const auto patience = daemon::manager_patience();
    return patience ? std::min(*patience / 2, kPeriodMax) : kPeriodMax;
}

}  // namespace

class Admin::Impl {
  public:
    Impl(boost::asio::io_context& io, const StatusParts& parts, History& history,
         AdminCommands what_to_call, AdminSockets sockets)
        : commands(std::move(what_to_call)),
          source(io, parts),
          steering(io, parts, history, commands),
          monitor(io, parts, source, steering),
          liveness(io, source, report_period(), daemon::notify_manager),
          drain(io, source, commands),
          server(io, source, history, commands, {steering, monitor, drain}, std::move(sockets)) {}

    const AdminCommands commands;
    StatusSource source;
    RingSteering steering;
    MonitorService monitor;
    LivenessReport liveness;
    Drain drain;
    AdminServer server;
};

Admin::Admin(boost::asio::io_context& io, const StatusParts& parts, History& history,
             AdminCommands commands, AdminSockets sockets)
    : impl_(std::make_unique<Impl>(io, parts, history, std::move(commands), std::move(sockets))) {}

Admin::~Admin() = default;

void Admin::start() {
    impl_->monitor.start();
    impl_->server.start();
    if (daemon::has_manager()) {
        impl_->liveness.start();
    }
}

void Admin::stop() {
    impl_->liveness.stop();
    impl_->drain.stop();
    impl_->server.stop();
    impl_->monitor.stop();
    impl_->steering.stop();
}

bool Admin::offer(const daemon::Endpoint& source, std::span<const std::byte> datagram) {
    return impl_->monitor.offer(source, datagram);
}

}  // namespace spread::admin
