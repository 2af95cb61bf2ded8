#include "daemon/admin/admin.hpp"

#include <utility>

#include "daemon/admin/admin_server.hpp"
#include "daemon/admin/status_source.hpp"

namespace spread::admin {

class Admin::Impl {
  public:
    Impl(boost::asio::io_context& io, const StatusParts& parts, History& history,
         AdminCommands commands, AdminSockets sockets)
        : source(io, parts), server(io, source, history, std::move(commands), std::move(sockets)) {}

    StatusSource source;
    AdminServer server;
};

Admin::Admin(boost::asio::io_context& io, const StatusParts& parts, History& history,
             AdminCommands commands, AdminSockets sockets)
    : impl_(std::make_unique<Impl>(io, parts, history, std::move(commands), std::move(sockets))) {}

Admin::~Admin() = default;

void Admin::start() {
    impl_->server.start();
}

void Admin::stop() {
    impl_->server.stop();
}

}  // namespace spread::admin
