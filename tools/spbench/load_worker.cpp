#include "tools/spbench/load_worker.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace spread::spbench {

namespace {

// Tokens of epoll events: senders from 0, receivers from kFirstReceiver, the wake-up at the end.
constexpr std::uint64_t kFirstReceiver = std::uint64_t{1} << 32U;
constexpr std::uint64_t kWakeup = std::numeric_limits<std::uint64_t>::max();

/// A sender whose queue holds more than this waits for its socket, so that memory stays bounded and
/// the kernel sees large writes.
constexpr std::size_t kUnsentMax = 256 * 1024;
/// Reads of one receiver before others get their turn.
constexpr int kReadsPerTurn = 64;
/// How long a thread sleeps when nothing is due: only a safety net.
constexpr Nanoseconds kSleepMax = 100 * kMillisecond;

constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();

}  // namespace

std::vector<std::byte> make_body(std::size_t bytes, std::size_t sender) {
    std::vector<std::byte> body(bytes);
    std::uint32_t state = static_cast<std::uint32_t>(sender) * 2654435761U + 1U;
    for (auto& byte : body) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(state >> 24U);
    }
    return body;
}

LoadWorker::LoadWorker(LoadPlan& plan, std::vector<LoadWorker*>& all)
    : plan_(plan),
      all_(all),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    watch(wakeup_.get(), kWakeup, EPOLLIN, EPOLL_CTL_ADD);
}

void LoadWorker::watch(int descriptor, std::uint64_t token, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token;
    static_cast<void>(epoll_ctl(epoll_.get(), operation, descriptor, &event));
}

void LoadWorker::add(std::unique_ptr<Sender> sender) {
    watch(sender->session.descriptor(), senders_.size(), EPOLLIN, EPOLL_CTL_ADD);
    senders_.push_back(std::move(sender));
}

void LoadWorker::add(std::unique_ptr<Receiver> receiver) {
    watch(receiver->session.descriptor(), kFirstReceiver + receivers_.size(), EPOLLIN,
          EPOLL_CTL_ADD);
    receivers_.push_back(std::move(receiver));
}

void LoadWorker::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wakeup_.get(), &one, sizeof one);
}

void LoadWorker::run() {
    // Messages are due at the time they are due, not up to 50 us later to suit the kernel's timers.
    static_cast<void>(prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL));
    while (!plan_.is_stopping.load(std::memory_order_relaxed)) {
        wait();
        wake_waiting_others();
    }
}

void LoadWorker::wait() {
    is_interrupted_ = false;
    pump_all();
    // Announce the sleep first and look again afterwards: whoever makes progress in between either
    // sees the announcement or is seen by the second look.
    bool may_sleep = !is_interrupted_;
    if (may_sleep && has_held_up_sender()) {
        is_waiting_.store(true, std::memory_order_seq_cst);
        pump_all();
        may_sleep = !is_interrupted_;
    }
    Nanoseconds timeout = 0;
    if (may_sleep) {
        const Nanoseconds now = now_ns();
        timeout = std::clamp<Nanoseconds>(next_send_time() - now, 0, kSleepMax);
    }
    const timespec limit{timeout / kSecond, timeout % kSecond};
    std::array<epoll_event, 256> events{};
    const int count =
        epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &limit, nullptr);
    is_waiting_.store(false, std::memory_order_relaxed);
    for (int i = 0; i < count; ++i) {
        const std::uint64_t token = events[static_cast<std::size_t>(i)].data.u64;
        if (token == kWakeup) {
            std::uint64_t ignored = 0;
            [[maybe_unused]] const auto taken = read(wakeup_.get(), &ignored, sizeof ignored);
        } else if (token >= kFirstReceiver) {
            on_receiver_event(*receivers_[token - kFirstReceiver]);
        } else {
            on_sender_event(*senders_[token]);
        }
    }
}

void LoadWorker::wake_waiting_others() {
    if (!std::exchange(has_news_, false)) {
        return;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (LoadWorker* worker : all_) {
        if (worker != this && worker->is_waiting_.exchange(false, std::memory_order_seq_cst)) {
            worker->wake();
        }
    }
}

bool LoadWorker::has_held_up_sender() const {
    if (plan_.options.rate > 0) {
        return false;  // the clock sets these free, nobody else
    }
    return std::any_of(senders_.begin(), senders_.end(), [](const auto& sender) {
        return !sender->counts.is_done && !sender->is_waiting_for_room;
    });
}

Nanoseconds LoadWorker::next_send_time() const {
    Nanoseconds earliest = kNever;
    for (const auto& sender : senders_) {
        if (sender->counts.is_done || sender->is_waiting_for_room) {
            continue;
        }
        if (plan_.options.rate > 0) {
            earliest = std::min(earliest, sender->schedule.due(sender->counts.sent));
        } else if (now_ns() < plan_.start) {
            earliest = std::min(earliest, plan_.start);
        }
        earliest = std::min(earliest, plan_.measure_until);
    }
    return earliest;
}

void LoadWorker::on_sender_event(Sender& sender) {
    if (sender.counts.is_broken) {
        return;
    }
    // Nobody writes to a sender; what can be read is the end of the connection.
    const auto count = sender.session.receive([](const client::MessageView&) {});
    if (!count) {
        fail(sender, count.error().text);
        return;
    }
    flush(sender);
}

void LoadWorker::on_receiver_event(Receiver& receiver) {
    if (receiver.counts.is_broken) {
        return;
    }
    for (int i = 0; i < kReadsPerTurn; ++i) {
        Nanoseconds now = 0;
        const auto count = receiver.session.receive([&](const client::MessageView& message) {
            // One look at the clock serves a whole read: all of it was there when it returned.
            now = now == 0 ? now_ns() : now;
            on_message(receiver, message, now);
        });
        if (!count) {
            fail(receiver, count.error().text);
            return;
        }
        if (*count == 0) {
            return;
        }
        has_news_ = has_news_ || now != 0;
    }
}

void LoadWorker::on_message(Receiver& receiver, const client::MessageView& message,
                            Nanoseconds now) {
    const auto stamp = message.is_regular() ? read_stamp(message.body) : std::nullopt;
    if (!stamp || stamp->run != plan_.run || stamp->sender >= plan_.senders.size()) {
        ++receiver.foreign;
        return;
    }
    if (!is_intact(*stamp, message.body)) {
        ++receiver.damaged;
    }
    auto& next = receiver.counts.next_from[stamp->sender];
    const std::uint64_t expected = next.load(std::memory_order_relaxed);
    receiver.order.add(stamp->sender, stamp->number);
    if (stamp->number < expected) {
        ++receiver.unexpected;
    } else {
        receiver.missing += stamp->number - expected;
        next.store(std::uint64_t{stamp->number} + 1, std::memory_order_release);
    }
    receiver.counts.delivered.store(receiver.order.count(), std::memory_order_relaxed);

    if (plan_.in_measurement(now)) {
        ++receiver.measured;
        if (receiver.last_delivery >= plan_.measure_from) {
            receiver.longest_silence =
                std::max(receiver.longest_silence, now - receiver.last_delivery);
        }
    }
    receiver.last_delivery = now;
    if (plan_.in_measurement(stamp->intended)) {
        latency_.record(
            static_cast<std::uint64_t>(std::max<Nanoseconds>(0, now - stamp->intended)));
    }
}

bool LoadWorker::is_intact(const Stamp& stamp, std::span<const std::byte> body) const {
    if (body.size() != plan_.options.payload) {
        return false;
    }
    if (!plan_.options.checks_bodies) {
        return true;
    }
    const auto expected = make_body(body.size(), stamp.sender);
    return std::equal(body.begin() + Stamp::kBytes, body.end(), expected.begin() + Stamp::kBytes);
}

void LoadWorker::pump_all() {
    for (const auto& sender : senders_) {
        if (!sender->counts.is_done && !sender->is_waiting_for_room) {
            pump(*sender);
        }
    }
}

void LoadWorker::pump(Sender& sender) {
    Nanoseconds now = now_ns();
    if (now < plan_.start) {
        return;
    }
    const bool is_open_loop = plan_.options.rate > 0;
    const std::uint64_t target = plan_.target();
    std::uint64_t sent = sender.counts.sent.load(std::memory_order_relaxed);
    if (!is_open_loop && sent >= sender.allowed) {
        const std::uint64_t acknowledged = plan_.acknowledged(sender.index);
        const std::uint64_t window = plan_.options.window_or_default();
        // Without any receiver left there is nothing to be counted against.
        sender.allowed = acknowledged > target ? sent : acknowledged + window;
    }
    while (sent < target && now < plan_.measure_until) {
        if (sender.session.unsent() >= kUnsentMax) {
            is_interrupted_ = true;  // by us; when the kernel takes it all we go on at once
            break;
        }
        Nanoseconds intended = now;
        if (is_open_loop) {
            intended = sender.schedule.due(sent);
            if (intended > now || intended >= plan_.measure_until) {
                break;
            }
        } else if (sent >= sender.allowed) {
            break;
        }
        if (!send_one(sender, intended)) {
            return;
        }
        ++sent;
        now = now_ns();
    }
    flush(sender);
    finish_if_through(sender, now);
}

bool LoadWorker::send_one(Sender& sender, Nanoseconds intended) {
    const std::uint64_t number = sender.counts.sent.load(std::memory_order_relaxed);
    Stamp stamp;
    stamp.run = plan_.run;
    stamp.sender = static_cast<std::uint16_t>(sender.index);
    stamp.number = static_cast<std::uint32_t>(number);
    stamp.intended = intended;
    write_stamp(stamp, sender.body);

    client::Multicast multicast;
    multicast.service = plan_.options.service;
    multicast.groups = std::span(&sender.group, 1);
    multicast.body = sender.body;
    if (const auto queued = sender.session.multicast(multicast); !queued) {
        fail(sender, queued.error().text);
        return false;
    }
    sender.counts.sent.store(number + 1, std::memory_order_release);
    return true;
}

void LoadWorker::flush(Sender& sender) {
    const auto left = sender.session.flush();
    if (!left) {
        fail(sender, left.error().text);
        return;
    }
    const bool is_full = *left > 0;
    if (is_full != sender.is_waiting_for_room) {
        sender.is_waiting_for_room = is_full;
        const auto position = static_cast<std::uint64_t>(
            std::find_if(senders_.begin(), senders_.end(),
                         [&](const auto& other) { return other.get() == &sender; }) -
            senders_.begin());
        watch(sender.session.descriptor(), position, EPOLLIN | (is_full ? EPOLLOUT : 0U),
              EPOLL_CTL_MOD);
    }
}

void LoadWorker::finish_if_through(Sender& sender, Nanoseconds now) {
    const bool is_through = now >= plan_.measure_until || sender.counts.sent >= plan_.target();
    if (is_through && sender.session.unsent() == 0 && !sender.counts.is_broken) {
        sender.counts.is_done = true;
    }
}

void LoadWorker::fail(Sender& sender, const std::string& why) {
    sender.error = why;
    watch(sender.session.descriptor(), 0, 0, EPOLL_CTL_DEL);
    sender.counts.is_broken = true;
    sender.counts.is_done = true;
    has_news_ = true;
}

void LoadWorker::fail(Receiver& receiver, const std::string& why) {
    receiver.error = why;
    watch(receiver.session.descriptor(), 0, 0, EPOLL_CTL_DEL);
    receiver.counts.is_broken = true;
    has_news_ = true;
}

}  // namespace spread::spbench
