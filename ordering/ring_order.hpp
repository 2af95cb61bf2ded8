#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ordering/delivery_cursor.hpp"
#include "ordering/delivery_gate.hpp"
#include "ordering/flow_control.hpp"
#include "ordering/receive_window.hpp"
#include "ordering/send_queue.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::ordering {

struct OrderConfig {
    protocol::DaemonId self;
    std::uint32_t config_hash = 0;
    std::uint8_t wire = protocol::kRingWireGreatest;  ///< version that the ring speaks
    WindowConfig windows;
    std::uint32_t window_limit = 0;  ///< of windows that come later
    /// Of the packets of one visit, how many follow the token instead of preceding it; 0 gives the
    /// original ring.
    std::uint32_t accelerated_window = 0;
    std::uint32_t gap_max = 8192;  ///< seq - aru at most
    std::size_t datagram_bytes_max = 1452;
    protocol::Seq before_first;  ///< the ring's first packet gets the next number
};

/// What a token visit makes the host send, besides the token.
struct TokenVisit {
    std::vector<protocol::Slice> before_token;
    std::vector<protocol::Slice> after_token;
    std::uint32_t stamped = 0;
    std::uint32_t retransmitted = 0;
    std::uint32_t requested = 0;  ///< packets this member asks for
    std::uint32_t lost = 0;       ///< of these, for the first time

    void clear() {
        before_token.clear();
        after_token.clear();
        stamped = retransmitted = requested = lost = 0;
    }
};

/// Total order of one ring as one member sees it: numbering, gaps, aru, retransmission, flow
/// control and the delivery gates. Knows nothing of how rings form; the same code runs while old
/// packets are recovered and in normal operation.
class RingOrder {
  public:
    RingOrder(const OrderConfig& config, protocol::RingId ring_id);

    /// A checked data packet of this ring.
    ReceiveWindow::Insert on_data(const protocol::DataHeader& data, protocol::DaemonId sender,
                                  protocol::Slice datagram);

    /// True for a token not seen before; copies and late ones are false.
    [[nodiscard]] bool is_new(const protocol::Token& token) const {
        return token.token_seq > last_token_seq_;
    }

    /// Whether a new token can be one of this ring: it knows of every packet that we know of, since
    /// none is stamped without it, and flow control keeps it inside the window.
    [[nodiscard]] bool accepts(const protocol::Token& token) const {
        return token.seq >= high_seq_ && token.seq < window_.end() &&
               token.token_seq.value < kTokenSeqEnd;
    }

    /// How a token came to its visit.
    enum class Turn : std::uint8_t {
        kInTurn,       ///< round the ring
        kAccelerated,  ///< the same; the last packets follow the token
        /// Past other members, which therefore could not lower the aru: neither aru nor safe line
        /// may be touched. Between two visits in turn the token has been everywhere all the same.
        kOutOfTurn
    };

    /// The work of one token visit, in Totem's order: answer requests, stamp messages from `queue`,
    /// ask for what is missing, update aru, flow control and safe line. Leaves `token` ready to be
    /// passed on.
    void on_token(protocol::Token& token, SendQueue& queue, protocol::BufferPool& pool, Turn turn,
                  TokenVisit& visit);
    /// A token that is kept for now: later ones are told by its number.
    void on_kept(const protocol::Token& token) {
        last_token_seq_ = std::max(last_token_seq_, token.token_seq);
    }

    /// Before on_token(), where the token comes round the ring: what the rotation took, zero if it
    /// was kept on its way. The representative sizes the window by it.
    void on_rotation(protocol::Token& token, protocol::Duration rotation, bool representative) {
        flow_.on_rotation(token, rotation);
        if (representative) {
            flow_.size_window(token, rotation);
        }
    }
    /// These windows count from now on; none is larger than OrderConfig::window_limit.
    void use_windows(const WindowConfig& windows, std::uint32_t accelerated_window) {
        config_.accelerated_window = accelerated_window;
        flow_.use(windows);
    }
    /// Packets all members together may send per rotation, as this member knows.
    [[nodiscard]] std::uint32_t flow_window() const { return flow_.window(); }

    /// Delivers what the gates allow, at most `budget` messages, into `sink(Delivery&&)`.
    template <typename Sink>
    DeliveryCursor::Stop deliver(std::size_t budget, Sink&& sink) {
        const auto stop =
            cursor_.run(window_, {window_.my_aru(), gate_.safe_up_to(), budget}, sink);
        release();
        return stop;
    }

    /// A ring of one: the number of the next message, which is at once received and safe
    /// everywhere.
    protocol::Seq next_alone();

    [[nodiscard]] const protocol::RingId& ring_id() const { return ring_id_; }
    [[nodiscard]] const ReceiveWindow& window() const { return window_; }
    [[nodiscard]] ReceiveWindow& window() { return window_; }
    [[nodiscard]] DeliveryCursor& cursor() { return cursor_; }
    [[nodiscard]] const DeliveryCursor& cursor() const { return cursor_; }
    [[nodiscard]] protocol::Seq safe_up_to() const { return gate_.safe_up_to(); }
    void check_invariants() const;
    [[nodiscard]] protocol::TokenSeq last_token_seq() const { return last_token_seq_; }
    /// A packet that has come now was counted as lost before.
    [[nodiscard]] bool was_lost(protocol::Seq seq) const { return seq <= looked_up_to_; }
    /// Highest number this member knows to be assigned.
    [[nodiscard]] protocol::Seq high_seq() const { return high_seq_; }

  private:
    /// No ring gets there; what counts on from below does not wrap.
    static constexpr std::uint64_t kTokenSeqEnd = std::uint64_t{1} << 63U;
    static constexpr std::uint32_t kAskBudgetMax = 1U << 30U;

    void answer_requests(protocol::Token& token, TokenVisit& visit);
    void stamp(protocol::Token& token, SendQueue& queue, protocol::BufferPool& pool,
               bool accelerate, std::uint32_t allowed, TokenVisit& visit);
    [[nodiscard]] std::uint32_t gap_limit() const;
    [[nodiscard]] protocol::Seq surely_sent(const protocol::Token& token) const;
    void request_missing(protocol::Token& token, protocol::Seq up_to, TokenVisit& visit);
    void update_aru(protocol::Token& token) const;
    void release();
    void begin_behind(protocol::Seq seq);
    [[nodiscard]] std::uint32_t backlog_packets(const SendQueue& queue) const;

    OrderConfig config_;
    protocol::RingId ring_id_;
    ReceiveWindow window_;
    DeliveryCursor cursor_;
    DeliveryGate gate_;
    FlowControl flow_;
    std::size_t rtr_ranges_max_;  ///< that we put on a token
    protocol::TokenSeq last_token_seq_;
    protocol::Seq high_seq_;
    /// token.seq as it came in at the previous visit: with an accelerated token, only packets up to
    /// there are surely not still on their way (Babay and Amir, section III).
    protocol::Seq previous_token_high_;
    protocol::TokenSeq newest_visit_;  ///< of which a packet has arrived
    protocol::Seq settled_high_;       ///< highest number that has arrived of earlier ones
    // Packets asked for at the last visit, and how many may be asked for at the next one.
    protocol::Seq looked_up_to_;  ///< what is missing up to here has been counted as lost
    protocol::Seq asked_up_to_;
    std::uint32_t asked_ = 0;
    std::uint32_t ask_budget_ = kAskBudgetMax;
    bool answered_ = false;  ///< something that was asked for has come
    std::vector<protocol::SeqRange> scratch_ranges_;
};

}  // namespace spread::ordering
