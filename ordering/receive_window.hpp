#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::ordering {

/// The packets of one ring that this daemon holds, by sequence number: a ring buffer over
/// [base, base + capacity). Everything below base has been released. Slots come with use: a ring
/// that never fills a large window never pays for one.
class ReceiveWindow {
  public:
    enum class Insert : std::uint8_t { kNew, kDuplicate, kOutOfRange };

    struct Slot {
        protocol::Slice datagram;  ///< empty: not here
        protocol::DaemonId sender;
    };

    /// `capacity` is what fits at most, rounded up to a power of two.
    explicit ReceiveWindow(std::size_t capacity);

    Insert insert(protocol::Seq seq, protocol::DaemonId sender, protocol::Slice datagram);
    /// The packet, or null when it is missing or released.
    [[nodiscard]] const Slot* find(protocol::Seq seq) const;

    /// Everything up to here has arrived.
    [[nodiscard]] protocol::Seq my_aru() const { return my_aru_; }
    /// Highest number held (or released).
    [[nodiscard]] protocol::Seq high() const { return high_; }
    /// Lowest number not released.
    [[nodiscard]] protocol::Seq base() const { return base_; }
    /// One past the highest number that fits now.
    [[nodiscard]] protocol::Seq end() const { return base_ + capacity_; }

    /// Drops packets up to `seq`, which must not exceed my_aru().
    void release_up_to(protocol::Seq seq);
    /// Numbers up to `seq` were never needed (a ring of one delivers without packets).
    void skip_to(protocol::Seq seq);

    /// Appends the missing runs in (my_aru, up_to], at most until `ranges` holds `ranges_max`.
    void append_missing(protocol::Seq up_to, std::size_t ranges_max,
                        std::vector<protocol::SeqRange>& ranges) const;
    /// Runs held beyond my_aru(), ascending; at most `ranges_max`.
    [[nodiscard]] std::vector<protocol::SeqRange> held_beyond_aru(std::size_t ranges_max) const;

  private:
    [[nodiscard]] std::size_t index(protocol::Seq seq) const { return seq.value & mask_; }
    void grow(std::size_t slots);

    std::size_t capacity_;
    std::vector<Slot> slots_;  ///< a power of two, at most capacity_; high_ is always inside
    std::uint64_t mask_;
    protocol::Seq base_{1};
    protocol::Seq my_aru_;
    protocol::Seq high_;
};

}  // namespace spread::ordering
