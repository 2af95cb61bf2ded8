#include "ordering/receive_window.hpp"

#include <algorithm>
#include <bit>

namespace spread::ordering {

using protocol::Seq;
using protocol::SeqRange;

namespace {

constexpr std::size_t kSlotsAtFirst = 512;

}  // namespace

ReceiveWindow::ReceiveWindow(std::size_t capacity)
    : capacity_(std::bit_ceil(capacity)),
      slots_(std::min(capacity_, kSlotsAtFirst)),
      mask_(slots_.size() - 1) {}

void ReceiveWindow::grow(std::size_t slots) {
    std::vector<Slot> larger(std::bit_ceil(slots));
    const std::uint64_t mask = larger.size() - 1;
    for (Seq seq = base_; seq <= high_; ++seq) {
        larger[seq.value & mask] = std::move(slots_[index(seq)]);
    }
    slots_ = std::move(larger);
    mask_ = mask;
}

ReceiveWindow::Insert ReceiveWindow::insert(Seq seq, protocol::DaemonId sender,
                                            protocol::Slice datagram) {
    if (seq < base_) {
        return Insert::kDuplicate;
    }
    if (seq >= end()) {
        return Insert::kOutOfRange;
    }
    if (seq - base_ >= slots_.size()) {
        grow(static_cast<std::size_t>(seq - base_) + 1);
    }
    Slot& slot = slots_[index(seq)];
    if (slot.datagram.buffer) {
        return Insert::kDuplicate;
    }
    slot.datagram = std::move(datagram);
    slot.sender = sender;
    high_ = std::max(high_, seq);
    while (my_aru_ < high_ && slots_[index(my_aru_ + 1)].datagram.buffer) {
        ++my_aru_;
    }
    return Insert::kNew;
}

const ReceiveWindow::Slot* ReceiveWindow::find(Seq seq) const {
    if (seq < base_ || seq > high_) {
        return nullptr;
    }
    const Slot& slot = slots_[index(seq)];
    return slot.datagram.buffer ? &slot : nullptr;
}

void ReceiveWindow::release_up_to(Seq seq) {
    SPREAD_ASSERT(seq <= my_aru_);
    for (; base_ <= seq; ++base_) {
        slots_[index(base_)].datagram = {};
    }
}

void ReceiveWindow::skip_to(Seq seq) {
    SPREAD_ASSERT(high_ == my_aru_ && seq >= high_);
    release_up_to(my_aru_);
    base_ = seq + 1;
    my_aru_ = high_ = seq;
}

void ReceiveWindow::append_missing(Seq up_to, std::size_t ranges_max,
                                   std::vector<SeqRange>& ranges) const {
    if (my_aru_ >= up_to) {
        return;
    }
    Seq seq = my_aru_ + 1;
    while (seq <= up_to && ranges.size() < ranges_max) {
        if (find(seq) != nullptr) {
            ++seq;
            continue;
        }
        Seq last = seq;
        while (last < up_to && find(last + 1) == nullptr) {
            if (last >= high_) {
                last = up_to;
                break;
            }
            ++last;
        }
        ranges.push_back(SeqRange{seq, static_cast<std::uint32_t>(last - seq + 1)});
        seq = last + 1;
    }
}

std::vector<SeqRange> ReceiveWindow::held_beyond_aru(std::size_t ranges_max) const {
    std::vector<SeqRange> ranges;
    for (Seq seq = my_aru_ + 1; seq <= high_; ++seq) {
        if (find(seq) == nullptr) {
            continue;
        }
        if (!ranges.empty() && ranges.back().first + ranges.back().count == seq) {
            ++ranges.back().count;
        } else if (ranges.size() == ranges_max) {
            break;
        } else {
            ranges.push_back(SeqRange{seq, 1});
        }
    }
    return ranges;
}

}  // namespace spread::ordering
