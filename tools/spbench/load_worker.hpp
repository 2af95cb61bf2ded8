#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/buffered_session.hpp"
#include "client/socket.hpp"
#include "tools/spbench/histogram.hpp"
#include "tools/spbench/load_plan.hpp"
#include "tools/spbench/order_digest.hpp"
#include "tools/spbench/schedule.hpp"
#include "tools/spbench/stamp.hpp"

namespace spread::spbench {

/// One sending client.
struct Sender {
    Sender(std::size_t number, client::BufferedSession connected, SenderCounts& shared)
        : index(number), session(std::move(connected)), counts(shared) {}

    std::size_t index;  ///< in LoadPlan::senders, and in stamps
    client::BufferedSession session;
    SenderCounts& counts;
    protocol::NameField group;
    std::vector<std::byte> body;
    Schedule schedule;          // open loop
    std::uint64_t allowed = 0;  // closed loop: below this number it may send
    bool is_waiting_for_room = false;
    std::string error;
};

/// One receiving client, and what it has seen.
struct Receiver {
    Receiver(std::size_t number, client::BufferedSession connected, ReceiverCounts& shared)
        : index(number), session(std::move(connected)), counts(shared) {}

    std::size_t index;  ///< in LoadPlan::receivers
    client::BufferedSession session;
    ReceiverCounts& counts;
    OrderDigest order;
    std::uint64_t measured = 0;    ///< deliveries within the measurement
    std::uint64_t missing = 0;     ///< numbers jumped over
    std::uint64_t unexpected = 0;  ///< numbers that came twice or late
    std::uint64_t foreign = 0;     ///< not of this run
    std::uint64_t damaged = 0;     ///< wrong length or content
    Nanoseconds last_delivery = 0;
    Nanoseconds longest_silence = 0;  ///< between two deliveries within the measurement
    std::string error;
};

/// One thread of load: some senders and receivers and an epoll descriptor. It never waits for one
/// client while another could work.
class LoadWorker {
  public:
    LoadWorker(LoadPlan& plan, std::vector<LoadWorker*>& all);

    void add(std::unique_ptr<Sender> sender);
    void add(std::unique_ptr<Receiver> receiver);

    /// Until plan.is_stopping.
    void run();
    /// From any thread: senders may have become able to go on.
    void wake();

    [[nodiscard]] const std::vector<std::unique_ptr<Sender>>& senders() const { return senders_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Receiver>>& receivers() const {
        return receivers_;
    }
    [[nodiscard]] const Histogram& latency() const { return latency_; }

  private:
    void watch(int descriptor, std::uint64_t token, std::uint32_t events, int operation);
    void wait();
    void on_sender_event(Sender& sender);
    void on_receiver_event(Receiver& receiver);
    void on_message(Receiver& receiver, const client::MessageView& message, Nanoseconds now);
    [[nodiscard]] bool is_intact(const Stamp& stamp, std::span<const std::byte> body) const;
    void pump_all();
    void pump(Sender& sender);
    /// Sends message number counts.sent.
    [[nodiscard]] bool send_one(Sender& sender, Nanoseconds intended);
    void flush(Sender& sender);
    void finish_if_through(Sender& sender, Nanoseconds now);
    void fail(Sender& sender, const std::string& why);
    void fail(Receiver& receiver, const std::string& why);
    void wake_waiting_others();
    [[nodiscard]] bool has_held_up_sender() const;
    [[nodiscard]] Nanoseconds next_send_time() const;

    LoadPlan& plan_;
    std::vector<LoadWorker*>& all_;
    client::FileDescriptor epoll_;
    client::FileDescriptor wakeup_;
    std::atomic<bool> is_waiting_{false};  // asleep, with senders that others can set free
    bool is_interrupted_ = false;          // a sender could go on without anything happening
    bool has_news_ = false;                // receivers got on since others were last woken
    std::vector<std::unique_ptr<Sender>> senders_;
    std::vector<std::unique_ptr<Receiver>> receivers_;
    Histogram latency_;
};

/// The bytes behind the stamp of every message of one sender.
[[nodiscard]] std::vector<std::byte> make_body(std::size_t bytes, std::size_t sender);

}  // namespace spread::spbench
