#include "daemon/clients/tls_handshakes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

constexpr std::uint64_t kHandshakeWakeup = std::uint64_t{1} << 63U;
constexpr std::uint32_t kHandshakeTask = 1;

}  // namespace

TlsHandshakes::TlsHandshakes(std::shared_ptr<const tls::Context> context, Callback done)
    : context_(std::move(context)), done_(std::move(done)) {
    if (!events_.add(wakeup_.fd(), EPOLLIN, kHandshakeWakeup)) {
        throw StartupError(fmt::format("cannot watch TLS handshakes: {}", std::strerror(errno)));
    }
    const BlockedSignals blocked;
    thread_ = std::thread([this] {
        const SignalStack stack;
        run();
    });
    ::pthread_setname_np(thread_.native_handle(), "tls");
}

TlsHandshakes::~TlsHandshakes() {
    post([this] { is_stopping_ = true; });
    thread_.join();
}

void TlsHandshakes::post(TaskQueue::Task task) {
    tasks_.post(std::move(task));
    wakeup_.notify(kHandshakeTask);
}

void TlsHandshakes::begin(protocol::SessionId session, UniqueFd fd,
                          const access::PeerAddress& peer) {
    const auto shared = std::make_shared<UniqueFd>(std::move(fd));
    post([this, session, shared, place = peer.place()] {
        add(session.value, {std::move(*shared), place});
    });
}

void TlsHandshakes::cancel(protocol::SessionId session) {
    post([this, session] { drop(session.value); });
}

void TlsHandshakes::replace_context(std::shared_ptr<const tls::Context> context) {
    post([this, context = std::move(context)] { context_ = context; });
}

void TlsHandshakes::run() {
    while (true) {
        tasks_.run();
        if (is_stopping_) {
            break;
        }
        admit();
        wakeup_.arm(kHandshakeTask);
        std::optional<protocol::Duration> timeout;
        if (tasks_.has_tasks()) {
            timeout = protocol::Duration::zero();
        } else if (look_at_) {
            timeout = *look_at_ - now();
        }
        const auto ready = events_.wait(event_room_, timeout);
        wakeup_.disarm();
        for (const epoll_event& event : ready) {
            if (event.data.u64 == kHandshakeWakeup) {
                wakeup_.drain();
            } else if (const auto at = under_way_.find(event.data.u64); at != under_way_.end()) {
                go_on(at);
            }
        }
    }
    under_way_.clear();
    waiting_.clear();
}

void TlsHandshakes::add(std::uint64_t session, Handshake handshake) {
    waiting_.push_back({session, std::move(handshake)});
}

void TlsHandshakes::drop(std::uint64_t session) {
    if (const auto at = under_way_.find(session); at != under_way_.end()) {
        finish(at, false, {});
    } else {
        std::erase_if(waiting_, [session](const Waiting& each) { return each.session == session; });
    }
}

/// Those that have come first, and whose place has not too many, as far as there is room or room
/// can be made.
void TlsHandshakes::admit() {
    look_at_.reset();
    std::set<access::PeerAddress> full;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        if (under_way_.size() >= kUnderWayMax && !make_room(nullptr)) {
            return;
        }
        const access::PeerAddress place = at->handshake.place;
        const auto found = of_place_.find(place);
        if (full.contains(place) ||
            (found != of_place_.end() && found->second >= kOfOnePlaceMax && !make_room(&place))) {
            full.insert(place);
            ++at;
            continue;
        }
        Waiting next = std::move(*at);
        at = waiting_.erase(at);
        start(next.session, std::move(next.handshake));
    }
}

void TlsHandshakes::start(std::uint64_t session, Handshake handshake) {
    handshake.stream = tls::Stream::server(context_, handshake.fd.get());
    handshake.since = now();
    if (!events_.add(handshake.fd.get(), EPOLLIN, session)) {
        fail(session, std::move(handshake.fd),
             "cannot be watched: " + std::string(std::strerror(errno)));
        return;
    }
    ++of_place_[handshake.place];
    under_way_.emplace(session, std::move(handshake));
}

bool TlsHandshakes::make_room(const access::PeerAddress* place) {
    auto oldest = under_way_.end();
    for (auto at = under_way_.begin(); at != under_way_.end(); ++at) {
        if ((place == nullptr || at->second.place == *place) &&
            (oldest == under_way_.end() || at->second.since < oldest->second.since)) {
            oldest = at;
        }
    }
    const protocol::Instant over = oldest->second.since + kProtected;
    if (now() < over) {
        look_at_ = std::min(look_at_.value_or(over), over);
        return false;
    }
    finish(oldest, false, "too many handshakes are under way, and this is the oldest");
    return true;
}

void TlsHandshakes::go_on(UnderWay::iterator at) {
    const Handshake& handshake = at->second;
    switch (handshake.stream->handshake()) {
        case tls::Stream::State::kDone: finish(at, true, {}); break;
        case tls::Stream::State::kWantRead:
        case tls::Stream::State::kPause:
            events_.change(handshake.fd.get(), EPOLLIN, at->first);
            break;
        case tls::Stream::State::kWantWrite:
            events_.change(handshake.fd.get(), EPOLLOUT, at->first);
            break;
        case tls::Stream::State::kEnd:
        case tls::Stream::State::kBroken:
            finish(at, false, protocol::escaped(handshake.stream->error()));
            break;
    }
}

/// Takes it off the list. A failure without a reason is known already.
void TlsHandshakes::finish(UnderWay::iterator at, bool is_good, std::string why) {
    Handshake handshake = std::move(at->second);
    const std::uint64_t session = at->first;
    under_way_.erase(at);
    if (const auto place = of_place_.find(handshake.place); --place->second == 0) {
        of_place_.erase(place);
    }
    events_.remove(handshake.fd.get());
    if (!is_good) {
        handshake.stream.reset();
        if (!why.empty()) {
            fail(session, std::move(handshake.fd), std::move(why));
        }
        return;
    }
    auto outcome = std::make_shared<Outcome>();
    outcome->session = protocol::SessionId{session};
    outcome->version = handshake.stream->version();
    if (auto peer = handshake.stream->peer()) {
        outcome->certificate = std::move(peer->name);
    }
    outcome->fd = std::move(handshake.fd);
    outcome->stream = std::move(handshake.stream);
    done_(std::move(outcome));
}

void TlsHandshakes::fail(std::uint64_t session, UniqueFd fd, std::string why) {
    auto outcome = std::make_shared<Outcome>();
    outcome->session = protocol::SessionId{session};
    outcome->fd = std::move(fd);
    outcome->why = std::move(why);
    done_(std::move(outcome));
}

}  // namespace spread::daemon
