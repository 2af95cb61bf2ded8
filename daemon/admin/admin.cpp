#include "daemon/admin/admin.hpp"

#include <utility>

#include "daemon/admin/admin_server.hpp"
#include "daemon/admin/monitor_service.hpp"
#include "daemon/admin/ring_steering.hpp"
#include "daemon/admin/status_source.hpp"

namespace spread::admin {

class Admin::Impl {
  public:
    Impl(boost::asio::io_context& io, const StatusParts& parts, History& history,
         AdminCommands what_to_call, AdminSockets sockets)
        : commands(std::move(what_to_call)),
          source(io, parts),
          steering(io, parts, history, commands),
          monitor(io, parts, source, steering),
          server(io, source, history, commands, {steering, monitor}, std::move(sockets)) {}

    const AdminCommands commands;
    StatusSource source;
    RingSteering steering;
    MonitorService monitor;
    AdminServer server;
};

Admin::Admin(boost::asio::io_context& io, const StatusParts& parts, History& history,
             AdminCommands commands, AdminSockets sockets)
    : impl_(std::make_unique<Impl>(io, parts, history, std::move(commands), std::move(sockets))) {}

Admin::~Admin() = default;

void Admin::start() {
    impl_->monitor.start();
    impl_->server.start();
}

void Admin::stop() {
    impl_->server.stop();
    impl_->monitor.stop();
    impl_->steering.stop();
}

bool Admin::offer(const daemon::Endpoint& source, std::span<const std::byte> datagram) {
    return impl_->monitor.offer(source, datagram);
}

}  // namespace spread::admin
