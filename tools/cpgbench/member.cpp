#include "tools/cpgbench/member.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "tools/spbench/load_worker.hpp"
#include "tools/spbench/stamp.hpp"

namespace spread::cpgbench {

namespace {

using spbench::kMillisecond;
using spbench::kSecond;
using spbench::now_ns;

/// Messages taken before it is the sender's turn.
constexpr std::uint64_t kTakenPerTurn = 64;
/// How long to wait before a message that corosync refused is offered again; there is no event for
/// it.
constexpr Nanoseconds kRefusedPause = kMillisecond / 10;
constexpr Nanoseconds kSleepMax = 100 * kMillisecond;
constexpr std::chrono::milliseconds kRetryPeriod{20};

std::string text_of(cs_error_t error) {
    return fmt::format("{} ({})", cs_strerror(error), static_cast<int>(error));
}

cpg_name name_of(const std::string& text) {
    cpg_name name{};
    name.length = static_cast<std::uint32_t>(std::min(text.size(), sizeof name.value));
    std::memcpy(name.value, text.data(), name.length);
    return name;
}

}  // namespace

Member::Member(Run& run, std::size_t index)
    : run_(run),
      index_(index),
      sender_(*run.plan.senders[index]),
      receiver_(*run.plan.receivers[index]),
      wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      body_(spbench::make_body(run.plan.options.payload, index)) {}

void Member::live() {
    if (enter_node() && connect()) {
        if (join()) {
            load();
        }
        static_cast<void>(cpg_finalize(handle_));
    }
}

void Member::wake() {
    const std::uint64_t one = 1;
    static_cast<void>(write(wakeup_.get(), &one, sizeof one));
}

/// The abstract sockets through which corosync is found belong to the network namespace, the shared
/// memory to the mount namespace.
bool Member::enter_node() {
    // A thread that shares its root and working directory with others cannot change mounts alone.
    if (unshare(CLONE_FS) != 0) {
        fail(fmt::format("unshare: {}", std::strerror(errno)));
        return false;
    }
    // Both are opened before the first is entered: it may have another /proc.
    std::array<client::FileDescriptor, 2> namespaces;
    constexpr std::array<const char*, 2> kKinds{"mnt", "net"};
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
        const auto path = fmt::format("/proc/{}/ns/{}", run_.nodes[index_], kKinds[i]);
        namespaces[i] = client::FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    }
    for (const auto& entered : namespaces) {
        if (setns(entered.get(), 0) != 0) {
            fail(fmt::format("cannot enter the namespaces of process {}: {}", run_.nodes[index_],
                             std::strerror(errno)));
            return false;
        }
    }
    return true;
}

bool Member::connect() {
    cpg_model_v1_data_t model{};
    model.model = CPG_MODEL_V1;
    model.cpg_deliver_fn = &Member::on_message;
    model.cpg_confchg_fn = &Member::on_view;
    // The model's own struct is the start of that of each version.
    void* data = &model;
    cs_error_t status = CS_OK;
    // It may still be starting.
    while (!run_.plan.is_stopping) {
        status = cpg_model_initialize(&handle_, CPG_MODEL_V1, static_cast<cpg_model_data_t*>(data),
                                      this);
        if (status == CS_OK) {
            break;
        }
        std::this_thread::sleep_for(kRetryPeriod);
    }
    if (status == CS_OK) {
        status = cpg_fd_get(handle_, &descriptor_);
    }
    if (status != CS_OK) {
        fail("no connection to corosync: " + text_of(status));
    }
    return status == CS_OK;
}

bool Member::join() {
    const cpg_name group = name_of(run_.plan.group_names.front());
    cs_error_t status = CS_ERR_TRY_AGAIN;
    while (!run_.plan.is_stopping && status == CS_ERR_TRY_AGAIN) {
        status = cpg_join(handle_, &group);
        if (status == CS_ERR_TRY_AGAIN) {
            std::this_thread::sleep_for(kRetryPeriod);
        }
    }
    if (status != CS_OK) {
        fail("cannot join: " + text_of(status));
        return false;
    }
    // The others come one by one, and first their rings have to merge.
    while (!run_.plan.is_stopping && !run_.is_started) {
        if (!dispatch()) {
            return false;
        }
        pollfd wanted{descriptor_, POLLIN, 0};
        static_cast<void>(poll(&wanted, 1, 1));
    }
    return true;
}

void Member::load() {
    while (!run_.plan.is_stopping.load(std::memory_order_relaxed)) {
        const std::uint64_t before = taken_;
        if (!dispatch()) {
            return;
        }
        pump();
        if (sender_.is_broken) {
            return;
        }
        if (taken_ == before) {
            sleep();
        } else {
            wake_waiting_others();
        }
    }
}

/// Takes what is there, up to a turn's worth; false when the connection is of no more use.
bool Member::dispatch() {
    const std::uint64_t before = taken_;
    while (taken_ - before < kTakenPerTurn) {
        const cs_error_t status = cpg_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING);
        if (status == CS_ERR_TRY_AGAIN) {
            break;
        }
        if (status != CS_OK) {
            fail("cannot receive: " + text_of(status));
        }
        if (receiver_.is_broken) {
            return false;
        }
    }
    return true;
}

Member& Member::of(cpg_handle_t handle) {
    void* context = nullptr;
    static_cast<void>(cpg_context_get(handle, &context));
    return *static_cast<Member*>(context);
}

void Member::on_message(cpg_handle_t handle, const cpg_name* /*group*/, std::uint32_t /*node*/,
                        std::uint32_t /*pid*/, void* body, std::size_t bytes) {
    of(handle).take(std::span(static_cast<const std::byte*>(body), bytes));
}

void Member::on_view(cpg_handle_t handle, const cpg_name* /*group*/, const cpg_address* /*members*/,
                     std::size_t member_count, const cpg_address* /*left*/, std::size_t left_count,
                     const cpg_address* /*joined*/, std::size_t /*joined_count*/) {
    Member& member = of(handle);
    member.is_ready_ = member_count == member.run_.members.size();
    if (left_count > 0 && member.run_.is_started && !member.run_.plan.is_stopping) {
        member.fail(fmt::format("{} of the group's members left", left_count));
    }
}

void Member::take(std::span<const std::byte> body) {
    const spbench::LoadPlan& plan = run_.plan;
    const Nanoseconds now = now_ns();
    ++taken_;
    const auto stamp = spbench::read_stamp(body);
    if (!stamp || stamp->run != plan.run || stamp->sender >= plan.senders.size() ||
        body.size() != plan.options.payload) {
        ++damaged_;
        return;
    }
    auto& next = receiver_.next_from[stamp->sender];
    const std::uint64_t expected = next.load(std::memory_order_relaxed);
    order_.add(stamp->sender, stamp->number);
    if (stamp->number < expected) {
        ++unexpected_;
    } else {
        missing_ += stamp->number - expected;
        next.store(std::uint64_t{stamp->number} + 1, std::memory_order_release);
    }
    receiver_.delivered.store(order_.count(), std::memory_order_relaxed);
    if (plan.in_measurement(now)) {
        ++measured_;
    }
    if (plan.in_measurement(stamp->intended)) {
        latency_.record(
            static_cast<std::uint64_t>(std::max<Nanoseconds>(0, now - stamp->intended)));
    }
}

void Member::pump() {
    const spbench::LoadPlan& plan = run_.plan;
    Nanoseconds now = now_ns();
    if (sender_.is_done || now < plan.start) {
        return;
    }
    is_refused_ = false;
    const bool is_open_loop = plan.options.rate > 0;
    std::uint64_t sent = sender_.sent.load(std::memory_order_relaxed);
    if (!is_open_loop && sent >= allowed_) {
        allowed_ = plan.acknowledged(index_) + plan.options.window;
    }
    while (now < plan.measure_until) {
        const Nanoseconds intended = is_open_loop ? schedule_.due(sent) : now;
        if (is_open_loop ? intended > now || intended >= plan.measure_until : sent >= allowed_) {
            break;
        }
        const cs_error_t status = send(intended);
        if (status == CS_ERR_TRY_AGAIN) {
            is_refused_ = true;
            break;
        }
        if (status != CS_OK) {
            fail("cannot send: " + text_of(status));
            return;
        }
        sender_.sent.store(++sent, std::memory_order_release);
        now = now_ns();
    }
    sender_.is_done = now >= plan.measure_until;
}

cs_error_t Member::send(Nanoseconds intended) {
    spbench::Stamp stamp;
    stamp.run = run_.plan.run;
    stamp.sender = static_cast<std::uint16_t>(index_);
    stamp.number = static_cast<std::uint32_t>(sender_.sent.load(std::memory_order_relaxed));
    stamp.intended = intended;
    spbench::write_stamp(stamp, body_);
    const iovec part{body_.data(), body_.size()};
    return cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &part, 1);
}

void Member::sleep() {
    const bool waits_for_others = run_.plan.options.rate == 0 && !sender_.is_done && !is_refused_ &&
                                  now_ns() >= run_.plan.start;
    if (waits_for_others) {
        is_waiting_.store(true, std::memory_order_seq_cst);
        const std::uint64_t before = sender_.sent.load(std::memory_order_relaxed);
        pump();
        if (sender_.sent.load(std::memory_order_relaxed) != before) {
            is_waiting_.store(false, std::memory_order_relaxed);
            return;
        }
    }
    const Nanoseconds limit = sleep_limit();
    const timespec timeout{limit / kSecond, limit % kSecond};
    std::array<pollfd, 2> wanted{{{descriptor_, POLLIN, 0}, {wakeup_.get(), POLLIN, 0}}};
    static_cast<void>(ppoll(wanted.data(), wanted.size(), &timeout, nullptr));
    is_waiting_.store(false, std::memory_order_relaxed);
    if (wanted[1].revents != 0) {
        std::uint64_t ignored = 0;
        static_cast<void>(read(wakeup_.get(), &ignored, sizeof ignored));
    }
}

Nanoseconds Member::sleep_limit() const {
    if (sender_.is_done) {
        return kSleepMax;
    }
    if (is_refused_) {
        return kRefusedPause;
    }
    const Nanoseconds now = now_ns();
    Nanoseconds until = run_.plan.measure_until;
    if (run_.plan.options.rate > 0) {
        until = std::min(until, schedule_.due(sender_.sent.load(std::memory_order_relaxed)));
    } else if (now < run_.plan.start) {
        until = run_.plan.start;
    }
    return std::clamp<Nanoseconds>(until - now, 0, kSleepMax);
}

void Member::wake_waiting_others() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (Member* member : run_.members) {
        if (member != this && member->is_waiting_.exchange(false, std::memory_order_seq_cst)) {
            member->wake();
        }
    }
}

void Member::fail(const std::string& why) {
    if (error_.empty()) {
        error_ = why;
    }
    sender_.is_broken = true;
    sender_.is_done = true;
    receiver_.is_broken = true;
}

}  // namespace spread::cpgbench
