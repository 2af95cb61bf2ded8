#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "daemon/access/peer_address.hpp"
#include "daemon/clients/task_queue.hpp"
#include "daemon/host/event_set.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/host/wakeup.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"
#include "tls/stream.hpp"

namespace spread::daemon {

/// Shakes hands with clients that speak TLS, on a thread of its own: one handshake takes up to some
/// milliseconds of processor time, and a slow or hostile peer as long as it likes. Whoever begins
/// one bounds its time, by cancel().
///
/// So many are under way at once, and so many of them from one place (PeerAddress::place()). Where
/// more wait, the oldest one makes room once it has had some time.
class TlsHandshakes {
  public:
    static constexpr std::size_t kUnderWayMax = 256;
    static constexpr std::size_t kOfOnePlaceMax = 64;
    static constexpr protocol::Duration kProtected = std::chrono::seconds(1);

    struct Outcome {
        protocol::SessionId session;
        UniqueFd fd;
        std::unique_ptr<tls::Stream> stream;  ///< null: it failed
        std::string version;
        std::string certificate;  ///< the name in the client's; empty: it has shown none
        std::string why;          ///< it failed, printable
    };
    /// Called on the thread of the handshakes.
    using Callback = std::function<void(std::shared_ptr<Outcome>)>;

    TlsHandshakes(std::shared_ptr<const tls::Context> context, Callback done);
    /// Ends those under way. There is no callback afterwards.
    ~TlsHandshakes();
    TlsHandshakes(const TlsHandshakes&) = delete;
    TlsHandshakes& operator=(const TlsHandshakes&) = delete;

    // From any thread:

    void begin(protocol::SessionId session, UniqueFd fd, const access::PeerAddress& peer);
    /// Closes its socket. It may still be reported, if it has just ended.
    void cancel(protocol::SessionId session);
    /// For handshakes that begin from now on.
    void replace_context(std::shared_ptr<const tls::Context> context);

  private:
    struct Handshake {
        UniqueFd fd;
        access::PeerAddress place;
        std::unique_ptr<tls::Stream> stream{};
        protocol::Instant since{};
    };
    struct Waiting {
        std::uint64_t session;
        Handshake handshake;
    };
    using UnderWay = std::map<std::uint64_t, Handshake>;

    void post(TaskQueue::Task task);
    void run();
    void add(std::uint64_t session, Handshake handshake);
    void drop(std::uint64_t session);
    void admit();
    void start(std::uint64_t session, Handshake handshake);
    /// Ends the oldest one, or the oldest of a place, if that has had its time.
    [[nodiscard]] bool make_room(const access::PeerAddress* place);
    void go_on(UnderWay::iterator at);
    void finish(UnderWay::iterator at, bool is_good, std::string why);
    void fail(std::uint64_t session, UniqueFd fd, std::string why);

    std::shared_ptr<const tls::Context> context_;
    Callback done_;
    EventSet events_;
    std::array<epoll_event, 64> event_room_{};
    UnderWay under_way_;
    std::map<access::PeerAddress, std::size_t> of_place_;
    std::deque<Waiting> waiting_;
    std::optional<protocol::Instant> look_at_;  ///< when one of them has had its time
    bool is_stopping_ = false;

    TaskQueue tasks_;
    Wakeup wakeup_;
    std::thread thread_;
};

}  // namespace spread::daemon
