#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "membership/events.hpp"
#include "protocol/ids.hpp"
#include "protocol/service.hpp"
#include "tests/checker/violation.hpp"

namespace spread::checker {

/// One life of a daemon: a daemon that restarts is a new process (docs/correctness.md).
using LifeId = protocol::StrongId<struct LifeTag, std::uint32_t>;

/// A place in the total order.
struct Position {
    protocol::RingId ring;
    protocol::Seq seq;
    std::uint16_t index = 0;

    friend constexpr auto operator<=>(const Position&, const Position&) = default;
};

/// In which a message waits for its sender's token visit: one lane overtakes another, but nothing
/// overtakes within a lane.
enum class SendLane : std::uint8_t { kOrdinary, kAhead, kControl };

/// A ring message without its bytes.
struct MessageFacts {
    protocol::Service service = protocol::Service::kAgreed;
    protocol::MessageKind kind = protocol::MessageKind::kClientFrame;
    std::uint64_t digest = 0;
    SendLane lane = SendLane::kOrdinary;  ///< matters only at submission
};

/// Checks P1 to P8 of extended virtual synchrony (docs/correctness.md) on daemons' histories as
/// they grow. Call the on_...() functions in the order of the events, any life after any other; the
/// first violation stays. After it nothing more is recorded.
class RingChecker {
  public:
    /// Whether life `member` holds packet `seq` of `ring` now; nullopt when that cannot be known
    /// (it works on another ring). For P7c; without it P7c is left to P7a and P7b.
    using Holds =
        std::function<std::optional<bool>(LifeId member, protocol::RingId ring, protocol::Seq)>;

    explicit RingChecker(Holds holds = {});
    ~RingChecker();
    RingChecker(const RingChecker&) = delete;
    RingChecker& operator=(const RingChecker&) = delete;

    /// A daemon starts; the result names this life in all further calls.
    LifeId on_start(protocol::DaemonId daemon);
    /// The engine accepted a message (send, until it is delivered at its origin).
    void on_accept(LifeId life, const MessageFacts& message);
    void on_configuration(LifeId life, const membership::ConfigurationChange& change);
    void on_delivery(LifeId life, const Position& position, protocol::DaemonId origin,
                     const MessageFacts& message);
    /// The life's host told the engine that ordinary messages may flow on `ring`.
    void on_resume(LifeId life, protocol::RingId ring);
    /// The life is over: crash, or after a goodbye.
    void on_end(LifeId life);
    /// The history is complete. `quiet`: nothing was going on any more, so that what was promised
    /// "unless it fails" is due (P2e, P3, P7 of lives that did not end).
    void finish(bool quiet);

    [[nodiscard]] const std::optional<Violation>& violation() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::checker
