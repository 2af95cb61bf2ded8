#include "daemon/ring/ring_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/host/startup_error.hpp"

namespace spread::daemon {
namespace {

constexpr std::uint32_t kWakeupMark = 0xffffffff;
constexpr auto kPublishPause = std::chrono::milliseconds(250);
constexpr std::uint32_t kInterfacesMark = 0xfffffffe;
constexpr std::uint32_t kNamesMark = 0xfffffffd;
/// Exit status of a process that runs with memories of an earlier moment: the service manager
/// starts another one.
constexpr int kPutBack = 1;
/// Period over which load is measured to decide which thread does the work (SessionServer too).
constexpr auto kLoadWindow = std::chrono::milliseconds(30);

std::unique_ptr<driver::SealedTraffic> sealed_traffic(
    std::optional<sealing::RingSeal::Setup>& setup, sealing::Entropy& entropy) {
    return setup ? std::make_unique<driver::SealedTraffic>(std::move(*setup), entropy) : nullptr;
}

}  // namespace

RingThread::RingThread(Setup setup, protocol::Roster roster, RingLink& link,
                       UdpTransport& transport, protocol::BufferPool& pool)
    : link_(link),
      transport_(transport),
      keep_counter_(std::move(setup.keep_counter)),
      log_(roster, setup.config, std::move(setup.absences)),
      seal_log_(roster, setup.key_file),
      observer_(setup.observer),
      records_all_(setup.records_all),
      addresses_(setup.names
                     ? std::make_unique<PeerAddresses>(std::move(*setup.names), roster, transport)
                     : nullptr),
      driver_({setup.config, setup.incarnation, setup.ring_counter,
               protocol::Rng(setup.random_seed), sealed_traffic(setup.seal, entropy_), setup.flight,
               setup.records_all ? driver::FlightRecorder::Detail::kMessages
                                 : driver::FlightRecorder::Detail::kRuns,
               addresses_ != nullptr},
              link, link.session_wakeup, transport, *this, pool),
      load_(kLoadWindow) {
    if (driver_.seal() != nullptr) {
        seal_log_.on_start(*driver_.seal());
    }
    if (setup.own_address) {
        // As if the link had been there: if it is not, the first look says so.
        interfaces_changed_ = !std::exchange(setup.own_address->link, true);
        own_address_.emplace(std::move(*setup.own_address));
    }
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
    const BlockedSignals blocked;
    thread_ = std::thread([this] {
        const SignalStack stack;
        run();
    });
    ::pthread_setname_np(thread_.native_handle(), "ring");
}

void RingThread::wait() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void RingThread::on_state_change(const membership::StateChange& change) {
    log_.on_state_change(now_, change);
    if (observer_ != nullptr) {
        observer_->on_state_change(change);
    }
}

void RingThread::keep_counter(std::uint64_t ring_counter) {
    if (keep_counter_) {
        keep_counter_(ring_counter);
    }
}

bool RingThread::on_bad_datagram(BadDatagram kind, std::span<const std::byte> datagram) {
    if (kind == BadDatagram::kOtherConfiguration) {
        const membership::RingStats& stats = driver_.engine().stats();
        log_.on_other_configuration(now_, transport_.source(), stats.last_mismatched_sender,
                                    stats.last_mismatched_hash);
        return false;
    }
    const ForeignDatagram foreign = ForeignDatagram::of(datagram);
    if (foreign.what == ForeignDatagram::What::kDoctor ||
        (foreign_hook_ && foreign_hook_(transport_.source(), datagram))) {
        ++not_refused_;
        return true;
    }
    log_.on_unreadable(now_, transport_.source(), foreign);
    return false;
}

void RingThread::on_missing(std::span<const membership::Absence> missing) {
    missing_.assign(missing.begin(), missing.end());
    tell_missing();
}

void RingThread::tell_missing() {
    told_missing_ = known_among(missing_);
    log_.on_missing(now_, told_missing_);
    if (observer_ != nullptr) {
        observer_->on_missing(told_missing_);
    }
}

/// Without those that have a name which nothing is known of: they may not exist yet.
std::vector<membership::Absence> RingThread::known_among(
    const std::vector<membership::Absence>& missing) const {
    std::vector<membership::Absence> known = missing;
    if (addresses_) {
        std::erase_if(known, [this](const membership::Absence& absence) {
            return addresses_->is_unknown(absence.daemon);
        });
    }
    return known;
}

void RingThread::on_one_by_one(const protocol::MemberList& daemons) {
    log_.on_one_by_one(now_, daemons);
}

void RingThread::on_narrow_path(protocol::DaemonId peer, std::size_t bytes) {
    log_.on_narrow_path(peer, bytes);
}

void RingThread::on_settings(protocol::DaemonId sender, std::string_view settings) {
    const auto difference = log_.on_settings(now_, sender, settings);
    if (difference && observer_ != nullptr) {
        observer_->on_difference(sender, *difference);
    }
}

void RingThread::on_output(const membership::EngineOutput& out) {
    if (driver_.engine().ring_id() == logged_ring_) {
        return;
    }
    for (const membership::DeliveryEvent& event : out.deliveries) {
        const auto* change = std::get_if<membership::ConfigurationChange>(&event);
        if (change != nullptr && change->kind == membership::ConfigurationKind::kRegular) {
            logged_ring_ = change->ring_id;
            missing_ = change->missing;
            membership::ConfigurationChange told = *change;
            if (addresses_) {
                addresses_->set_members(now_, told.members);
                told.missing = known_among(missing_);
            }
            told_missing_ = told.missing;
            log_.on_configuration(now_, told);
            if (observer_ != nullptr) {
                observer_->on_installed(told);
            }
        }
    }
    publish();
}

void RingThread::on_not_run(protocol::Duration late) {
    if (const auto more = not_run_limit_.admit(now_)) {
        log_event_with(
            LogEvent::kOwnPause,
            {{"pause_ms", std::chrono::duration_cast<std::chrono::milliseconds>(late).count()}},
            "this daemon did not run for {} ms{}",
            std::chrono::duration_cast<std::chrono::milliseconds>(late).count(),
            *more == 0 ? std::string()
                       : fmt::format(" ({} more times since the last warning)", *more));
    }
}

void RingThread::on_opened(const sealing::OpenedDatagram& opened) {
    if (addresses_ && opened.is_newest) {
        addresses_->on_authentic(now_, driver_.seal()->last_envelope().sender, transport_.source());
    }
}

bool RingThread::admits(std::span<const std::byte> datagram) {
    return addresses_->admits(now_, datagram, transport_.source());
}

void RingThread::on_refused(sealing::Refusal refusal, const sealing::Envelope& envelope) {
    if (addresses_ && refusal == sealing::Refusal::kUnproven) {
        addresses_->on_claim(now_, envelope.sender, transport_.source());
    }
    seal_log_.on_refused(now_, transport_.source(), refusal, envelope, driver_.seal()->keys());
}

void RingThread::on_seal_event(const sealing::SealEvent& event, const sealing::KeyRing& keys) {
    seal_log_.on_event(event);
    if (const auto order = sealing::order_of(event, keys); order && key_taken_hook_) {
        key_taken_hook_(*order);
    }
    if (event.kind == sealing::SealEvent::Kind::kPutBack) {
        stop_logging();
        std::_Exit(kPutBack);
    }
}

protocol::Instant RingThread::time_of_reading(protocol::Instant turn) {
    return records_all_ ? now() : turn;
}

void RingThread::run() {
    now_ = now();
    load_.reset(now_, thread_cpu_time());
    driver_.start(now_);
    while (!driver_.has_left()) {
        if (link_.session_has_ring()) {
            link_.ring_owner.wait(RingLink::RingOwner::kSessionThread, std::memory_order_acquire);
            load_.reset(now(), thread_cpu_time());
        }
        wait_for_work();
        turn();
        hand_over_if_wanted();
    }
    publish();
    log_event(LogEvent::kCounters, "counters at the end: {}", describe_counters());
    link_.ring_stopped.store(true, std::memory_order_release);
    link_.session_wakeup.notify(RingLink::kStopped | RingLink::kDelivery);
}

void RingThread::turn() {
    if (std::exchange(interfaces_changed_, false)) {
        look_at_interfaces();
    }
    now_ = now();
    if (addresses_) {
        addresses_->work(now_);
        if (addresses_->take_unknown_change() && known_among(missing_) != told_missing_) {
            tell_missing();
        }
    }
    driver_.work(now_);
    now_ = now();
    driver_.finish(now_);
    if (now_ - published_at_ >= kPublishPause) {
        publish();
    }
}

std::optional<protocol::Instant> RingThread::next_deadline() const {
    auto deadline = driver_.next_deadline();
    if (addresses_) {
        deadline =
            std::min(deadline.value_or(protocol::Instant::max()), addresses_->next_deadline());
    }
    return deadline;
}

void RingThread::work_on(std::span<const epoll_event> events) {
    take_events(events);
    turn();
}

void RingThread::wait_for_work() {
    link_.ring_wakeup.arm(driver_.wake_reasons());
    std::optional<protocol::Duration> timeout;
    if (driver_.has_work()) {
        timeout = protocol::Duration(0);
    } else if (const auto deadline = next_deadline()) {
        timeout = *deadline - now();
    }
    std::array<epoll_event, 32> events{};
    const auto ready = events_.wait(events, timeout);
    link_.ring_wakeup.disarm();
    take_events(ready);
}

std::vector<RingThread::Watched> RingThread::watched() const {
    std::vector<Watched> out;
    for (std::size_t i = 0; i < transport_.sockets().size(); ++i) {
        out.push_back({transport_.sockets()[i].fd.get(), static_cast<std::uint32_t>(i)});
    }
    if (interfaces_.fd() >= 0) {
        out.push_back({interfaces_.fd(), kInterfacesMark});
    }
    if (addresses_) {
        out.push_back({addresses_->fd(), kNamesMark});
    }
    return out;
}

void RingThread::take_events(std::span<const epoll_event> events) {
    transport_.forget_ready();
    for (const epoll_event& event : events) {
        if (event.data.u32 == kWakeupMark) {
            link_.ring_wakeup.drain();
            continue;
        }
        if (event.data.u32 == kInterfacesMark) {
            interfaces_changed_ = true;
            continue;
        }
        if (event.data.u32 == kNamesMark) {
            addresses_->note_answers();
            continue;
        }
        if ((event.events & EPOLLERR) != 0) {
            transport_.note_errors();
        }
        if ((event.events & EPOLLIN) != 0) {
            transport_.note_readable(event.data.u32);
        }
    }
}

/// The host's interfaces have changed, which is rare: the own address may be gone, or back on an
/// interface that knows nothing of the groups we joined.
void RingThread::look_at_interfaces() {
    static_cast<void>(interfaces_.changed());
    if (!own_address_) {
        return;
    }
    std::optional<OwnAddress::Change> change;
    try {
        const std::vector<LocalAddress> locals = local_addresses();
        change = own_address_->look(locals);
        transport_.set_link(own_address_->at().link, locals);
    } catch (const StartupError& error) {
        log_event(LogEvent::kInterfacesUnreadable, "{}", error.what());
    }
    if (!change) {
        return;
    }
    driver_.set_own_address(now_, own_address_->is_linked());
    switch (change->event) {
        case OwnAddress::Event::kLost:
            log_event(LogEvent::kOwnAddressLost, "{}", change->text);
            return;
        case OwnAddress::Event::kLinkLost:
            log_event(LogEvent::kOwnLinkLost, "{}", change->text);
            return;
        case OwnAddress::Event::kLinkBack:
            log_event(LogEvent::kOwnLinkBack, "{}", change->text);
            break;
        case OwnAddress::Event::kReturned:
        case OwnAddress::Event::kMoved:
            log_event(LogEvent::kOwnAddressBack, "{}", change->text);
            break;
    }
    if (const std::string problem = transport_.follow(own_address_->at()); !problem.empty()) {
        log_event(LogEvent::kOwnAddressUnused, "{}", problem);
    }
}

void RingThread::hand_over_if_wanted() {
    if (load_.is_due(now_)) {
        load_.end_window(now_, thread_cpu_time());
        link_.ring_load.store(load_.share(), std::memory_order_relaxed);
    }
    if (link_.hand_ring_over()) {
        link_.session_wakeup.notify(RingLink::kRingIsYours);
    }
}

/// Counters without a lock: readers that meet this look again.
void RingThread::publish() {
    published_at_ = now_;
    log_.tick(now_);
    if (log_.without_group() != without_group_) {
        without_group_ = log_.without_group();
        if (observer_ != nullptr) {
            observer_->on_without_group(without_group_);
        }
    }
    if (driver_.seal() != nullptr) {
        seal_log_.tick(now_, *driver_.seal());
    }
    transport_.count_socket_drops();
    decltype(counters_)::Values values{};
    protocol::RingCounters told = driver_.engine().stats();
    told.packets_malformed -= not_refused_;  // they are somebody's
    const auto ring = protocol::values_of(told);
    const auto udp = protocol::values_of(transport_.counters());
    const auto seal = protocol::values_of(driver_.seal() != nullptr ? driver_.seal()->counters()
                                                                    : protocol::SealingCounters{});
    auto end = std::copy(ring.begin(), ring.end(), values.begin());
    end = std::copy(udp.begin(), udp.end(), end);
    std::copy(seal.begin(), seal.end(), end);
    counters_.publish(values);
    const membership::RingEngine& engine = driver_.engine();
    const membership::RingConfig& config = engine.config();
    facts_.set(std::make_shared<const RingFacts>(RingFacts{
        now_,
        engine.state(),
        engine.ring_id(),
        engine.members(),
        engine.last_heard(),
        engine.received_from(),
        engine.settings_sum(),
        engine.cut_off(now_),
        config.personal_window,
        config.accelerated ? config.accelerated_window : 0,
        config.window_limit,
        engine.stats().rotations,
        addresses_ ? addresses_->whereabouts() : std::vector<std::optional<config::IpAddress>>(),
        log_.refused(),
        log_.differences(),
        engine.with_other_settings(),
        {config.token_loss_timeout, config.token_loss_timeout_max}}));
}

std::string RingThread::describe_counters() const {
    const auto values = counters_.read();
    std::string out;
    std::size_t index = 0;
    const auto add = [&](std::string_view part, const auto& rows) {
        for (const protocol::CounterInfo& row : rows) {
            out +=
                fmt::format("{}{}_{} {}", out.empty() ? "" : ", ", part, row.name, values[index++]);
        }
    };
    add("ring", protocol::kRingCounters);
    add("udp", protocol::kTransportCounters);
    add("seal", protocol::kSealingCounters);
    return out;
}

}  // namespace spread::daemon
