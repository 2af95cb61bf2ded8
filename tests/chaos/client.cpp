#include "tests/chaos/client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "client/codec/requests.hpp"
#include "protocol/session_wire.hpp"

namespace spread::chaos {
namespace {

using checker::ClientEnd;
using checker::ClientService;
using std::chrono::milliseconds;

constexpr auto kConnectTimeout = std::chrono::seconds(5);
constexpr auto kPauseMax = milliseconds(1000);
/// A client whose daemon takes nothing says nothing more.
constexpr std::size_t kUnsentMax = 128 * 1024;
constexpr int kReadsPerTurn = 8;
constexpr std::size_t kUserMax = 10;

std::uint32_t wire_service(ClientService service) {
    return 1U << static_cast<std::uint32_t>(service);
}

std::optional<ClientService> client_service(std::uint32_t type) {
    for (std::uint32_t bit = 0; bit < 6; ++bit) {
        if ((type & protocol::kRegularMess) == 1U << bit) {
            return static_cast<ClientService>(bit);
        }
    }
    return std::nullopt;
}

std::optional<checker::Cause> cause_of(std::uint32_t bits) {
    switch (bits) {
        case protocol::kCausedByJoin: return checker::Cause::kJoin;
        case protocol::kCausedByLeave: return checker::Cause::kLeave;
        case protocol::kCausedByDisconnect: return checker::Cause::kDisconnect;
        case protocol::kCausedByNetwork: return checker::Cause::kNetwork;
        default: return std::nullopt;
    }
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : " ") + name;
    }
    return text;
}

std::string text_of(const protocol::GroupId& id) {
    return "(" + std::to_string(id.proc_id) + "," + std::to_string(id.time) + "," +
           std::to_string(id.index) + ")";
}

}  // namespace

Client::Client(Stage& stage, std::size_t slot, std::size_t daemon, std::uint64_t seed)
    : stage_(stage), slot_(slot), daemon_(daemon), rng_(seed), workload_(rng_.next()) {}

// Connecting ----------------------------------------------------------------------------------

void Client::tick(Clock::time_point now) {
    if (session_) {
        act(now);
    } else {
        try_to_connect(now);
    }
}

void Client::try_to_connect(Clock::time_point now) {
    if (!connector_) {
        if (now < connect_at_ || !stage_.cluster.serves(daemon_)) {
            return;
        }
        // Half of the time the same name again, as soon as the daemon lets us.
        if (user_.empty() || rng_.chance(1, 2)) {
            user_ = "c" + std::to_string(slot_ + 1) + "_" + std::to_string(next_user_++);
            user_.resize(std::min(user_.size(), kUserMax));
        }
        wants_membership_ = !rng_.chance(1, 6);
        daemon_life_ = stage_.cluster.life(daemon_);
        client::ConnectOptions options;
        options.private_name = user_;
        options.wants_membership = wants_membership_;
        options.timeout = kConnectTimeout;
        is_by_library_ = !stage_.library.empty() && rng_.chance(1, 3);
        const bool is_local = rng_.chance(2, 3);
        options.address =
            is_local ? stage_.cluster.unix_address(daemon_) : stage_.cluster.tcp_address(daemon_);
        connector_ = std::make_unique<Connector>(
            std::move(options), is_local ? -1 : stage_.cluster.namespace_of(daemon_),
            is_by_library_ ? stage_.library : std::string());
        return;
    }
    auto outcome = connector_->poll();
    if (!outcome) {
        return;
    }
    connector_.reset();
    if (!*outcome) {
        ++stage_.counters.refusals;
        stage_.journal.note(user_, "cannot connect: " + outcome->error().text);
        connect_at_ = now + milliseconds(20 + rng_.below(200));
        return;
    }
    open(std::move(**outcome));
}

void Client::open(client::Connection connection) {
    private_name_ = connection.private_group.string();
    session_.emplace(std::move(connection));
    is_broken_ = false;
    stalled_until_.reset();
    common_view_.clear();
    last_from_.clear();
    stage_.names[slot_] = private_name_;
    ++stage_.counters.connections;
    stage_.counters.by_library += is_by_library_ ? 1 : 0;
    stage_.journal.note(private_name_,
                        std::string(wants_membership_ ? "connected" : "connected, data only") +
                            (is_by_library_ ? ", by a library" : ""));
    checked_ = stage_.checker.on_connect(private_name_, wants_membership_);
    join(kCommonGroup);
    flush();
}

// Doing ---------------------------------------------------------------------------------------

void Client::act(Clock::time_point now) {
    constexpr int kActsPerTurn = 20;
    if (stalled_until_ && (now >= *stalled_until_ || stage_.is_calm)) {
        stalled_until_.reset();
    }
    for (int i = 0; i < kActsPerTurn && session_ && !is_broken_ && !stage_.is_silent; ++i) {
        if (session_->unsent() > kUnsentMax) {
            break;
        }
        const Act act = workload_.next(now, stage_.names, stage_.is_calm);
        if (act.kind == Act::Kind::kNothing) {
            break;
        }
        carry_out(act, now);
    }
    if (session_ && !is_broken_) {
        flush();
    }
}

void Client::carry_out(const Act& act, Clock::time_point now) {
    switch (act.kind) {
        case Act::Kind::kNothing: break;
        case Act::Kind::kSend: static_cast<void>(send(act)); break;
        case Act::Kind::kJoin: join(act.groups.front()); break;
        case Act::Kind::kLeave: leave(act.groups.front()); break;
        case Act::Kind::kStall:
            stalled_until_ = now + act.stall;
            stage_.journal.note(private_name_, "stops reading");
            break;
        case Act::Kind::kDisconnect:
            session_->disconnect();
            end(ClientEnd::kAsked, "disconnected");
            break;
        case Act::Kind::kClose: end(ClientEnd::kAsked, "closed without a word"); break;
        case Act::Kind::kCloseInAMessage: close_with_half_a_message(); break;
    }
}

void Client::join(const std::string& group) {
    if (session_->join(group)) {
        stage_.journal.note(private_name_, "joins " + group);
        stage_.checker.on_join(checked_, group);
    }
}

void Client::leave(const std::string& group) {
    if (session_->leave(group)) {
        stage_.journal.note(private_name_, "leaves " + group);
        stage_.checker.on_leave(checked_, group);
    }
}

std::uint64_t Client::send(const Act& act) {
    checker::Multicast multicast;
    multicast.destinations = act.groups;
    multicast.service = act.service;
    multicast.self_discard = act.self_discard;
    std::vector<protocol::NameField> fields;
    for (const std::string& group : act.groups) {
        fields.emplace_back(group);
    }
    const auto draft = stage_.book.write(private_name_, act.bytes);
    multicast.message = draft.id;
    client::Multicast wire;
    wire.service = wire_service(act.service) | (act.self_discard ? protocol::kSelfDiscard : 0);
    wire.mess_type = draft.mess_type;
    wire.groups = fields;
    wire.body = draft.body;
    if (const auto sent = session_->multicast(wire); !sent) {
        stage_.fail({"W2", private_name_ + " cannot send: " + sent.error().text, {}});
        return 0;
    }
    ++stage_.counters.sent;
    stage_.journal.note(private_name_, "sends m" + std::to_string(draft.id) + " service " +
                                           std::to_string(static_cast<int>(act.service)) +
                                           (act.self_discard ? " not to itself" : "") + " to " +
                                           joined(act.groups) + ", " +
                                           std::to_string(draft.body.size()) + " bytes");
    stage_.checker.on_send(checked_, multicast);
    return draft.id;
}

std::uint64_t Client::send_marker() {
    Act act;
    act.groups = {kCommonGroup};
    act.bytes = sizeof(std::uint64_t);
    const auto id = send(act);
    flush();
    return id;
}

std::uint64_t Client::last_from(const std::string& sender) const {
    const auto found = last_from_.find(sender);
    return found == last_from_.end() ? 0 : found->second;
}

void Client::close_with_half_a_message() {
    // Always short of the whole: nobody may get it, and the book does not know it.
    const std::array<std::byte, 300> body{};
    const std::array<protocol::NameField, 1> groups{protocol::NameField(kCommonGroup)};
    client::Multicast multicast;
    multicast.service = protocol::kAgreedMess;
    multicast.groups = groups;
    multicast.body = body;
    client::Bytes frame;
    flush();
    if (session_ && !is_broken_ && session_->unsent() == 0 &&
        client::append_multicast(frame, protocol::NameField(private_name_), multicast)) {
        frame.resize(1 + rng_.below(frame.size() - 1));
        static_cast<void>(client::write_some(session_->descriptor(), frame));
    }
    if (session_) {
        end(ClientEnd::kAsked, "closed within a message");
    }
}

void Client::flush() {
    if (!session_->flush()) {
        is_broken_ = true;
    }
}

// Seeing --------------------------------------------------------------------------------------

int Client::descriptor() const {
    return session_ && !stalled_until_ ? session_->descriptor() : -1;
}

short Client::wanted_events() const {
    return static_cast<short>(POLLIN | (is_open() && session_->unsent() > 0 ? POLLOUT : 0));
}

void Client::on_ready() {
    if (!session_ || stalled_until_) {
        return;
    }
    if (!is_broken_) {
        flush();
    }
    for (int i = 0; i < kReadsPerTurn; ++i) {
        const auto count =
            session_->receive([this](const client::MessageView& frame) { on_message(frame); });
        if (!count) {
            if (count.error().code == client::ErrorCode::kIllegalMessage) {
                stage_.fail({"W1", private_name_ + ": " + count.error().text, {}});
            }
            on_closed(count.error().text);
            return;
        }
        if (*count == 0) {
            return;
        }
    }
}

void Client::on_message(const client::MessageView& frame) {
    if (frame.is_regular()) {
        on_regular(frame);
    } else if (frame.is_self_leave()) {
        const std::string group(frame.sender());
        stage_.journal.note(private_name_, "has left " + group);
        stage_.checker.on_self_leave(checked_, group);
    } else if (frame.is_regular_membership() || frame.is_transitional()) {
        on_membership(frame);
    } else {
        stage_.fail({"W1", private_name_ + " got a message of unknown type", {}});
    }
}

void Client::on_regular(const client::MessageView& frame) {
    const std::string sender(frame.sender());
    const auto service = client_service(frame.type);
    const auto id = stage_.book.find(sender, frame.hint().mess_type, frame.body);
    if (!service || !id) {
        stage_.fail({"P1",
                     private_name_ + " got " + std::to_string(frame.body.size()) + " bytes from " +
                         sender + " that were not sent like this",
                     {}});
        return;
    }
    checker::Multicast multicast;
    multicast.message = *id;
    multicast.service = *service;
    for (std::size_t i = 0; i < frame.group_count(); ++i) {
        multicast.destinations.push_back(frame.group(i).string());
    }
    ++stage_.counters.received;
    last_from_[sender] = *id;
    stage_.journal.note(private_name_, "gets m" + std::to_string(*id) + " of " + sender);
    if (stage_.sabotaged != 0 && stage_.counters.received >= stage_.sabotaged &&
        wants_membership_ && multicast.destinations.front() == kCommonGroup) {
        stage_.sabotaged = 0;
        return;
    }
    stage_.checker.on_message(checked_, sender, multicast);
}

void Client::on_membership(const client::MessageView& frame) {
    auto membership = client::decode_membership(frame);
    if (!membership) {
        stage_.fail({"W1", private_name_ + ": " + membership.error().text, {}});
        return;
    }
    const protocol::GroupId id{membership->id.proc_id, membership->id.time, membership->id.index};
    if (frame.is_transitional()) {
        ++stage_.counters.signals;
        stage_.journal.note(private_name_,
                            "gets the signal for " + membership->group + " " + text_of(id));
        stage_.checker.on_transitional(checked_, membership->group, id);
        return;
    }
    const auto cause = cause_of(membership->cause);
    if (!cause) {
        stage_.fail(
            {"W1", private_name_ + " got a view of " + membership->group + " without a cause", {}});
        return;
    }
    checker::View view;
    view.group = std::move(membership->group);
    view.id = id;
    view.cause = *cause;
    view.members = std::move(membership->members);
    // As libraries compute it: the wire does not carry it.
    const auto own = std::ranges::find(view.members, private_name_);
    view.own_index = own == view.members.end() ? -1 : own - view.members.begin();
    view.sets = std::move(membership->vs_sets);
    view.own_set = membership->own_vs_set;
    ++stage_.counters.views;
    std::string line = "gets view " + view.group + " " + text_of(id) + " cause " +
                       std::to_string(static_cast<int>(*cause)) + " {" + joined(view.members) + "}";
    for (const auto& set : view.sets) {
        line += " [" + joined(set) + "]";
    }
    stage_.journal.note(private_name_, std::move(line));
    if (*cause == checker::Cause::kNetwork) {
        ++stage_.counters.network_views;
    }
    stage_.checker.on_view(checked_, view);
    if (view.group == kCommonGroup) {
        common_view_ = std::move(view.members);
    }
}

void Client::on_closed(const std::string& why) {
    if (stage_.cluster.is_lost(daemon_, daemon_life_)) {
        end(ClientEnd::kDaemonLost, "lost its daemon: " + why);
    } else {
        // Whether it read fast enough is not known here: the kernel's buffers are in between.
        end(ClientEnd::kAtFault, "was dropped: " + why);
    }
}

void Client::end(ClientEnd reason, const std::string& why) {
    switch (reason) {
        case ClientEnd::kAsked: ++stage_.counters.closed; break;
        case ClientEnd::kAtFault:
        case ClientEnd::kDropped: ++stage_.counters.dropped; break;
        case ClientEnd::kDaemonLost: ++stage_.counters.lost; break;
    }
    stage_.journal.note(private_name_, why);
    stage_.checker.on_end(checked_, reason);
    session_.reset();
    stalled_until_.reset();
    connect_at_ = Clock::now() + (rng_.chance(1, 3) ? milliseconds(0)
                                                    : milliseconds(rng_.below(kPauseMax.count())));
}

}  // namespace spread::chaos
