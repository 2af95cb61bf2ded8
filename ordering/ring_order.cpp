#include "ordering/ring_order.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "ordering/packer.hpp"

namespace spread::ordering {

using protocol::Seq;
using protocol::SeqRange;
using protocol::Token;

namespace {

/// A window's worth of packets comes with every rotation, the aru follows two rotations later, and
/// a packet may be lost a few times before it is repaired; so many windows may be on their way.
constexpr std::uint32_t kGapWindows = 8;
constexpr std::uint32_t kGapLeast = 2000;

/// When even the shortest rotation takes longer than this, a gap in what has arrived is taken for a
/// loss.
constexpr protocol::Duration kLongRotation = std::chrono::milliseconds(3);

/// Adds [first, first + count) to ascending `ranges`, merging what touches, up to `most` ranges.
void append_range(std::vector<SeqRange>& ranges, SeqRange range, std::size_t most) {
    if (!ranges.empty()) {
        SeqRange& last = ranges.back();
        const Seq end = last.first + last.count;
        if (range.first <= end) {
            const Seq range_end = range.first + range.count;
            if (range_end > end) {
                last.count = static_cast<std::uint32_t>(range_end - last.first);
            }
            return;
        }
    }
    if (ranges.size() < most) {
        ranges.push_back(range);
    }
}

}  // namespace

RingOrder::RingOrder(const OrderConfig& config, protocol::RingId ring_id)
    : config_(config),
      ring_id_(ring_id),
      // The safe line trails the ring's aru by up to two rotations, each of which may advance it by
      // the whole gap; half a gap more is what delivery may lag behind reception.
      window_(4 * std::size_t{config.gap_max} +
              std::max({config.windows.window_max, config.windows.window, config.window_limit})),
      cursor_(ring_id),
      flow_(config.windows),
      rtr_ranges_max_(protocol::rtr_ranges_max(config.datagram_bytes_max)) {
    begin_behind(config.before_first);
}

ReceiveWindow::Insert RingOrder::on_data(const protocol::DataHeader& data,
                                         protocol::DaemonId sender, protocol::Slice datagram) {
    const Seq high_before = window_.high();
    const auto result = window_.insert(data.seq, sender, std::move(datagram));
    if (result == ReceiveWindow::Insert::kNew) {
        if (data.token_seq > newest_visit_) {
            newest_visit_ = data.token_seq;
            settled_high_ = high_before;
        } else if (data.token_seq < newest_visit_) {
            settled_high_ = std::max(settled_high_, data.seq);
        }
        high_seq_ = std::max(high_seq_, data.seq);
        answered_ = answered_ || data.seq <= asked_up_to_;
    }
    return result;
}

void RingOrder::on_token(Token& token, SendQueue& queue, protocol::BufferPool& pool, Turn turn,
                         TokenVisit& visit) {
    const bool accelerate = turn == Turn::kAccelerated;
    const bool out_of_turn = turn == Turn::kOutOfTurn;
    visit.clear();
    last_token_seq_ = token.token_seq;
    high_seq_ = std::max(high_seq_, token.seq);
    const Seq received_high = token.seq;
    // A token out of turn overtakes packets that wait in the data socket: only packets sent up to
    // the last visit in turn are known to be missing.
    const Seq up_to = accelerate ? surely_sent(token)
                      : out_of_turn && config_.accelerated_window > 0
                          ? std::min(previous_token_high_, received_high)
                          : received_high;
    flow_.take_window(token);

    answer_requests(token, visit);

    const std::uint32_t backlog = backlog_packets(queue);
    std::uint32_t allowed = flow_.allowance(token, backlog, out_of_turn);
    const std::uint64_t gap = token.seq - token.aru;
    const std::uint32_t limit = gap_limit();
    allowed = gap >= limit
                  ? 0
                  : static_cast<std::uint32_t>(std::min<std::uint64_t>(allowed, limit - gap));
    if (window_.end() > token.seq + 1) {
        allowed = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(allowed, window_.end() - (token.seq + 1)));
    } else {
        allowed = 0;
    }
    stamp(token, queue, pool, accelerate, allowed, visit);

    request_missing(token, up_to, visit);
    if (!out_of_turn) {
        previous_token_high_ = received_high;
    }

    flow_.report(token, visit.lost);
    flow_.account_visit(token, visit.stamped + visit.retransmitted, backlog_packets(queue),
                        out_of_turn);
    ++token.token_seq.value;
    token.sender = config_.self;
    if (!out_of_turn) {
        update_aru(token);
        gate_.on_token_visit(token.aru);
    }
}

void RingOrder::answer_requests(Token& token, TokenVisit& visit) {
    if (token.rtr.empty()) {
        return;
    }
    scratch_ranges_.clear();
    for (SeqRange range : token.rtr) {
        // What is released here was received by all; only a daemon in error asks for it.
        if (range.first < window_.base()) {
            const std::uint64_t released = window_.base() - range.first;
            if (released >= range.count) {
                continue;
            }
            range.first = window_.base();
            range.count -= static_cast<std::uint32_t>(released);
        }
        for (std::uint32_t i = 0; i < range.count; ++i) {
            const Seq seq = range.first + i;
            const ReceiveWindow::Slot* slot = window_.find(seq);
            if (slot == nullptr) {
                // A hole beyond everything held: the rest of the range stays as it is.
                if (seq > window_.high()) {
                    append_range(scratch_ranges_, SeqRange{seq, range.count - i}, rtr_ranges_max_);
                    break;
                }
                append_range(scratch_ranges_, SeqRange{seq, 1}, rtr_ranges_max_);
            } else if (visit.retransmitted < flow_.window()) {
                visit.before_token.push_back(slot->datagram);
                ++visit.retransmitted;
            } else {
                append_range(scratch_ranges_, SeqRange{seq, 1}, rtr_ranges_max_);
            }
        }
    }
    token.rtr.swap(scratch_ranges_);
}

void RingOrder::stamp(Token& token, SendQueue& queue, protocol::BufferPool& pool, bool accelerate,
                      std::uint32_t allowed, TokenVisit& visit) {
    const protocol::PacketHeader header{protocol::PacketKind::kData, config_.config_hash,
                                        config_.self, ring_id_, config_.wire};
    const std::size_t first_stamped = visit.before_token.size();
    // A slot that is taken already means forged packets; never overwrite, never trust them to be
    // ours.
    while (visit.stamped < allowed && queue.current() != nullptr &&
           window_.find(token.seq + 1) == nullptr) {
        protocol::DataBuilder packet(pool.acquire_or_heap(), config_.datagram_bytes_max);
        fill_packet(queue, packet);
        ++token.seq;
        protocol::Slice datagram = packet.finish(header, token.seq, token.token_seq);
        const auto inserted = window_.insert(token.seq, config_.self, datagram);
        SPREAD_ASSERT(inserted == ReceiveWindow::Insert::kNew);
        visit.before_token.push_back(std::move(datagram));
        ++visit.stamped;
    }
    high_seq_ = std::max(high_seq_, token.seq);
    if (accelerate) {
        // The last packets follow the token, so that the next member can start at once.
        const std::size_t later = std::min<std::size_t>(visit.stamped, config_.accelerated_window);
        const auto from = visit.before_token.end() - static_cast<std::ptrdiff_t>(later);
        SPREAD_ASSERT(visit.before_token.size() - later >= first_stamped);
        visit.after_token.assign(std::make_move_iterator(from),
                                 std::make_move_iterator(visit.before_token.end()));
        visit.before_token.erase(from, visit.before_token.end());
    }
}

std::uint32_t RingOrder::gap_limit() const {
    return std::min(config_.gap_max, std::max(kGapLeast, kGapWindows * flow_.window()));
}

/// With an accelerated token, the last packets of our predecessors may arrive behind it. On a LAN
/// only what was assigned before our previous visit is surely missing (Babay and Amir, section
/// III). Where delay makes rotations long, waiting for one more costs more than a needless repair
/// now and then: packets of earlier visits than our predecessor's have had a hop's time more than
/// they need.
Seq RingOrder::surely_sent(const Token& token) const {
    const Seq previous = std::min(previous_token_high_, token.seq);
    if (flow_.base_rotation() < kLongRotation) {
        return previous;
    }
    const bool predecessor_heard = newest_visit_.value + 1 >= token.token_seq.value;
    const Seq settled = predecessor_heard ? settled_high_ : window_.high();
    return std::max(previous, std::min(settled, token.seq));
}

void RingOrder::request_missing(Token& token, Seq up_to, TokenVisit& visit) {
    // When nothing comes of what we ask for, tokens reach us but packets do not. Asking for all of
    // it at every visit would flood the ring with what is lost again; one packet suffices to notice
    // when the way is free.
    const bool heard = asked_ == 0 || answered_;
    ask_budget_ = heard ? kAskBudgetMax : std::max(1U, std::min(ask_budget_, asked_) / 2);
    asked_ = 0;
    answered_ = false;
    if (window_.my_aru() >= up_to) {
        return;
    }
    scratch_ranges_.clear();
    window_.append_missing(up_to, rtr_ranges_max_, scratch_ranges_);
    std::size_t asked_ranges = 0;
    for (SeqRange& range : scratch_ranges_) {
        const Seq end = range.first + range.count;
        if (end > looked_up_to_ + 1) {
            visit.lost +=
                static_cast<std::uint32_t>(end - std::max(range.first, looked_up_to_ + 1));
        }
        if (asked_ < ask_budget_) {
            range.count = std::min(range.count, ask_budget_ - asked_);
            asked_ += range.count;
            asked_up_to_ = Seq{range.first.value + range.count - 1};
            ++asked_ranges;
        }
    }
    scratch_ranges_.resize(asked_ranges);
    visit.requested = asked_;
    looked_up_to_ = std::max(looked_up_to_, up_to);
    // Union of what others still wait for and what is missing here, ascending.
    const auto by_first = [](const SeqRange& a, const SeqRange& b) { return a.first < b.first; };
    scratch_ranges_.insert(scratch_ranges_.end(), token.rtr.begin(), token.rtr.end());
    std::sort(scratch_ranges_.begin(), scratch_ranges_.end(), by_first);
    token.rtr.clear();
    for (const SeqRange& range : scratch_ranges_) {
        append_range(token.rtr, range, rtr_ranges_max_);
    }
}

void RingOrder::update_aru(Token& token) const {
    // A member whose clients' side is behind reports less than it received, so that nobody runs
    // more than a gap ahead of the slowest.
    const Seq lag_limit = cursor_.next() + config_.gap_max / 2;
    // Only forged packets can be beyond what the token has assigned.
    const Seq mine = std::min({window_.my_aru(), lag_limit, token.seq});
    if (mine < token.aru || token.aru_id == config_.self || !token.aru_id) {
        token.aru = mine;
        token.aru_id = mine == token.seq ? protocol::DaemonId{} : config_.self;
    }
}

void RingOrder::release() {
    const Seq delivered{cursor_.next().value - 1};
    const Seq done = std::min({delivered, gate_.safe_up_to(), window_.my_aru()});
    window_.release_up_to(done);
}

void RingOrder::check_invariants() const {
    SPREAD_ASSERT(window_.base() <= window_.my_aru() + 1);
    SPREAD_ASSERT(window_.my_aru() <= window_.high());
    SPREAD_ASSERT(window_.high() < window_.end());
    SPREAD_ASSERT(window_.high() <= high_seq_);
    SPREAD_ASSERT(gate_.safe_up_to() <= high_seq_);
    SPREAD_ASSERT(window_.base() <= cursor_.next());
}

Seq RingOrder::next_alone() {
    const Seq seq = window_.high() + 1;
    begin_behind(seq);
    return seq;
}

/// Everything up to `seq` is received and safe everywhere.
void RingOrder::begin_behind(Seq seq) {
    window_.skip_to(seq);
    cursor_.skip_to(seq);
    gate_.on_alone(seq);
    high_seq_ = seq;
}

std::uint32_t RingOrder::backlog_packets(const SendQueue& queue) const {
    if (!queue.has_sendable()) {
        return 0;
    }
    const std::size_t room = config_.datagram_bytes_max - protocol::kDataHeaderBytes;
    const std::size_t bytes =
        queue.sendable_bytes() + queue.sendable_messages() * protocol::kEntryHeaderBytes;
    return static_cast<std::uint32_t>(std::min<std::size_t>(
        (bytes + room - 1) / room, std::numeric_limits<std::uint16_t>::max()));
}

}  // namespace spread::ordering
