#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>

#include "membership/events.hpp"
#include "membership/trace.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::driver {

/// One thing that a ring engine heard or said. What a kind does not use is 0.
struct FlightEvent {
    enum class Kind : std::uint8_t {
        kNone,
        kState,         ///< from, to; a: reason, b: whose packet; the ring left or installed
        kRecovery,      ///< seq: packets that are sent again; kHole, kPromise
        kTransitional,  ///< a, b: the members' set; the ring that follows
        kRegular,       ///< a, b: the members' set; the ring
        kAccept,        ///< a message that the engine took; a: digest; kControl, kAhead
        kResume,        ///< ordinary messages may flow on the ring
        kDelivery,      ///< ring, seq, index: the place; a: digest, b: origin
        kPacket,        ///< of those that form rings; message_kind: PacketKind, b: sender; its ring
        kAccepts,       ///< messages that the engine took, seq of them
        kDeliveries,  ///< several of one sender in a row; ring, seq: place of the first, a: of the
                      ///< last; b: origin, and how many, in the upper half
        kRefused      ///< datagrams that the engine did not get or want; seq: so many by now; a:
                      ///< why the last one, a Refused
    };
    // Flags.
    static constexpr std::uint8_t kHole = 1;
    static constexpr std::uint8_t kPromise = 2;
    static constexpr std::uint8_t kControl = 1;
    static constexpr std::uint8_t kAhead = 2;
    static constexpr unsigned kCountBit = 32;  ///< in b

    std::uint64_t number = 0;   ///< from 1 on; 0: there is none, or it is being written
    std::uint64_t time_ns = 0;  ///< of the clock that the driver is told
    Kind kind = Kind::kNone;
    std::uint8_t service = 0;
    std::uint8_t message_kind = 0;
    std::uint8_t flags = 0;
    std::uint16_t index = 0;
    std::uint8_t from = 0;  ///< a RingState
    std::uint8_t to = 0;
    std::uint64_t ring_counter = 0;
    std::uint32_t ring_nonce = 0;
    std::uint32_t ring_representative = 0;
    std::uint64_t seq = 0;
    std::uint64_t a = 0;
    std::uint64_t b = 0;

    /// Of kDeliveries.
    [[nodiscard]] std::uint64_t count() const { return b >> kCountBit; }
    [[nodiscard]] protocol::RingId ring() const {
        return {protocol::DaemonId{ring_representative}, ring_nonce, ring_counter};
    }
};

/// Why a datagram was dropped: not of a spreadd ring or damaged, of a ring with another
/// configuration, or by the sealing layer: kSealed and the number of its Refusal.
struct Refused {
    static constexpr std::uint64_t kMalformed = 1;
    static constexpr std::uint64_t kOtherConfiguration = 2;
    static constexpr std::uint64_t kSealed = 0x100;
};

/// An event as it is stored: its first word is its number.
using FlightWords = std::array<std::uint64_t, 8>;
[[nodiscard]] FlightEvent event_of(const FlightWords& words);
[[nodiscard]] FlightWords words_of(const FlightEvent& event);

/// A place for an event: a cache line, its words written and read by different threads.
struct alignas(64) FlightSlot {
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<FlightWords>> words{};
};
static_assert(sizeof(FlightSlot) == sizeof(FlightWords));
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// What is in a slot; nothing when it is empty or being written. From any thread.
[[nodiscard]] std::optional<FlightWords> words_in(const FlightSlot& slot);
[[nodiscard]] std::optional<FlightEvent> event_in(const FlightSlot& slot);

/// The last events of one ring engine, in memory of a fixed size: always on, for whoever has to
/// find out what a ring did. An event is a cache line written; no lock, no allocation, no system
/// call, no clock. Written by one thread at a time.
class FlightRecorder {
  public:
    enum class Detail : std::uint8_t {
        kRuns,     ///< messages are counted: nothing of what is in them, and next to no time
        kMessages  ///< an event with a digest for each, as checkers want it
    };
    /// What is recorded of a message that the engine is about to take.
    struct Offered {
        std::uint64_t what = 0;
        std::uint64_t digest = 0;
    };

    /// `slots`: zeros, a power of two of them, asserted; or none, and nothing is kept. They must
    /// outlive this object. `daemons` in configuration order, for the members' sets.
    FlightRecorder(std::span<FlightSlot> slots, protocol::MemberList daemons,
                   Detail detail = Detail::kMessages);
    FlightRecorder(const FlightRecorder&) = delete;
    FlightRecorder& operator=(const FlightRecorder&) = delete;

    /// Later events have this time; it does not go back.
    void set_time(protocol::Instant now);

    void note(const membership::StateChange& change);
    void note(const membership::RecoveryFacts& facts);
    void note(std::span<const membership::DeliveryEvent> events);
    void note_resume(const protocol::RingId& ring);
    [[nodiscard]] Offered about(const membership::Submission& submission) const;
    void note_accepted(const Offered& message);
    /// The engine has taken what there was to take.
    void note_submitted();
    /// A packet that the engine gets now. Those that come all the time, with data or a token, are
    /// not for here: see what is delivered.
    void note_packet(const protocol::PacketHeader& header);
    /// Counted, and recorded once a second at most, so that strangers cannot fill the memory.
    void note_refused(std::uint64_t why);

  private:
    /// Deliveries that come in a row.
    struct Run {
        protocol::RingId ring;
        protocol::DaemonId origin;
        std::uint32_t count = 0;
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };

    void note_run(const Run& run);
    void note_message(const membership::Delivery& delivery);
    void note_configuration(const membership::ConfigurationChange& change);
    void write(std::uint64_t what, const protocol::RingId& ring, std::uint64_t seq, std::uint64_t a,
               std::uint64_t b);

    FlightSlot none_;
    std::span<FlightSlot> slots_;
    std::size_t last_slot_;  ///< all bits of an index
    std::uint64_t written_ = 0;
    std::uint64_t time_ns_ = 0;
    Detail detail_;
    std::uint64_t accepted_ = 0;  ///< and not recorded
    std::uint64_t refused_ = 0;
    std::uint64_t refusals_from_ns_ = 0;  ///< not recorded before
    protocol::MemberList daemons_;
};

/// Tells messages of clients apart by service, sender, length and the last 16 bytes; the same for
/// one message however it is cut into packets.
[[nodiscard]] std::uint64_t flight_digest(const protocol::Message& body);

}  // namespace spread::driver
