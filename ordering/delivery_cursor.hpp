#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "ordering/receive_window.hpp"
#include "ordering/submission.hpp"
#include "protocol/ids.hpp"

namespace spread::ordering {

/// A message longer than this cannot come from a correct daemon; its pieces are discarded.
inline constexpr std::size_t kMessageBytesMax = 1U << 20U;

/// Where delivery stands in one ring's order. Walks the packets of a window, reassembles messages
/// per sender and hands them out one by one, stopping in front of the first that may not go out
/// yet.
class DeliveryCursor {
  public:
    explicit DeliveryCursor(protocol::RingId ring_id) : ring_id_(ring_id) {}

    enum class Stop : std::uint8_t {
        kLimit,   ///< everything up to the agreed limit is delivered
        kHole,    ///< the next packet is missing
        kUnsafe,  ///< the next message is safe and beyond the safe limit
        kBudget   ///< `budget` messages were delivered
    };

    struct Limits {
        protocol::Seq agreed;  ///< go no further than this packet
        protocol::Seq safe;    ///< safe messages completed by later packets wait
        std::size_t budget;    ///< messages at most
    };

    /// Delivers what `limits` allow into `sink(Delivery&&)`.
    template <typename Sink>
    Stop run(const ReceiveWindow& window, const Limits& limits, Sink&& sink) {
        std::size_t delivered = 0;
        while (next_ <= limits.agreed) {
            const ReceiveWindow::Slot* slot = window.find(next_);
            if (slot == nullptr) {
                return Stop::kHole;
            }
            protocol::DataEntries entries(slot->datagram.bytes(), offset_);
            while (const auto entry = entries.peek()) {
                if (entry->last) {
                    if (entry->service == protocol::Service::kSafe && next_ > limits.safe) {
                        return Stop::kUnsafe;
                    }
                    if (delivered == limits.budget) {
                        return Stop::kBudget;
                    }
                }
                entries.skip(*entry);
                offset_ = entries.offset();
                Delivery delivery;
                if (take(*slot, *entry, delivery)) {
                    ++delivered;
                    sink(std::move(delivery));
                }
            }
            step();
        }
        return Stop::kLimit;
    }

    /// Leaves out the packet at next(): a hole nobody can fill, or a message nobody promised.
    void skip_packet() { step(); }
    /// A ring of one numbers messages without packets.
    void skip_to(protocol::Seq seq) {
        next_ = seq + 1;
        offset_ = protocol::kDataHeaderBytes;
        index_ = 0;
    }

    /// The packet delivery stands at; all before it are delivered.
    [[nodiscard]] protocol::Seq next() const { return next_; }

  private:
    /// A message whose last piece has not come. The pieces become a Message when they are complete:
    /// then it is known how many there are, and this list keeps its memory for the next.
    struct Partial {
        protocol::DaemonId sender;
        bool active = false;
        std::size_t bytes = 0;
        std::vector<protocol::Slice> pieces;

        void begin() {
            active = true;
            bytes = 0;
            pieces.clear();
        }
        void give_up() {
            active = false;
            pieces.clear();
        }
        [[nodiscard]] protocol::Message finish();
    };

    /// Adds one piece; true when it completed `delivery`, which must be new.
    bool take(const ReceiveWindow::Slot& slot, const protocol::Entry& entry, Delivery& delivery);
    Partial& partial_of(protocol::DaemonId sender);
    void step() {
        ++next_;
        offset_ = protocol::kDataHeaderBytes;
        index_ = 0;
    }

    protocol::RingId ring_id_;
    protocol::Seq next_{1};
    std::uint32_t offset_ = protocol::kDataHeaderBytes;  ///< in the packet at next_
    std::uint16_t index_ = 0;                            ///< messages completed in that packet
    std::vector<Partial> partials_;  ///< few: one per sender that splits messages
};

}  // namespace spread::ordering
