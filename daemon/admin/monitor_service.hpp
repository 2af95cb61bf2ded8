#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/ip_address.hpp"
#include "daemon/admin/cluster_json.hpp"
#include "daemon/admin/ring_steering.hpp"
#include "daemon/admin/status_source.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/logging.hpp"
#include "protocol/daemon_report.hpp"
#include "protocol/ids.hpp"
#include "protocol/monitor_wire.hpp"
#include "protocol/time.hpp"

namespace spread::admin {

/// Answers stock's monitor (`spmonitor`), and speaks its language to the other daemons when an
/// operator asks one about all of them: that also reaches those that are not in the ring.
///
/// Who may ask, as in stock: the sender knows the configuration's hash, says which daemon's host it
/// is on, and its packet comes from that daemon's address, which a stranger on the network can
/// forge. So everyone may look, and changes need DangerousMonitor. An answer goes to the address of
/// the daemon that the request names, never to where the packet came from.
///
/// All but offer() is for the thread that runs `io`.
class MonitorService {
  public:
    /// Requests that wait for that thread at most; what comes beyond is dropped.
    static constexpr int kWaitingMax = 64;
    /// How long the others have to answer.
    static constexpr std::chrono::milliseconds kPatience{1000};

    using Answers = std::vector<DaemonAnswer>;

    /// All must outlive this object.
    MonitorService(boost::asio::io_context& io, const StatusParts& parts, StatusSource& source,
                   RingSteering& steering);
    ~MonitorService();
    MonitorService(const MonitorService&) = delete;
    MonitorService& operator=(const MonitorService&) = delete;

    void start();
    void stop();

    /// From any thread: a datagram that is not of the ring. False: nor is it a monitor's.
    [[nodiscard]] bool offer(const daemon::Endpoint& source, std::span<const std::byte> datagram);

    using What = decltype(protocol::MonitorRequest::what);
    /// Tells all others. Stock's monitor knows no answer to that.
    void tell_others(const What& what);
    /// Asks all; `done` is called when all have answered, or after kPatience.
    void ask_all(std::function<void(Answers)> done);

  private:
    using Udp = boost::asio::ip::udp;
    struct Round;

    void on_request(const config::IpAddress& source, const std::string& source_text,
                    std::span<const std::byte> datagram, protocol::Instant arrived);
    [[nodiscard]] std::optional<config::IpAddress> address_of(std::size_t daemon) const;
    void refuse(const std::string& source, const std::string& why);
    /// Waits for the status that is being made.
    struct Asker {
        Udp::endpoint where;
        std::optional<std::uint64_t> question;  ///< of a daemon of this project
        protocol::Instant asked_at;
    };
    void answer_status(const Asker& asker);
    void send_to(std::size_t daemon, const What& what);
    void receive();
    void on_report(const protocol::MonitorReport& report,
                   std::optional<protocol::DaemonReport> more);
    void finish(const std::shared_ptr<Round>& round);
    void get_to_know();

    boost::asio::io_context& io_;
    const StatusParts parts_;
    StatusSource& source_;
    RingSteering& steering_;
    const std::uint32_t hash_;
    Udp::socket socket_;
    std::array<std::byte, 2048> room_{};
    Udp::endpoint from_;
    std::vector<Asker> askers_;
    std::vector<std::shared_ptr<Round>> rounds_;
    std::uint64_t next_question_ = 1;
    // Members of the ring that have not told of themselves since it was installed.
    struct Unknown {
        std::size_t place;
        int questions = 0;  ///< asked so far
    };
    boost::asio::steady_timer look_timer_;
    protocol::RingId known_ring_{};
    std::deque<Unknown> unknown_;
    daemon::RateLimit refusals_{std::chrono::seconds(60)};
    /// Those that other threads have posted, which may outlive us.
    std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace spread::admin
