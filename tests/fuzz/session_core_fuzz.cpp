// Whole conversations of several clients with a daemon that is its whole ring, held in memory: what
// the session layer says is always about sessions that exist, in the order of the protocol, and
// adds up; and in the end everybody is gone and every name is free.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/session/session_core.hpp"
#include "membership/groups/group_engine.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/script.hpp"
#include "tests/fuzz/session_core_peer.hpp"
#include "tests/fuzz/session_core_requests.hpp"
#include "tests/support/ordered.hpp"

namespace {

using namespace spread;
using fuzz::append;
using fuzz::Bytes;
using fuzz::check_submission;
using fuzz::is_printable;
using fuzz::kUsers;
using fuzz::Peer;
using fuzz::require;
using fuzz::Script;
using fuzz::take;
using protocol::SessionId;
using session::SessionOutput;
using std::chrono::milliseconds;

constexpr protocol::DaemonId kSelf{1};
constexpr std::size_t kSessionsMax = 7;
/// What the fuzzer's few bytes may blow up to.
constexpr std::size_t kInboundBytesMax = 1U << 20U;

session::SessionConfig configuration(Script& script) {
    const std::uint8_t limits = script.byte();
    const std::uint8_t policies = script.byte();
    session::SessionConfig config;
    config.daemon_name = "d1";
    config.max_sessions = kSessionsMax;
    config.max_session_messages = 1U + limits % 16U;
    config.max_session_bytes = (limits & 0x10U) != 0 ? 2000 : 1U << 20U;
    config.max_session_groups = (limits & 0x20U) != 0 ? 2 : 65536;
    config.old_client_layout = (limits & 0x40U) != 0;
    if ((policies & 0x10U) != 0) {
        config.queued_bytes_max = 3000;
    }
    config.memberships_max = (policies & 0x40U) != 0 ? 3 : 1000000;
    if ((policies & 1U) != 0) {
        config.slow_reader_policy = session::SlowReaderPolicy::kBlock;
    }
    if ((policies & 2U) != 0) {
        config.auth.allowed = {"NULL", "IP", "PWORD"};
    }
    if ((policies & 4U) != 0) {
        config.auth.allowed = {"PWORD"};
    }
    if ((policies & 8U) != 0) {
        config.auth.required = {"IP"};
    }
    return config;
}

membership::GroupConfig one_daemon() {
    membership::GroupConfig config;
    config.daemons = {{.id = kSelf, .name = "d1"}};
    config.self = kSelf;
    return config;
}

class Driver {
  public:
    explicit Driver(Script& script)
        : config_(configuration(script)),
          core_(std::make_unique<session::SessionCore>(config_, one_daemon(), protocol::Rng(7))) {
        const std::uint8_t rules = script.byte();
        turn_units_ = (rules & 4U) != 0 ? 1 : 2000;
        if ((rules & 1U) != 0) {
            core_->set_access_rules(std::make_shared<access::AccessRules>(
                *access::AccessRules::parse("deny connect c\ndeny join * h\nallow send a *\n"
                                            "deny send * room\ndeny send b #a#*\n")
                     .rules));
        }
        if ((rules & 2U) != 0) {
            core_->set_address_rules(std::make_shared<access::AddressRules>(
                *access::AddressRules::parse("unix\n10.0.0.0/8\n").rules));
        }
        core_->set_hang_up_probe([this](SessionId id) {
            require(peers_.contains(id));
            return peers_.at(id).gone;
        });
        change_configuration(membership::ConfigurationKind::kTransitional);
        change_configuration(membership::ConfigurationKind::kRegular);
    }

    void run(Script& script) {
        while (!script.done()) {
            step(script);
        }
        end();
    }

  private:
    void step(Script& script) {
        const std::uint8_t op = script.byte();
        switch (op % 16) {
            case 0: accept(script.byte()); return;
            case 1:
            case 2: say_hello(script); return;
            case 3:
            case 4:
            case 5:
            case 6: request(script, op >> 4U); return;
            case 7: say_anything(script, op >> 4U); return;
            case 8: hang_up(pick(script), (op & 0x10U) != 0, (op & 0x20U) != 0); return;
            case 9:
            case 10: step_ring(1U + (op >> 4U)); return;
            case 11: change_configuration(script); return;
            case 12: write(pick(script), op >> 4U, script.byte()); return;
            case 13: pass_time(milliseconds((script.byte() << (op >> 5U)) * 10)); return;
            case 14: answer_password(pick(script), (op & 0x20U) != 0, (op & 0x10U) != 0); return;
            default:
                if ((op & 0xc0U) == 0xc0U) {
                    tell_tls(pick(script), op >> 4U & 3U);
                } else {
                    write_wanted((op & 0x10U) != 0);
                }
        }
    }

    // ---- What clients do ----

    /// A connection that is there, as far as its client knows; 0 when there is none.
    [[nodiscard]] SessionId pick(Script& script) {
        const std::uint8_t choice = script.byte();
        if (peers_.empty()) {
            return SessionId{};
        }
        return std::next(peers_.begin(), choice % static_cast<std::ptrdiff_t>(peers_.size()))
            ->first;
    }

    SessionId accept(std::uint8_t choice) {
        access::PeerAddress address;
        if (choice % 2 == 0) {
            address.kind = access::PeerAddress::Kind::kV4;
            address.bytes = {static_cast<std::uint8_t>(choice % 4 == 0 ? 10 : 11), 0, 0, 1};
        }
        const SessionId id = core_->on_accept(now_, "peer", out_, address);
        require(!peers_.contains(id));
        peers_[id];
        absorb();
        require(core_->session_count() <= kSessionsMax);
        return id;
    }

    void say_hello(Script& script) {
        const SessionId id = pick(script);
        const fuzz::Hello hello = fuzz::make_hello(script);
        say(id, hello.bytes, hello.pieces);
    }

    void say_anything(Script& script, std::uint8_t pieces) {
        const SessionId id = pick(script);
        const std::size_t count = script.byte();
        say(id, script.some(count), pieces);
    }

    void request(Script& script, std::uint8_t how) {
        const SessionId id = pick(script);
        const auto peer = peers_.find(id);
        const std::string name = peer == peers_.end() ? "#a#d1" : peer->second.private_name;
        say(id, fuzz::make_request(script, how, name), how);
    }

    /// In one piece, or in several.
    void say(SessionId id, std::span<const std::byte> bytes, std::uint8_t pieces) {
        inbound_ += bytes.size();
        if (inbound_ > kInboundBytesMax) {
            return;
        }
        const std::size_t piece =
            pieces == 0 ? bytes.size() : 1U + bytes.size() / (1U + pieces * 3U);
        while (!bytes.empty()) {
            const auto peer = peers_.find(id);
            if (peer == peers_.end() || peer->second.gone ||
                core_->reading(id) == session::Reading::kOver) {
                return;
            }
            const auto part = bytes.first(std::min(piece, bytes.size()));
            bytes = bytes.subspan(part.size());
            append(peer->second.opening, part.first(std::min<std::size_t>(part.size(), 16)));
            protocol::BufferRef buffer = protocol::BufferRef::allocate(part.size());
            std::copy(part.begin(), part.end(), buffer->data());
            core_->on_bytes(now_, id,
                            {std::move(buffer), 0, static_cast<std::uint32_t>(part.size())}, out_);
            absorb();
        }
    }

    /// The daemon may learn it at once, or only when it looks.
    void hang_up(SessionId id, bool is_noticed, bool is_broken = false) {
        const auto peer = peers_.find(id);
        if (peer == peers_.end()) {
            return;
        }
        peer->second.gone = true;
        if (is_noticed) {
            core_->on_peer_closed(now_, id, out_, is_broken);
            absorb();
        }
    }

    /// What the kernel may say of one socket, asked for or not.
    void write(SessionId id, std::uint8_t how, std::size_t bytes) {
        if (!peers_.contains(id)) {
            return;
        }
        switch (how % 4) {
            case 0: send(id, bytes); return;
            case 1:
                core_->on_write_blocked(id);
                check_queues();
                return;
            case 2:
                core_->on_writable(id);
                check_queues();
                return;
            default: core_->on_write_failed(id, out_); absorb();
        }
    }

    void send(SessionId id, std::size_t bytes) {
        const std::size_t left = core_->outbound(id).bytes_left();
        bytes = std::min(bytes, left);
        const bool is_more_left = core_->on_sent(now_, id, bytes, out_);
        require(is_more_left == (bytes < left));
        absorb();
    }

    /// As the daemon does at the end of a turn. All of the bytes, or half.
    void write_wanted(bool all) {
        while (const auto id = core_->next_write()) {
            const std::size_t left = core_->outbound(*id).bytes_left();
            require(left > 0);
            send(*id, all ? left : left / 2);
        }
        require(core_->writes_wanted() == 0);
    }

    // ---- What goes on in the daemon ----

    /// For the session that is asked for, gone or not, or for any.
    void answer_password(SessionId any, bool for_any, bool is_right) {
        const SessionId id = for_any ? any : password_asked_.value_or(any);
        if (password_asked_ == id) {
            password_asked_.reset();
        }
        core_->on_password(now_, id, is_right, out_);
        absorb();
    }

    /// Of a client that has begun to shake hands, or of any.
    void tell_tls(SessionId id, std::uint8_t kind) {
        core_->on_tls(now_, id,
                      {.kind = static_cast<session::TlsNews::Kind>(kind),
                       .version = "TLSv1.3",
                       .certificate = "a"},
                      out_);
        absorb();
    }

    void pass_time(milliseconds time) {
        now_ += time;
        const auto deadline = core_->next_deadline();
        if (deadline && *deadline <= now_) {
            core_->on_deadline(now_, out_);
            absorb();
        }
        require(!core_->next_deadline() || *core_->next_deadline() > now_);
    }

    void change_configuration(Script& script) {
        change_configuration(membership::ConfigurationKind::kTransitional);
        step_ring(script.byte() % 8);
        change_configuration(membership::ConfigurationKind::kRegular);
    }

    void change_configuration(membership::ConfigurationKind kind) {
        membership::ConfigurationChange change;
        change.kind = kind;
        change.members = {kSelf};
        if (kind == membership::ConfigurationKind::kTransitional) {
            next_ring_.counter += 2;
        } else {
            ring_ = next_ring_;
            held_ = true;
            seq_ = 0;
        }
        change.ring_id = next_ring_;
        hand_in(std::move(change));
    }

    /// The work on the event before must be done; that on this one may be left for later.
    void hand_in(membership::DeliveryEvent event) {
        finish_work();
        core_->begin_turn(turn_units_);
        core_->on_ring_event(now_, std::move(event), out_);
        absorb();
    }

    void finish_work() {
        while (core_->has_work()) {
            core_->begin_turn(turn_units_);
            core_->work(now_, out_);
            absorb();
        }
    }

    /// Group state first; clients' messages only where they may flow.
    void step_ring(std::size_t count) {
        for (; count > 0; --count) {
            auto& lane = !control_.empty() ? control_ : ordinary_;
            if (lane.empty() || (control_.empty() && held_) || core_->is_blocked()) {
                return;
            }
            membership::Submission submission = std::move(lane.front());
            lane.pop_front();
            hand_in(support::ordered(std::move(submission), ring_, protocol::Seq{++seq_}, kSelf));
        }
    }

    // ---- What the core says ----

    void absorb() {
        for (const SessionOutput::Opened& each : out_.opened) {
            const auto peer = peers_.find(each.session);
            require(peer != peers_.end() && !peer->second.opened && !peer->second.closed);
            Peer& state = peer->second;
            const auto opening = protocol::decode_connect(state.opening);
            require(opening && *opening);
            state.opened = true;
            state.wants_membership = (*opening)->request.wants_membership();
            require(state.wants_membership == each.wants_membership);
            state.reads_4x = (*opening)->request.version.major > 3 || !config_.old_client_layout;
            state.private_name = each.private_name;
            require(protocol::parse_private_group(each.private_name).has_value());
        }
        for (const auto& check : out_.password_checks) {
            require(peers_.contains(check.session));
            require(!password_asked_);
            password_asked_ = check.session;
        }
        for (const auto& close : out_.closes) {
            const auto peer = peers_.find(close.session);
            require(peer != peers_.end() && !std::exchange(peer->second.closed, true));
            require(is_printable(close.detail));
        }
        for (const SessionId id : out_.shutdowns) {
            const auto peer = peers_.find(id);
            require(peer != peers_.end() && peer->second.closed);
            require(!std::exchange(peer->second.shut, true) && core_->outbound(id).empty());
        }
        for (const SessionId id : out_.releases) {
            const auto peer = peers_.find(id);
            require(peer != peers_.end() && peer->second.closed);
            peers_.erase(peer);
        }
        check_names();
        for (const std::string& warning : out_.warnings) {
            require(is_printable(warning));
        }
        for (membership::Submission& submission : out_.submissions) {
            check_submission(submission);
            (submission.control ? control_ : ordinary_).push_back(std::move(submission));
        }
        if (out_.resume && *out_.resume == ring_) {
            held_ = false;
        }
        out_.clear();
        check_queues();
    }

    /// An heir may open in the very output in which its predecessor closes, not before.
    void check_names() const {
        std::set<std::string_view> names;
        for (const auto& [id, peer] : peers_) {
            require(!peer.opened || peer.closed || names.insert(peer.private_name).second);
        }
    }

    /// What is new in the queues, and that they are held to their limits.
    void check_queues() {
        std::size_t shared_bytes = 0;
        for (auto& entry : peers_) {
            auto& peer = entry.second;  // clang captures no structured binding
            const session::OutboundQueue& queue = core_->outbound(entry.first);
            std::size_t at = 0;
            std::size_t bytes = 0;
            queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
                bytes += slice.length - skip;
                if (at++ >= peer.frames_seen) {
                    require(skip == 0);
                    take(peer, slice.bytes());
                }
                return true;
            });
            require(at == queue.size() && bytes == queue.bytes_left());
            shared_bytes += bytes;
            peer.frames_seen = at;
        }
        require(core_->queued().bytes <= shared_bytes + peers_.size() * kFrameBytesMax);
        const auto infos = core_->sessions();
        require(infos.size() == core_->session_count());
        std::size_t closed = 0;
        for (const auto& [id, peer] : peers_) {
            closed += peer.closed ? 1 : 0;
            require(core_->reading(id) == session::Reading::kDiscard || !peer.closed);
        }
        require(infos.size() + closed == peers_.size());
        for (const session::SessionInfo& info : infos) {
            const Peer& peer = peers_.at(info.id);
            require(info.private_name == peer.private_name);
            if (config_.slow_reader_policy == session::SlowReaderPolicy::kDisconnect) {
                // One message is let in whatever its size.
                require(info.bytes_queued <= config_.max_session_bytes ||
                        info.messages_queued <= kHandshakeWrites + 1);
            }
        }
        if (core_->is_blocked()) {
            require(config_.slow_reader_policy == session::SlowReaderPolicy::kBlock &&
                    core_->next_deadline().has_value());
        }
    }

    // ---- The end ----

    /// Everybody takes what it gets and hangs up, the ring goes on, time passes: nobody is left.
    void end() {
        while (!peers_.empty()) {
            const std::size_t before = peers_.size();
            for (const SessionId id : ids()) {
                hang_up(id, true);
                if (peers_.contains(id)) {
                    send(id, core_->outbound(id).bytes_left());
                }
            }
            run_ring();
            require(peers_.size() < before);
        }
        require(core_->session_count() == 0 && !core_->next_deadline() && !core_->is_blocked());
        require(core_->groups().group_names().empty());
        for (const char* user : kUsers) {
            expect_name_is_free(user);
        }
    }

    [[nodiscard]] std::vector<SessionId> ids() const {
        std::vector<SessionId> ids;
        for (const auto& [id, peer] : peers_) {
            ids.push_back(id);
        }
        return ids;
    }

    void run_ring() {
        while (core_->has_work() || !control_.empty() || (!ordinary_.empty() && !held_)) {
            finish_work();  // which may let the ring go on
            step_ring(1);
            if (core_->is_blocked()) {
                pass_time(std::chrono::seconds(60));
            }
        }
    }

    void expect_name_is_free(std::string_view user) {
        const SessionId id = accept(1);
        protocol::ConnectRequest opening;
        opening.private_name = user;
        say(id, protocol::encode_connect(opening), 0);
        const auto peer = peers_.find(id);
        require(peer != peers_.end() && !peer->second.closed);
        require(core_->reading(id) != session::Reading::kPaused);
        hang_up(id, true);
        if (peers_.contains(id)) {
            send(id, core_->outbound(id).bytes_left());
        }
        require(peers_.empty());
    }

    /// D1, a verdict, D2: queued whatever the limits are.
    static constexpr std::size_t kHandshakeWrites = 3;
    /// The rest of a frame that is partly written still counts as a whole.
    static constexpr std::size_t kFrameBytesMax = 1U << 18U;

    session::SessionConfig config_;
    std::size_t turn_units_ = 2000;
    std::unique_ptr<session::SessionCore> core_;
    SessionOutput out_;
    protocol::Instant now_{};
    std::map<SessionId, Peer> peers_;
    std::optional<SessionId> password_asked_;
    std::deque<membership::Submission> control_;
    std::deque<membership::Submission> ordinary_;
    bool held_ = true;  ///< clients' messages wait for the group layer's permission
    protocol::RingId ring_{.representative = kSelf, .nonce = 1, .counter = 100};
    protocol::RingId next_ring_ = ring_;
    std::uint64_t seq_ = 0;
    std::size_t inbound_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script(std::as_bytes(std::span(data, size)));
    Driver driver(script);
    driver.run(script);
    return 0;
}
