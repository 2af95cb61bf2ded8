#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

#include <benchmark/benchmark.h>

#include "daemon/driver/spsc_queue.hpp"
#include "daemon/host/wakeup.hpp"
#include "daemon/ring/ring_link.hpp"
#include "membership/events.hpp"
#include "tests/bench/samples.hpp"

// Values through the queues between ring thread and session thread.

namespace spread::bench {
namespace {

using daemon::RingLink;
using daemon::Wakeup;
using driver::SpscQueue;
using membership::Delivery;
using membership::DeliveryEvent;

Delivery delivery_of(const protocol::Message& frame) {
    Delivery delivery;
    delivery.ring_id = kRing;
    delivery.body = frame;
    return delivery;
}

/// In bursts, in one thread: the work without what two cores add.
void push_and_pop(benchmark::State& state) {
    constexpr std::size_t kBurst = 360;
    SpscQueue<DeliveryEvent> queue(driver::QueueLimits{}.deliveries);
    const protocol::Message frame = frame_of(200);
    while (state.KeepRunningBatch(kBurst)) {
        for (std::size_t i = 0; i < kBurst; ++i) {
            benchmark::DoNotOptimize(queue.try_push(delivery_of(frame)));
        }
        while (DeliveryEvent* event = queue.front()) {
            const DeliveryEvent taken = std::move(*event);
            queue.pop();
            benchmark::DoNotOptimize(&taken);
        }
    }
}

/// A thread that takes what comes, and sleeps when told to.
class Consumer {
  public:
    explicit Consumer(bool sleeps) : sleeps_(sleeps), thread_([this] { run(); }) {}
    ~Consumer() {
        stop_.store(true);
        wakeup_.notify(1);
        thread_.join();
    }
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    void push(DeliveryEvent&& event) {
        while (!queue_.try_push(std::move(event))) {
            std::this_thread::yield();
        }
        wakeup_.notify(1);
    }
    [[nodiscard]] std::uint64_t sleeps() const { return slept_.load(); }

  private:
    void run() {
        while (!stop_.load(std::memory_order_relaxed)) {
            while (DeliveryEvent* event = queue_.front()) {
                const DeliveryEvent taken = std::move(*event);
                queue_.pop();
                benchmark::DoNotOptimize(&taken);
            }
            if (!sleeps_) {
                std::this_thread::yield();
                continue;
            }
            wakeup_.arm(1);
            if (queue_.empty() && !stop_.load()) {
                pollfd entry{wakeup_.fd(), POLLIN, 0};
                ::poll(&entry, 1, -1);
                slept_.fetch_add(1, std::memory_order_relaxed);
            }
            wakeup_.disarm();
            wakeup_.drain();
        }
    }

    bool sleeps_;
    SpscQueue<DeliveryEvent> queue_{driver::QueueLimits{}.deliveries};
    Wakeup wakeup_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> slept_{0};
    std::thread thread_;  // last: it uses the others
};

/// Another thread takes them; it sleeps (1) or yields (0) when there is nothing.
void push_across(benchmark::State& state) {
    const protocol::Message frame = frame_of(200);
    Consumer consumer(state.range(0) != 0);
    for (auto _ : state) {
        consumer.push(delivery_of(frame));
    }
    state.counters["sleeps"] = static_cast<double>(consumer.sleeps());
}

/// A wake-up of somebody who is awake: what each push costs besides.
void notify_awake(benchmark::State& state) {
    Wakeup wakeup;
    for (auto _ : state) {
        benchmark::DoNotOptimize(wakeup.notify(1));
    }
}

BENCHMARK(push_and_pop);
BENCHMARK(push_across)->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(notify_awake);

}  // namespace
}  // namespace spread::bench
