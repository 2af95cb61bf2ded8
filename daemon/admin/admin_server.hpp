#pragma once

#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "daemon/admin/admin_commands.hpp"
#include "daemon/admin/admin_sockets.hpp"
#include "daemon/admin/drain.hpp"
#include "daemon/admin/http_server.hpp"
#include "daemon/admin/monitor_service.hpp"
#include "daemon/admin/ring_steering.hpp"
#include "daemon/admin/status_source.hpp"
#include "daemon/host/logging.hpp"

namespace spread::admin {

/// What operators see and steer: the same paths on the control socket and, where AdminListen opens
/// one, on a TCP port. The control socket's peers are known: root and the daemon's own user may
/// change something, others only look; whoever comes over TCP only looks, unless it shows the
/// token of AdminWrite. docs/status.md lists the paths.
class AdminServer {
  public:
    /// How other daemons and the ring are reached, and the daemon's end.
    struct Reach {
        RingSteering& steering;
        MonitorService& monitor;
        Drain& drain;
    };
    /// All but `sockets` must outlive this object.
    AdminServer(boost::asio::io_context& io, StatusSource& source, History& history,
                const AdminCommands& commands, Reach reach, AdminSockets sockets);
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    void start();
    void stop();

  private:
    using Respond = HttpServer::Respond;
    void handle(const HttpRequest& request, const Respond& respond);
    [[nodiscard]] bool look(const HttpRequest& request, const Respond& respond);
    void change(const HttpRequest& request, const Respond& respond);
    void page(const Respond& respond);
    void bundle(const Respond& respond);
    void health(const HttpRequest& request, const Respond& respond);
    [[nodiscard]] bool may_change(const HttpRequest& request) const;
    void ban(const HttpRequest& request, const Respond& respond);
    void change_keys(const HttpRequest& request, const Respond& respond);
    void drain(const HttpRequest& request, const Respond& respond);
    void kick(const HttpRequest& request, const Respond& respond);
    void partition(const HttpRequest& request, const Respond& respond);
    void flow_control(const HttpRequest& request, const Respond& respond);
    void steer_all(const RingSteering::Result& here, const MonitorService::What& what,
                   const Respond& respond);
    void note(const HttpRequest& request, std::string what);

    StatusSource& source_;
    History& history_;
    const AdminCommands& commands_;
    Reach reach_;
    AdminSockets listening_;
    HttpServer http_;
    MonitorService::Answers answers_;  ///< for the page
    bool is_asking_ = false;
    daemon::RateLimit refused_limit_{std::chrono::seconds(1)};
};

/// Whether a name by which an HTTP client calls us is one that no other site can have had a browser
/// use (DNS rebinding): an address, localhost, or this host's name; with or without a port.
[[nodiscard]] bool is_own_host(std::string_view host);

}  // namespace spread::admin
