#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/codec/message_view.hpp"
#include "tests/stress/client.hpp"
#include "tests/stress/daemon.hpp"
#include "tests/stress/latency.hpp"
#include "tests/stress/loop.hpp"

namespace spread::stress {

/// The well-behaved ones: some clients in a group of their own, half over TCP and half over a Unix
/// socket, that send numbered messages at a steady rate, whatever goes on beside them. They must
/// lose nothing, see one order, and see nothing else: no view, no message of a stranger.
class SteadyClients {
  public:
    struct Options {
        std::size_t clients = 4;
        Clock::duration interval = std::chrono::milliseconds(20);  ///< between a client's messages
        std::size_t body_bytes = 100;
        /// The message received as number so and so is overlooked, to see that this is noticed; 0:
        /// none.
        std::uint64_t overlooked = 0;
    };

    SteadyClients(Loop& loop, const Door& door, Options options);
    ~SteadyClients();
    SteadyClients(const SteadyClients&) = delete;
    SteadyClients& operator=(const SteadyClients&) = delete;

    /// Connects and joins them all, and has them start to send. Throws when that does not work.
    void start();
    /// Latencies are counted anew.
    void begin_phase() { latencies_.clear(); }
    [[nodiscard]] const Latencies& latencies() const { return latencies_; }
    /// Stops sending and waits for what is under way; what never comes is a problem.
    void finish();

    /// What they should not have seen, or should have. Bounded: the first ones say it all.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    [[nodiscard]] std::uint64_t sent() const;
    [[nodiscard]] const std::string& group() const { return group_; }

  private:
    struct Member {
        std::unique_ptr<Client> client;
        std::uint64_t sent = 0;
        std::uint64_t position = 0;  ///< messages received
        std::size_t view = 0;        ///< members in the last view
        Loop::Timer next_send = 0;
    };

    struct Place {
        std::uint32_t sender;
        std::uint64_t number;
    };

    void send(std::size_t index);
    void on_message(std::size_t index, const client::MessageView& message);
    void on_regular(std::size_t index, const client::MessageView& message);
    void check_order(std::size_t index, const Place& place);
    void complain(std::size_t index, const std::string& what);

    Loop& loop_;
    Options options_;
    std::string group_;
    std::vector<Member> members_;
    bool running_ = false;  ///< all are in, and nobody is to come or go
    bool sending_ = false;
    /// The order as whoever is furthest has seen it, without what everybody has passed.
    std::deque<Place> order_;
    std::uint64_t order_begin_ = 0;
    std::vector<std::uint64_t> last_ordered_;  ///< number of each sender's last message in order_
    Latencies latencies_;
    std::uint64_t received_ = 0;
    std::vector<std::string> problems_;
};

}  // namespace spread::stress
