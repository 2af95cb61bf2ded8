#include "daemon/ring/ring_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <numeric>

#include "daemon/host/clock.hpp"
#include "daemon/host/startup_error.hpp"

namespace spread::daemon {
namespace {

/// Messages of clients that were accepted still get their place in the order, if the ring turns.
constexpr auto kLeaveGrace = std::chrono::milliseconds(150);
/// Receive calls before the loop looks at submissions and deadlines again.
constexpr int kReceiveCallsMax = 8;
constexpr std::uint32_t kWakeupMark = 0xffffffff;
/// Over how long the load is taken that decides which thread does the work (SessionServer too).
constexpr auto kLoadWindow = std::chrono::milliseconds(30);

std::uint64_t bad_datagrams(const membership::RingStats& stats) {
    return std::accumulate(stats.decode_errors.begin(), stats.decode_errors.end(),
                           std::uint64_t{0});
}

}  // namespace

DaemonNames::DaemonNames(const config::Configuration& configuration) {
    for (const config::Daemon& daemon : configuration.daemons) {
        names_.emplace_back(protocol::DaemonId{daemon.id}, escape(daemon.name));
    }
}

std::string DaemonNames::of(protocol::DaemonId id) const {
    for (const auto& [known, name] : names_) {
        if (known == id) {
            return name;
        }
    }
    return std::to_string(id.value);
}

std::string DaemonNames::of(const protocol::MemberList& members) const {
    std::string out;
    for (const protocol::DaemonId member : members) {
        out += (out.empty() ? "" : " ") + of(member);
    }
    return out;
}

RingThread::RingThread(Setup setup, DaemonNames names, RingLink& link, UdpTransport& transport,
                       protocol::BufferPool& pool)
    : names_(std::move(names)),
      link_(link),
      transport_(transport),
      pool_(pool),
      engine_(setup.config, setup.incarnation, setup.ring_counter, protocol::Rng(setup.random_seed),
              pool, *this),
      own_hash_(setup.config.config_hash),
      keep_counter_(std::move(setup.keep_counter)),
      kept_counter_(setup.ring_counter),
      load_(kLoadWindow),
      readable_(transport.sockets().size()) {
    bool watching = events_.add(link.ring_wakeup.fd(), EPOLLIN, kWakeupMark);
    for (const Watched& each : watched()) {
        watching = watching && events_.add(each.fd, EPOLLIN, each.mark);
    }
    if (!watching) {
        throw StartupError(fmt::format("cannot watch sockets: {}", std::strerror(errno)));
    }
}

RingThread::~RingThread() {
    if (thread_.joinable()) {
        link_.leave_wanted.store(true);
        link_.give_ring_back();
        link_.ring_wakeup.notify(~Wakeup::Reasons{0});
        thread_.join();
    }
}

void RingThread::start() {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "ring");
}

void RingThread::wait() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void RingThread::on_state_change(const membership::StateChange& change) {
    log_info(LogType::kMembership, "ring {} -> {}: {}{}{} ({}, {})",
             membership::to_string(change.from), membership::to_string(change.to),
             membership::to_string(change.reason), change.peer ? ", daemon " : "",
             change.peer ? names_.of(change.peer) : std::string(),
             change.members.size() == 1 ? std::string("1 daemon")
                                        : fmt::format("{} daemons", change.members.size()),
             names_.of(change.members));
}

void RingThread::run() {
    now_ = now();
    load_.reset(now_, thread_cpu_time());
    grant_delivery_room();
    engine_.on_start(now_, out_);
    dispatch();
    for (;;) {
        if (link_.session_has_ring()) {
            link_.ring_owner.wait(RingLink::RingOwner::kSessionThread, std::memory_order_acquire);
            load_.reset(now(), thread_cpu_time());
        }
        if (leave_if_wanted()) {
            break;
        }
        wait_for_work();
        work();
        hand_over_if_wanted();
    }
    out_.clear();
    log_totals();
    link_.ring_stopped.store(true, std::memory_order_release);
    link_.session_wakeup.notify(RingLink::kStopped | RingLink::kDelivery);
}

void RingThread::log_totals() const {
    const membership::RingStats& ring = engine_.stats();
    const TransportStats& udp = transport_.stats();
    log_debug(
        LogType::kNetwork,
        "totals: {} messages sent, {} delivered; {} packets sent, {} again, {} tokens ({} granted, "
        "{} leased, {} of these recalled); UDP: {} "
        "datagrams sent in {} calls ({} segmented), {} lost; {} received in {} calls ({} "
        "coalesced)",
        ring.messages_submitted, ring.messages_delivered, ring.packets_sent,
        ring.packets_retransmitted, ring.tokens_received, ring.tokens_granted, ring.tokens_leased,
        ring.leases_recalled, udp.datagrams_sent, udp.send_calls, udp.segmented_sends,
        udp.send_losses, udp.datagrams_received, udp.receive_calls, udp.coalesced_receipts);
}

void RingThread::work() {
    now_ = now();
    grant_delivery_room();
    take_control();
    take_submissions();
    dispatch();
    receive();
    now_ = now();
    // Only after the sockets: what the deadline waits for may have been waiting there.
    if (const auto deadline = engine_.next_deadline(); deadline && *deadline <= now_) {
        engine_.on_deadline(now_, out_);
        dispatch();
    }
}

bool RingThread::has_work() {
    if (link_.leave_wanted.load(std::memory_order_acquire) && !leave_by_) {
        return true;
    }
    if (link_.control.front() != nullptr) {
        return true;
    }
    if (link_.submissions.front() != nullptr && engine_.send_queue_has_room()) {
        return true;
    }
    return (room_granted_ < RingLink::kDeliveriesMax / 2 || !overflow_.empty()) &&
           link_.deliveries_are_low();
}

void RingThread::wait_for_work() {
    auto deadline = engine_.next_deadline();
    if (leave_by_ && (!deadline || *leave_by_ < *deadline)) {
        deadline = leave_by_;
    }
    Wakeup::Reasons reasons = RingLink::kControl;
    if (engine_.send_queue_has_room()) {
        reasons |= RingLink::kSubmission;
    }
    if (room_granted_ < RingLink::kDeliveriesMax / 2 || !overflow_.empty()) {
        reasons |= RingLink::kDeliveryRoom;
    }
    link_.ring_wakeup.arm(reasons);
    if (has_work()) {
        deadline = now_;
    }

    std::array<epoll_event, 32> events{};
    const auto ready = events_.wait(
        events, deadline ? std::optional(*deadline - now()) : std::optional<protocol::Duration>());
    link_.ring_wakeup.disarm();
    take_events(ready);
}

std::vector<RingThread::Watched> RingThread::watched() const {
    std::vector<Watched> out;
    for (std::size_t i = 0; i < transport_.sockets().size(); ++i) {
        out.push_back({transport_.sockets()[i].fd.get(), static_cast<std::uint32_t>(i)});
    }
    return out;
}

void RingThread::take_events(std::span<const epoll_event> events) {
    std::fill(readable_.begin(), readable_.end(), char{0});
    errors_waiting_ = false;
    for (const epoll_event& event : events) {
        if (event.data.u32 == kWakeupMark) {
            link_.ring_wakeup.drain();
            continue;
        }
        if ((event.events & EPOLLERR) != 0) {
            errors_waiting_ = true;
        }
        if ((event.events & EPOLLIN) != 0) {
            readable_[event.data.u32] = 1;
        }
    }
}

void RingThread::work_on(std::span<const epoll_event> events) {
    take_events(events);
    work();
}

void RingThread::hand_over_if_wanted() {
    if (load_.is_due(now_)) {
        load_.end_window(now_, thread_cpu_time());
        link_.ring_load.store(load_.share(), std::memory_order_relaxed);
    }
    if (!link_.ring_wanted.load(std::memory_order_acquire) ||
        link_.leave_wanted.load(std::memory_order_acquire)) {
        return;
    }
    link_.ring_wanted.store(false, std::memory_order_relaxed);
    link_.ring_owner.store(RingLink::RingOwner::kSessionThread);
    if (link_.leave_wanted.load()) {
        link_.give_ring_back();  // nobody might take it any more
        return;
    }
    link_.session_wakeup.notify(RingLink::kRingIsYours);
}

std::size_t RingThread::delivery_room() const {
    if (link_.delivered_bytes.load(std::memory_order_acquire) >= RingLink::kDeliveredBytesMax) {
        return 0;
    }
    const std::size_t used = link_.deliveries.size() + overflow_.size();
    return used < RingLink::kDeliveriesMax ? RingLink::kDeliveriesMax - used : 0;
}

void RingThread::grant_delivery_room() {
    push_deliveries();  // what overflowed goes first
    room_granted_ = delivery_room();
    engine_.set_delivery_room(now_, room_granted_, out_);
}

void RingThread::take_control() {
    bool submitted = false;
    while (ControlItem* item = link_.control.front()) {
        if (auto* submission = std::get_if<membership::Submission>(item)) {
            if (engine_.submit(std::move(*submission)) == membership::SubmitStatus::kFull) {
                break;
            }
            submitted = true;
        } else if (const auto* ring = std::get_if<protocol::RingId>(item)) {
            engine_.resume(now_, *ring, out_);
        }
        link_.control.pop();
        link_.session_wakeup.notify(RingLink::kSubmitRoom);
    }
    if (submitted) {
        engine_.on_submitted(now_, out_);
    }
}

void RingThread::take_submissions() {
    bool taken = false;
    while (engine_.send_queue_has_room()) {
        membership::Submission* submission = link_.submissions.front();
        if (submission == nullptr) {
            break;
        }
        const std::size_t bytes = submission->body.size();
        if (engine_.submit(std::move(*submission)) == membership::SubmitStatus::kFull) {
            break;
        }
        link_.submissions.pop();
        link_.submitted_bytes.fetch_sub(bytes, std::memory_order_release);
        taken = true;
    }
    if (taken) {
        engine_.on_submitted(now_, out_);
    }
    if (taken && link_.submit_is_low()) {
        link_.session_wakeup.notify(RingLink::kSubmitRoom);
    }
}

void RingThread::receive() {
    if (errors_waiting_) {
        transport_.read_errors(
            [this](protocol::DaemonId peer) { engine_.on_peer_unreachable(now_, peer, out_); });
        dispatch();
    }
    for (int calls = 0; calls < kReceiveCallsMax; ++calls) {
        const bool data_first = engine_.read_preference() == membership::ReadPreference::kDataFirst;
        using enum membership::Channel;
        if (!receive_from(data_first ? kData : kToken) &&
            !receive_from(data_first ? kToken : kData)) {
            return;
        }
        dispatch();
        // A token that just arrived may carry off what clients have sent meanwhile.
        take_submissions();
    }
}

bool RingThread::receive_from(membership::Channel channel) {
    const auto& sockets = transport_.sockets();
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        if (readable_[i] == 0 || sockets[i].channel != channel) {
            continue;
        }
        const bool more = transport_.receive(
            sockets[i], pool_, [this](const protocol::Slice& datagram, const Endpoint& source) {
                on_datagram(datagram, source);
            });
        readable_[i] = more ? 1 : 0;
        return true;
    }
    return false;
}

void RingThread::on_datagram(const protocol::Slice& datagram, const Endpoint& source) {
    engine_.on_packet(now_, datagram, out_);
    const membership::RingStats& stats = engine_.stats();
    if (stats.config_hash_mismatches != hash_mismatches_seen_ ||
        bad_datagrams(stats) != bad_datagrams_seen_) {
        report_bad_datagram(source);
    }
}

void RingThread::report_bad_datagram(const Endpoint& source) {
    const membership::RingStats& stats = engine_.stats();
    if (stats.config_hash_mismatches != hash_mismatches_seen_) {
        hash_mismatches_seen_ = stats.config_hash_mismatches;
        if (const auto more = mismatch_limit_.admit(now_)) {
            log_warning(LogType::kNetwork,
                        "{} (daemon {}) runs another configuration: its hash is {}, ours {}; it is "
                        "ignored until both use the same file ({} more since the last warning)",
                        source.to_string(), names_.of(stats.last_mismatched_sender),
                        stats.last_mismatched_hash, own_hash_, *more);
        }
    }
    if (const std::uint64_t bad = bad_datagrams(stats); bad != bad_datagrams_seen_) {
        bad_datagrams_seen_ = bad;
        if (const auto more = malformed_limit_.admit(now_)) {
            log_warning(LogType::kNetwork,
                        "dropped a datagram from {} that is not of a spreadd ring ({} more since "
                        "the last warning)",
                        source.to_string(), *more);
        }
    }
}

void RingThread::dispatch() {
    if (engine_.ring_counter() > kept_counter_) {
        kept_counter_ = engine_.ring_counter();
        if (keep_counter_) {
            keep_counter_(kept_counter_);
        }
    }
    if (!out_.sends.empty()) {
        transport_.send(out_.sends);
    }
    push_deliveries();
    out_.clear();
}

void RingThread::push_deliveries() {
    bool pushed = false;
    const auto try_push = [&](membership::DeliveryEvent& event) {
        const auto* delivery = std::get_if<membership::Delivery>(&event);
        const std::size_t bytes = delivery != nullptr ? delivery->body.size() : 0;
        // Counted first: the consumer may take it away at once.
        link_.delivered_bytes.fetch_add(bytes, std::memory_order_relaxed);
        if (!link_.deliveries.try_push(std::move(event))) {
            link_.delivered_bytes.fetch_sub(bytes, std::memory_order_relaxed);
            return false;
        }
        pushed = true;
        return true;
    };
    while (!overflow_.empty() && try_push(overflow_.front())) {
        overflow_.pop_front();
    }
    for (membership::DeliveryEvent& event : out_.deliveries) {
        if (!overflow_.empty() || !try_push(event)) {
            overflow_.push_back(std::move(event));
        }
    }
    out_.deliveries.clear();
    if (pushed) {
        link_.session_wakeup.notify(RingLink::kDelivery);
    }
}

bool RingThread::leave_if_wanted() {
    if (!link_.leave_wanted.load(std::memory_order_acquire)) {
        return false;
    }
    now_ = now();
    if (!leave_by_) {
        leave_by_ = now_ + kLeaveGrace;
    }
    const bool sent = link_.control.empty() && link_.submissions.empty() &&
                      engine_.stats().send_queue_messages == 0;
    if (!sent && now_ < *leave_by_) {
        return false;
    }
    engine_.on_leave(now_, out_);
    dispatch();
    return true;
}

}  // namespace spread::daemon
