#include "tests/sim/client.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "client/codec/requests.hpp"
#include "protocol/session_wire.hpp"
#include "tests/sim/luck.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

using checker::ClientEnd;
using checker::ClientService;

/// A name that is still on its way out is refused; a program would try again.
constexpr std::uint32_t kRetriesMax = 100;
constexpr auto kRetryDelay = std::chrono::milliseconds(2);
constexpr std::size_t kFrameBufferBytes = 1024;
constexpr std::uint32_t kNoConnection = 0xffffffff;
/// Message numbers travel in the 16 bits of the application's message type.
constexpr std::size_t kMessagesMax = 0xffff;

/// Bodies are cut from here, at a place that the message's id chooses.
std::span<const std::byte> body_of(std::uint64_t id, std::size_t bytes) {
    static const std::vector<std::byte> kBlock = [] {
        std::vector<std::byte> block(std::size_t{256} << 10U);
        protocol::Rng rng(0xb0d1e5);
        for (std::size_t i = 0; i + 8 <= block.size(); i += 8) {
            const std::uint64_t word = rng.next();
            std::memcpy(&block[i], &word, sizeof word);
        }
        return block;
    }();
    return std::span(kBlock).subspan(mixed(id, 1) % (std::size_t{64} << 10U), bytes);
}

std::uint64_t message_id(ClientIndex client, std::uint16_t number) {
    return ((std::uint64_t{client} + 1) << 16U) | number;
}

std::uint32_t wire_service(ClientService service) {
    return 1U << static_cast<std::uint32_t>(service);
}

ClientService client_service(std::uint32_t type) {
    std::uint32_t bit = 0;
    while (bit < 5 && (type & (1U << bit)) == 0) {
        ++bit;
    }
    return static_cast<ClientService>(bit);
}

checker::Cause cause_of(std::uint32_t bits) {
    switch (bits) {
        case protocol::kCausedByJoin: return checker::Cause::kJoin;
        case protocol::kCausedByLeave: return checker::Cause::kLeave;
        case protocol::kCausedByDisconnect: return checker::Cause::kDisconnect;
        default: return checker::Cause::kNetwork;
    }
}

std::string group_name(std::uint16_t group) {
    return "g" + std::to_string(group + 1);
}

}  // namespace

Client::Client(Simulator& simulator, ClientIndex index, std::uint64_t luck)
    : simulator_(simulator), index_(index), rng_(stream(luck, "client", index)) {}

// Doing ---------------------------------------------------------------------------------------

void Client::connect(DaemonIndex daemon, bool wants_membership) {
    if (phase_ != Phase::kIdle || retry_posted_) {
        return;
    }
    daemon_ = daemon;
    wants_membership_ = wants_membership;
    retries_left_ = kRetriesMax;
    waiting_.clear();
    open_connection();
}

void Client::open_connection() {
    connection_ = simulator_.connect(index_, daemon_);
    if (!connection_) {
        waiting_.clear();
        return;
    }
    // Now and then a client whose packets are cut small.
    simulator_.connection(*connection_).chunk =
        rng_.chance(1, 4) ? static_cast<std::uint32_t>(1 + rng_.below(40)) : 0;
    phase_ = Phase::kAuthList;
    protocol::ConnectRequest request;
    request.flags = wants_membership_ ? 1 : 0;
    request.private_name = user();
    write(protocol::encode_connect(request));
}

void Client::write(std::vector<std::byte> bytes) {
    const auto message = protocol::make_message(bytes);
    simulator_.write_to_server(*connection_, message.slice(0));
}

void Client::request(const Step& step) {
    if (spoilt_) {
        return;
    }
    if (phase_ == Phase::kOpen) {
        carry_out(step);
    } else if (phase_ == Phase::kAuthList || phase_ == Phase::kVerdict ||
               phase_ == Phase::kAccept || retry_posted_) {
        waiting_.push_back(step);
    }
}

void Client::carry_out(const Step& step) {
    std::vector<std::byte> bytes;
    if (step.action == Action::kSend) {
        send(step);
        return;
    }
    const std::string group = group_name(step.groups.front());
    if (step.action == Action::kJoin) {
        static_cast<void>(client::append_join(bytes, self_, group));
        simulator_.groups().on_join(checked_, group);
    } else {
        static_cast<void>(client::append_leave(bytes, self_, group));
        simulator_.groups().on_leave(checked_, group);
    }
    write(in_own_order(std::move(bytes)));
}

/// Every fourth client runs on a big-endian machine.
std::vector<std::byte> Client::in_own_order(std::vector<std::byte> request) const {
    if (index_ % 4 != 3) {
        return request;
    }
    const auto head = std::span(request).first<protocol::kSessionHeaderBytes>();
    protocol::SessionHeader header = protocol::decode_session_header(head);
    header.order = protocol::ByteOrder::kBig;
    header.hint = protocol::make_hint(protocol::decode_hint(header.hint).mess_type, header.order);
    protocol::encode_session_header(header, head);
    return request;
}

std::vector<std::byte> Client::make_multicast(const Step& step, checker::Multicast& multicast) {
    std::vector<protocol::NameField> fields;
    for (const std::uint16_t group : step.groups) {
        multicast.destinations.push_back(group_name(group));
    }
    for (const ClientIndex other : step.privates) {
        const std::string& name = simulator_.client(other).private_name();
        if (!name.empty()) {
            multicast.destinations.push_back(name);
        }
    }
    for (const std::string& name : multicast.destinations) {
        fields.emplace_back(name);
    }
    if (fields.empty()) {
        return {};
    }
    const auto number = static_cast<std::uint16_t>(sizes_.size());
    multicast.message = message_id(index_, number);
    multicast.service = step.service;
    multicast.self_discard = step.flag;
    client::Multicast wire;
    wire.service = wire_service(step.service) | (step.flag ? protocol::kSelfDiscard : 0);
    wire.mess_type = static_cast<std::int16_t>(number);
    wire.groups = fields;
    wire.body = body_of(multicast.message, step.bytes);
    std::vector<std::byte> bytes;
    if (!client::append_multicast(bytes, self_, wire)) {
        return {};
    }
    return in_own_order(std::move(bytes));
}

void Client::send(const Step& step) {
    for (std::int64_t i = 0; i < step.value && sizes_.size() < kMessagesMax; ++i) {
        checker::Multicast multicast;
        std::vector<std::byte> bytes = make_multicast(step, multicast);
        if (bytes.empty()) {
            return;
        }
        sizes_.push_back(step.bytes);
        simulator_.groups().on_send(checked_, multicast);
        simulator_.note_sent();
        write(std::move(bytes));
    }
}

void Client::disconnect() {
    if (phase_ == Phase::kOpen && !spoilt_) {
        std::vector<std::byte> bytes;
        client::append_kill(bytes, self_);
        write(in_own_order(std::move(bytes)));
        goodbyes_.insert(private_name_);
    }
    abort(0);
}

bool Client::said_goodbye(std::string_view private_name) const {
    return goodbyes_.contains(private_name);
}

void Client::abort(std::size_t bytes) {
    if (phase_ == Phase::kOpen && bytes > 0 && !spoilt_) {
        Step step;
        step.groups = {0};
        step.bytes = 300;
        checker::Multicast multicast;
        std::vector<std::byte> frame = make_multicast(step, multicast);
        // Always short of the whole: nobody may get this.
        frame.resize(std::min(bytes, frame.size() - 1));
        write(std::move(frame));
    }
    waiting_.clear();
    if (!connection_) {
        return;
    }
    simulator_.close_by_client(*connection_);
    leave_phase(ClientEnd::kAsked);
}

void Client::stall(bool on) {
    stalled_ = on;
    if (!on && connection_) {
        simulator_.wake_client(*connection_);
    }
}

void Client::garbage(std::size_t bytes) {
    if (!connection_) {
        return;
    }
    std::vector<std::byte> noise(std::max<std::size_t>(bytes, 1));
    for (std::byte& each : noise) {
        each = static_cast<std::byte>(rng_.below(256));
    }
    // Both endian bits wrong, so that no luck makes it a request.
    noise.front() = std::byte{0x80};
    if (noise.size() > 3) {
        noise[3] = std::byte{0};
    }
    write(std::move(noise));
    waiting_.clear();
    if (phase_ == Phase::kOpen) {
        spoilt_ = true;  // whatever else it wrote would be taken for the rest of the noise
    } else {
        phase_ = Phase::kDeaf;
    }
}

// Seeing --------------------------------------------------------------------------------------

void Client::turn(std::uint32_t connection) {
    if (retry_posted_ && !connection_) {
        retry_posted_ = false;
        open_connection();
        return;
    }
    if (connection_ != connection || stalled_) {
        return;
    }
    while (connection_ == connection) {
        auto message = simulator_.read_from_server(connection);
        if (!message) {
            break;
        }
        on_bytes(*message);
    }
    if (connection_ == connection && simulator_.connection(connection).has_ended_for_client()) {
        on_closed();
    }
}

void Client::on_bytes(const protocol::Message& message) {
    const auto bytes = message.contiguous(scratch_);
    if (phase_ != Phase::kOpen && phase_ != Phase::kDeaf) {
        on_handshake(bytes);
        return;
    }
    if (phase_ != Phase::kOpen) {
        return;
    }
    frames_.append(bytes);
    while (phase_ == Phase::kOpen) {
        const auto frame = frames_.next();
        if (!frame) {
            simulator_.fail({"W1", user() + " got a frame whose counts no daemon sends", {}});
            return;
        }
        if (!*frame) {
            return;
        }
        on_frame(**frame);
    }
}

/// Now and then with a wrong password.
void Client::choose_method() {
    const bool proves = simulator_.scenario().tunables.password_us != 0;
    const std::array<std::string, 1> methods{proves ? "PWORD" : "NULL"};
    const auto choice = protocol::encode_auth_choice(methods);
    std::vector<std::byte> bytes(choice.begin(), choice.end());
    if (proves) {
        const auto proof = protocol::encode_password_proof(
            user(), rng_.below(8) == 0 ? "wrong" : std::string(kRightPassword));
        bytes.insert(bytes.end(), proof.begin(), proof.end());
    }
    phase_ = proves ? Phase::kVerdict : Phase::kAccept;
    write(std::move(bytes));
}

void Client::on_handshake(std::span<const std::byte> bytes) {
    if (static_cast<std::int8_t>(bytes.front()) < 0) {
        const bool again =
            static_cast<protocol::RejectCode>(bytes.front()) == protocol::RejectCode::kNotUnique &&
            retries_left_ > 0;
        simulator_.close_by_client(*connection_);
        phase_ = Phase::kIdle;
        connection_.reset();
        if (again) {
            --retries_left_;
            retry_posted_ = true;
            simulator_.post(kRetryDelay, EventKind::kClientTurn, index_, kNoConnection);
        } else {
            waiting_.clear();
        }
        return;
    }
    if (phase_ == Phase::kAuthList) {
        choose_method();
        return;
    }
    if (phase_ == Phase::kVerdict) {
        phase_ = Phase::kAccept;  // or a reject byte comes
        return;
    }
    const auto accepted = protocol::decode_accept(protocol::kPresentedVersion, bytes);
    if (!accepted || !*accepted) {
        simulator_.fail({"W1", user() + " got an acceptance it cannot read", {}});
        return;
    }
    private_name_ = (*accepted)->private_group;
    self_ = protocol::NameField(private_name_);
    phase_ = Phase::kOpen;
    goodbyes_.erase(private_name_);
    frames_ = client::FrameBuffer(kFrameBufferBytes);
    views_.clear();
    checked_ = simulator_.groups().on_connect(private_name_, wants_membership_);
    simulator_.trace(TraceLevel::kStates, daemon_, '+',
                     [&] { return private_name_ + " connected"; });
    std::vector<Step> waiting;
    waiting.swap(waiting_);
    for (const Step& step : waiting) {
        request(step);
    }
}

void Client::on_frame(const client::MessageView& frame) {
    simulator_.digest(mixed(index_, frame.type));
    if (frame.is_regular()) {
        on_regular(frame);
    } else if (frame.is_self_leave()) {
        const std::string group(frame.sender());
        views_.erase(group);
        simulator_.trace(TraceLevel::kStates, daemon_, '<',
                         [&] { return private_name_ + " left " + group; });
        simulator_.groups().on_self_leave(checked_, group);
    } else if (frame.is_membership()) {
        on_membership(frame);
    } else {
        simulator_.fail({"W1", user() + " got a frame of unknown type", {}});
    }
}

void Client::on_regular(const client::MessageView& frame) {
    const std::string_view sender = frame.sender();
    const auto number = static_cast<std::uint16_t>(frame.hint().mess_type);
    checker::Multicast multicast;
    multicast.service = client_service(frame.type);
    for (std::size_t i = 0; i < frame.group_count(); ++i) {
        multicast.destinations.push_back(frame.group(i).string());
    }
    const std::optional<ClientIndex> from = simulator_.client_named(sender);
    if (!from || !simulator_.client(*from).sent_this(number, frame.body)) {
        simulator_.fail({"P1",
                         private_name_ + " got " + std::to_string(frame.body.size()) +
                             " bytes, number " + std::to_string(number) + " of " +
                             std::string(sender) + ", who did not send them",
                         {}});
        return;
    }
    multicast.message = message_id(*from, number);
    simulator_.digest(multicast.message);
    simulator_.note_received();
    simulator_.trace(TraceLevel::kPackets, daemon_, '<', [&] {
        return private_name_ + " got m" + std::to_string(*from + 1) + "." + std::to_string(number);
    });
    simulator_.groups().on_message(checked_, sender, multicast);
}

void Client::on_membership(const client::MessageView& frame) {
    auto membership = client::decode_membership(frame);
    if (!membership) {
        simulator_.fail({"W1", private_name_ + ": " + membership.error().text, {}});
        return;
    }
    const protocol::GroupId id{membership->id.proc_id, membership->id.time, membership->id.index};
    simulator_.digest(
        mixed(static_cast<std::uint64_t>(id.time), static_cast<std::uint64_t>(id.index)));
    const auto id_text = [&] {
        return "(d" + std::to_string(id.proc_id) + "," + std::to_string(id.time) + "," +
               std::to_string(id.index) + ")";
    };
    if (frame.is_transitional()) {
        simulator_.trace(TraceLevel::kStates, daemon_, '<', [&] {
            return private_name_ + " T " + membership->group + " " + id_text();
        });
        simulator_.groups().on_transitional(checked_, membership->group, id);
        return;
    }
    checker::View view;
    view.group = std::move(membership->group);
    view.id = id;
    view.cause = cause_of(membership->cause);
    view.members = std::move(membership->members);
    // As libraries compute it: the wire does not carry it.
    const auto own = std::find(view.members.begin(), view.members.end(), private_name_);
    view.own_index = own == view.members.end() ? -1 : own - view.members.begin();
    view.sets = std::move(membership->vs_sets);
    view.own_set = membership->own_vs_set;
    simulator_.trace(TraceLevel::kStates, daemon_, '<', [&] {
        std::string line = private_name_ + " view " + view.group + " " + id_text() + " {";
        for (const std::string& member : view.members) {
            line += " " + member;
        }
        return line + " }";
    });
    if (view.members.size() >= 2000) {
        simulator_.note_reached(Goal::kLargeGroup);
    }
    if (view.id.index < 0) {
        simulator_.note_reached(Goal::kIndexPasses31Bits);
    }
    simulator_.groups().on_view(checked_, view);
    views_[view.group] = std::move(view.members);
}

void Client::on_closed() {
    const Connection& connection = simulator_.connection(*connection_);
    const bool daemon_lives = simulator_.accepted_by_living(connection);
    const bool is_at_fault = spoilt_ || connection.read_too_slowly;
    simulator_.close_by_client(*connection_);
    leave_phase(!daemon_lives ? ClientEnd::kDaemonLost
                : is_at_fault ? ClientEnd::kAtFault
                              : ClientEnd::kDropped);
}

void Client::leave_phase(ClientEnd end) {
    if (phase_ == Phase::kOpen) {
        simulator_.groups().on_end(checked_, end);
        simulator_.digest(mixed(index_, static_cast<std::uint64_t>(end)));
        simulator_.trace(TraceLevel::kStates, daemon_, '-', [&] {
            return private_name_ + (end == ClientEnd::kAsked        ? " went"
                                    : end == ClientEnd::kDaemonLost ? " lost its daemon"
                                                                    : " was dropped");
        });
    }
    phase_ = Phase::kIdle;
    spoilt_ = false;
    connection_.reset();
    views_.clear();
    waiting_.clear();
}

bool Client::is_quiet() const {
    if (retry_posted_ || !waiting_.empty()) {
        return false;
    }
    if (!connection_) {
        return true;
    }
    const Connection& connection = simulator_.connection(*connection_);
    return (phase_ == Phase::kOpen || phase_ == Phase::kDeaf) && connection.to_server.empty() &&
           (stalled_ || !connection.client_has_news());
}

const std::vector<std::string>* Client::view_of(const std::string& group) const {
    const auto found = views_.find(group);
    return found == views_.end() ? nullptr : &found->second;
}

bool Client::sent_this(std::uint16_t number, std::span<const std::byte> body) const {
    if (number >= sizes_.size() || sizes_[number] != body.size()) {
        return false;
    }
    const auto sent = body_of(message_id(index_, number), body.size());
    return std::equal(sent.begin(), sent.end(), body.begin());
}

}  // namespace spread::sim
