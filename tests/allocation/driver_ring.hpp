#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/driver/ring_driver.hpp"
#include "daemon/driver/ring_port.hpp"
#include "membership/ring_config.hpp"
#include "protocol/buffer.hpp"
#include "protocol/fifo.hpp"
#include "protocol/time.hpp"

namespace spread::support {

/// Daemons without sessions in one thread: each is a RingDriver with the queues to a session side,
/// a transport in memory, and a session side that resumes rings and hands on what is delivered.
/// All that the ring thread does per message is done as there, except for the system calls.
class DriverRing {
  public:
    using Tune = std::function<void(membership::RingConfig&)>;
    using Sink = std::function<void(std::size_t daemon, const membership::Delivery& delivery)>;
    using Drop =
        std::function<bool(std::size_t from, std::size_t to, const membership::OutboundPacket&)>;

    /// Returns when all daemons are in one ring.
    explicit DriverRing(std::size_t daemons, const Tune& tune = {});
    ~DriverRing();
    DriverRing(const DriverRing&) = delete;
    DriverRing& operator=(const DriverRing&) = delete;

    /// Who gets the messages; nobody at first.
    void set_sink(Sink sink) { sink_ = std::move(sink); }
    /// Asked for each datagram and receiver.
    void set_drop(Drop drop) { drop_ = std::move(drop); }

    [[nodiscard]] bool has_room(std::size_t daemon) const;
    /// There must be room.
    void submit(std::size_t daemon, membership::Submission&& submission);
    /// A turn of every daemon. Time passes by microseconds, and up to the next deadline when no
    /// datagram is under way.
    void turn();
    void run_until(protocol::Instant end);

    [[nodiscard]] protocol::Instant now() const { return now_; }
    [[nodiscard]] std::size_t size() const { return daemons_.size(); }
    [[nodiscard]] const membership::RingEngine& engine(std::size_t daemon) const;

  private:
    class Daemon;

    void carry(std::size_t from, const membership::OutboundPacket& packet);
    void arrive(std::size_t from, std::size_t to, const membership::OutboundPacket& packet);
    [[nodiscard]] bool is_formed() const;
    void pass_time();

    protocol::BufferPool pool_;
    protocol::Instant now_;
    std::vector<std::unique_ptr<Daemon>> daemons_;
    Sink sink_;
    Drop drop_;
};

}  // namespace spread::support
