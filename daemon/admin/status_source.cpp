#include "daemon/admin/status_source.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "config/identity.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "daemon/admin/ring_warnings.hpp"
#include "daemon/clients/tls_files.hpp"
#include "daemon/commit.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/keys_on_ring.hpp"
#include "daemon/options.hpp"
#include "daemon/ring/roster_of.hpp"
#include "daemon/ring/state_keeper.hpp"
#include "daemon/session/key_messages.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::admin {
namespace {

using daemon::SessionServer;
using membership::Arrival;
using protocol::Instant;
using std::chrono::milliseconds;

constexpr auto kAnswerTimeout = std::chrono::seconds(1);
/// Facts of a ring with timers are renewed several times a second.
constexpr auto kStuckAfter = std::chrono::seconds(5);
constexpr auto kSamplePause = std::chrono::seconds(1);
constexpr std::size_t kSecondsKept = 600;
/// Shorter than the time after which a page renews itself.
constexpr auto kBusiestPause = std::chrono::milliseconds(800);
constexpr std::size_t kBusiestGroups = 10;
/// Groups that are looked at between two turns of the session thread: a fraction of a millisecond.
constexpr std::size_t kGroupsInATurn = 2000;
constexpr std::size_t kRateSamples = 6;  // rates are those of five seconds
// Losses are rare: what is said of them is about the last minute.
constexpr std::size_t kSecondsPerLook = 10;
constexpr std::size_t kLooks = 7;

std::string_view word_of(membership::RingState state) {
    switch (state) {
        case membership::RingState::kOperational: return "operational";
        case membership::RingState::kGather: return "gather";
        case membership::RingState::kCommit: return "commit";
        case membership::RingState::kRecovery: return "recovery";
    }
    return "";
}

std::optional<milliseconds> age(Instant now, Instant at) {
    if (at == Instant::min()) {
        return std::nullopt;
    }
    return std::chrono::duration_cast<milliseconds>(std::max(now - at, protocol::Duration::zero()));
}

using Received = membership::ReceivedFrom::Count;

void fill_received(PeerStatus& peer, const Received& now, const Received& then) {
    peer.packets = now.packets;
    peer.lost = now.lost;
    if (now.packets > then.packets) {
        peer.lost_share = static_cast<double>(now.lost - then.lost) /
                          static_cast<double>(now.packets - then.packets);
    }
}

/// To this daemon.
bool sends_by_group(const StatusParts& parts, const config::Daemon& daemon) {
    return daemon.segment == parts.configuration.daemons[parts.self].segment &&
           !parts.configuration.segments[daemon.segment].addresses.empty();
}

std::size_t row_of(std::string_view name) {
    const auto found = std::find_if(protocol::kRingCounters.begin(), protocol::kRingCounters.end(),
                                    [name](const auto& row) { return row.name == name; });
    return static_cast<std::size_t>(found - protocol::kRingCounters.begin());
}

WallTime wall_time_of(Instant at, Instant now, WallTime wall) {
    return wall - std::chrono::duration_cast<WallTime::duration>(now - at);
}

SessionsStatus look_at_sessions(const SessionServer::Inside& inside) {
    SessionsStatus out;
    const Instant now = daemon::now();
    const WallTime wall = std::chrono::system_clock::now();
    for (const session::SessionInfo& info : inside.core.sessions()) {
        ++out.connected;
        out.queue_bytes_max = std::max(out.queue_bytes_max, info.bytes_queued);
        if (info.is_slow && !info.is_ending) {
            out.slow_clients.push_back({info.private_name, wall_time_of(info.slow_since, now, wall),
                                        info.messages_queued, info.bytes_queued});
        }
        out.slow += info.is_slow ? 1 : 0;
    }
    std::ranges::stable_sort(out.slow_clients, std::less(), &SlowClient::since);
    out.slow_clients.resize(std::min(out.slow_clients.size(), SessionsStatus::kSlowNamed));
    out.queue_bytes = inside.core.queued().bytes;
    const membership::GroupEngine& groups = inside.core.groups();
    out.groups = static_cast<std::size_t>(groups.stats().groups);
    out.memberships = groups.memberships();
    out.groups_are_settled = groups.phase() == membership::GroupPhase::kStable;
    out.totals = inside.totals;
    out.traffic = inside.core.traffic();
    out.submit_queue_messages = inside.ring.messages_left() + inside.ring.ahead_left();
    out.delivery_queue_bytes = inside.ring.bytes_waiting();
    const auto tls = protocol::values_of(inside.tls);
    for (std::size_t i = 0; i < tls.size(); ++i) {
        out.tls_counters.emplace_back(protocol::kTlsCounters[i], tls[i]);
    }
    return out;
}

std::vector<ChangedOption> changed_options(const config::Configuration& configuration) {
    std::vector<ChangedOption> out;
    for (const config::OptionSpec& spec : config::all_options()) {
        const auto value = config::value_text(spec, configuration);
        const auto usual = config::value_text(spec, config::Configuration{});
        if (value != usual) {
            const auto at = configuration.position_of(spec.name);
            out.push_back({std::string(spec.name), value.value_or(""), usual.value_or(""),
                           at ? static_cast<int>(at->line) : 0});
        }
    }
    return out;
}

ClientStatus client_of(const session::SessionInfo& info, const SessionServer::Inside& inside,
                       Instant now, WallTime wall) {
    ClientStatus out;
    out.name = info.private_name;
    out.address = info.peer;
    out.login = info.login;
    out.tls = info.tls;
    out.certificate = info.certificate;
    out.library =
        fmt::format("{}.{}.{}", info.library.major, info.library.minor, info.library.patch);
    out.since = wall_time_of(info.accepted_at, now, wall);
    if (info.is_slow) {
        out.slow_since = wall_time_of(info.slow_since, now, wall);
    }
    out.groups = info.groups;
    out.messages_in = info.messages_in;
    out.messages_out = info.messages_out - info.messages_queued;
    out.queue_messages = info.messages_queued;
    out.queue_bytes = info.bytes_queued;
    out.state = info.private_name.empty() ? "handshake"
                : info.is_ending          ? "ending"
                : info.is_slow            ? "slow"
                                          : "open";
    ucred peer{};
    socklen_t size = sizeof peer;
    const daemon::ClientSocket* socket = inside.sockets.find(info.id);
    if (socket != nullptr && info.peer == "unix" &&
        ::getsockopt(socket->fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        out.process = peer.pid;
        out.user = peer.uid;
    }
    if (int waiting = 0; socket != nullptr && ::ioctl(socket->fd(), SIOCOUTQ, &waiting) == 0) {
        out.socket_bytes = static_cast<std::size_t>(std::max(waiting, 0));
    }
    return out;
}

}  // namespace

StatusSource::StatusSource(boost::asio::io_context& io, const StatusParts& parts)
    : io_(io),
      parts_(parts),
      roster_(daemon::roster_of(parts.configuration)),
      told_(roster_.size()),
      sample_timer_(io) {}

void StatusSource::start() {
    busiest_at_ = daemon::now();
    take_sample();
}

void StatusSource::stop() {
    sample_timer_.cancel();
}

void StatusSource::take_sample() {
    if (!samples_.empty()) {
        const auto now = parts_.ring.counters();
        const Sample& last = samples_.back();
        const double seconds =
            std::max(std::chrono::duration<double>(daemon::now() - last.at).count(), 0.1);
        const auto rate = [&](std::string_view name) {
            return static_cast<double>(now[row_of(name)] - last.counters[row_of(name)]) / seconds;
        };
        seconds_.push_back({rate("messages_delivered"), rate("packets_retransmitted"),
                            static_cast<double>(now[row_of("rotation_time")]) / 1e6,
                            static_cast<double>(now[row_of("send_queue_messages")])});
        if (seconds_.size() > kSecondsKept) {
            seconds_.pop_front();
        }
    }
    const auto facts = parts_.ring.facts();
    samples_.push_back({daemon::now(), parts_.ring.counters(),
                        facts == nullptr ? membership::RotationTimes() : facts->rotations});
    if (samples_.size() > kRateSamples) {
        samples_.pop_front();
    }
    if (facts != nullptr && samples_taken_++ % kSecondsPerLook == 0) {
        received_.push_back(facts->received_from);
        if (received_.size() > kLooks) {
            received_.pop_front();
        }
    }
    sample_timer_.expires_after(kSamplePause);
    sample_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            take_sample();
        }
    });
}

/// Of the oldest sample and now.
Rates StatusSource::rates() const {
    if (samples_.empty()) {
        return {};
    }
    const auto now = parts_.ring.counters();
    const Sample& then = samples_.front();
    const double seconds =
        std::max(std::chrono::duration<double>(daemon::now() - then.at).count(), 0.1);
    const auto rate = [&](std::string_view name) {
        const std::size_t row = row_of(name);
        return static_cast<double>(now[row] - then.counters[row]) / seconds;
    };
    return {rate("messages_submitted"), rate("messages_delivered"), rate("packets_sent"),
            rate("packets_retransmitted")};
}

void StatusSource::fill_ring(Status& status) const {
    RingStatus& ring = status.ring;
    ring.configured = roster_.size();
    ring.token_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::nanoseconds(parts_.ring.counters()[row_of("loss_timeout")]));
    ring.changes_last_hour =
        parts_.history.count("ring_changed", status.at - std::chrono::hours(1));
    const auto facts = parts_.ring.facts();
    ring.state = facts == nullptr ? "starting" : word_of(facts->state);
    const Instant now = daemon::now();
    for (protocol::DaemonIndex i = 0; i < roster_.size(); ++i) {
        const config::Daemon& daemon = parts_.configuration.daemons[i];
        PeerStatus peer;
        peer.name = daemon.name;
        const auto address = spread::daemon::RingFacts::address_of(facts.get(), daemon, i);
        peer.address = address ? address->to_string() : daemon.host;
        peer.port = parts_.configuration.segments[daemon.segment].port;
        peer.segment = daemon.segment;
        peer.is_self = i == parts_.self;
        peer.told = told_[i];
        peer.by_group = sends_by_group(parts_, daemon) && !peer.is_self;
        ring.unknown += address || peer.is_self ? 0 : 1;
        if (facts != nullptr) {
            peer.is_member = std::find(facts->members.begin(), facts->members.end(),
                                       roster_.id(i)) != facts->members.end();
            fill_received(peer, facts->received_from.of(i),
                          received_.empty() ? Received() : received_.front().of(i));
            peer.data_age = age(now, facts->last_heard.at(i, Arrival::kUnicast));
            peer.group_age = age(now, facts->last_heard.at(i, Arrival::kGroup));
            peer.token_age = age(now, facts->last_heard.at(i, Arrival::kToken));
        }
        status.peers.push_back(std::move(peer));
    }
    if (facts == nullptr) {
        return;
    }
    // A ring of one has no timers: nothing happens there until a client wants something.
    const bool has_timers =
        facts->members.size() > 1 || facts->state != membership::RingState::kOperational;
    ring.is_stuck = has_timers && now - facts->at > kStuckAfter;
    ring.facts_age = has_timers ? age(now, facts->at).value_or(milliseconds()) : milliseconds();
    for (const protocol::DaemonId daemon : facts->cut_off) {
        ring.cut_off.push_back(roster_.describe(daemon));
    }
    ring.settings_sum = facts->settings_sum;
    ring.rotations = facts->rotations;
    const membership::RotationTimes lately =
        samples_.empty() ? facts->rotations : facts->rotations.since(samples_.front().rotations);
    ring.rotation_p50 = lately.quantile(0.5);
    ring.rotation_p99 = lately.quantile(0.99);
    ring.personal_window = facts->personal_window;
    ring.accelerated_window = facts->accelerated_window;
    ring.representative_id = facts->ring.representative.value;
    ring.counter = facts->ring.counter;
    ring.representative = roster_.describe(facts->ring.representative);
    for (const protocol::DaemonId member : facts->members) {
        ring.members.push_back(roster_.describe(member));
    }
    fill_missing(ring);
    fill_warnings(status, *facts, roster_, now);
}

void StatusSource::fill_missing(RingStatus& ring) const {
    const auto without_group = parts_.watch.without_group();
    ring.without_multicast = without_group.daemons;
    ring.multicast_advice = without_group.text;
    if (const auto membership = parts_.watch.membership()) {
        ring.since = membership->installed_at;
        ring.took = membership->took;
        ring.formations = membership->formations;
        for (const RingWatch::Missing& each : membership->missing) {
            ring.missing.push_back({roster_.describe(each.absence.daemon),
                                    std::string(membership::to_string(each.absence.cause)),
                                    each.text, each.since});
        }
    }
}

Status StatusSource::without_sessions() const {
    const config::Configuration& configuration = parts_.configuration;
    const config::Daemon& me = configuration.daemons[parts_.self];
    Status out;
    out.name = me.name;
    out.id = me.id;
    out.address = me.place();
    out.port = configuration.segments[me.segment].port;
    out.version = daemon::kVersion;
    out.commit = daemon::kCommit;
    out.wire = protocol::kRingWireGreatest;
    out.process = ::getpid();
    out.log_lines_lost = daemon::log_lines_lost();
    out.state_write_failures = parts_.keeper.write_failures();
    out.files_are_good = parts_.last_reload_was_good &&
                         (parts_.tls == nullptr || parts_.tls->are_good()) &&
                         (parts_.keys == nullptr || parts_.keys->is_read());
    out.at = std::chrono::system_clock::now();
    out.started_at = started_at_;
    out.draining_until = draining_until_;
    fill_ring(out);
    out.clients_max = configuration.max_sessions;
    out.client_messages_max = configuration.max_session_messages;
    out.client_bytes_max = configuration.max_session_bytes;
    if (configuration.slow_reader_policy == config::SlowReaderPolicy::kBlock) {
        out.slow_reader_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
            configuration.slow_reader_timeout);
    }
    if (parts_.tls != nullptr) {
        const tls::CertificateFacts& certificate = parts_.tls->certificate();
        out.tls = {configuration.client_tls, certificate.name, certificate.not_after};
    }
    out.config_file = configuration.file_name;
    out.config_hash = config::configuration_hash(configuration);
    out.rates = rates();
    const auto values = parts_.ring.counters();
    out.ring.refused = values[row_of("packets_malformed")] + values[row_of("packets_other_wire")];
    std::size_t at = 0;
    for (const protocol::CounterInfo& row : protocol::kRingCounters) {
        out.ring_counters.emplace_back(row, values[at++]);
    }
    for (const protocol::CounterInfo& row : protocol::kTransportCounters) {
        out.udp_counters.emplace_back(row, values[at++]);
    }
    for (const protocol::CounterInfo& row : protocol::kSealingCounters) {
        out.seal_counters.emplace_back(row, values[at++]);
    }
    return out;
}

/// `look` runs on the session thread, `done` on ours. Whatever comes first, the answer or the end
/// of patience, decides.
template <typename T, typename Look>
void StatusSource::ask(Look look, Answer<T> done) {
    struct Question {
        Question(boost::asio::io_context& io, Answer<T> answer)
            : timer(io, kAnswerTimeout), done(std::move(answer)) {}
        void answer(std::optional<T> with) {
            if (auto once = std::exchange(done, nullptr)) {
                timer.cancel();
                once(std::move(with));
            }
        }
        boost::asio::steady_timer timer;
        Answer<T> done;
    };
    auto question = std::make_shared<Question>(io_, std::move(done));
    question->timer.async_wait([question](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            question->answer(std::nullopt);
        }
    });
    parts_.sessions.visit([&io = io_, question,
                           look = std::move(look)](const SessionServer::Inside& inside) {
        boost::asio::post(
            io, [question, found = look(inside)]() mutable { question->answer(std::move(found)); });
    });
}

void StatusSource::status(std::function<void(Status)> done) {
    ask<SessionsStatus>(look_at_sessions,
                        [this, done = std::move(done)](std::optional<SessionsStatus> sessions) {
                            Status status = without_sessions();
                            status.sessions = std::move(sessions);
                            done(std::move(status));
                        });
}

void StatusSource::page(std::function<void(PageData)> done) {
    status([this, done = std::move(done)](Status status) {
        clients([this, done,
                 status = std::move(status)](std::optional<std::vector<ClientStatus>> clients) {
            PageData data{status,
                          std::move(clients).value_or(std::vector<ClientStatus>()),
                          parts_.history.events(History::kEventsMax),
                          seconds_,
                          {},
                          changed_options(parts_.configuration),
                          {}};
            busiest([done, data = std::move(data)](std::optional<BusiestGroups> found) mutable {
                data.busiest = std::move(found).value_or(BusiestGroups());
                done(std::move(data));
            });
        });
    });
}

void StatusSource::clients(Answer<std::vector<ClientStatus>> done) {
    ask<std::vector<ClientStatus>>(
        [](const SessionServer::Inside& inside) {
            std::vector<ClientStatus> out;
            const Instant now = daemon::now();
            const WallTime wall = std::chrono::system_clock::now();
            for (const session::SessionInfo& info : inside.core.sessions()) {
                out.push_back(client_of(info, inside, now, wall));
            }
            return out;
        },
        std::move(done));
}

daemon::ProcessFacts StatusSource::usage() const {
    return parts_.process.look();
}

void StatusSource::groups(std::string after, std::size_t most,
                          Answer<std::vector<GroupStatus>> done) {
    ask<std::vector<GroupStatus>>(
        [after = std::move(after), most](const SessionServer::Inside& inside) {
            std::vector<GroupStatus> out;
            for (auto& group : inside.core.groups().groups_behind(after, most)) {
                out.push_back({std::move(group.name), group.members, group.traffic.messages,
                               group.traffic.bytes});
            }
            return out;
        },
        std::move(done));
}

/// Several pages that are open at once see the same rates: those of at least kBusiestPause.
void StatusSource::busiest(Answer<BusiestGroups> done) {
    if (daemon::now() - busiest_at_ < kBusiestPause) {
        done(busiest_);
        return;
    }
    busiest_askers_.push_back(std::move(done));
    if (busiest_askers_.size() == 1) {
        busiest_found_.clear();
        look_for_busiest({});
    }
}

void StatusSource::look_for_busiest(std::string after) {
    using Busiest = membership::GroupEngine::Busiest;
    ask<Busiest>(
        [after = std::move(after)](const SessionServer::Inside& inside) {
            return inside.core.groups().busiest_groups(after, kGroupsInATurn, kBusiestGroups);
        },
        [this](std::optional<Busiest> part) {
            if (!part) {
                end_busiest(false);
                return;
            }
            std::move(part->groups.begin(), part->groups.end(), std::back_inserter(busiest_found_));
            std::stable_sort(busiest_found_.begin(), busiest_found_.end(),
                             [](const auto& a, const auto& b) {
                                 return a.traffic.messages > b.traffic.messages;
                             });
            if (busiest_found_.size() > kBusiestGroups) {
                busiest_found_.resize(kBusiestGroups);
            }
            if (part->last.empty()) {
                end_busiest(true);
            } else {
                look_for_busiest(std::move(part->last));
            }
        });
}

void StatusSource::end_busiest(bool is_known) {
    if (is_known) {
        const Instant now = daemon::now();
        const double seconds = std::chrono::duration<double>(now - busiest_at_).count();
        busiest_ = {std::chrono::duration_cast<milliseconds>(now - busiest_at_), {}};
        busiest_at_ = now;
        for (auto& group : busiest_found_) {
            busiest_.groups.push_back({std::move(group.name), group.members,
                                       static_cast<double>(group.traffic.messages) / seconds,
                                       static_cast<double>(group.traffic.bytes) / seconds});
        }
    }
    for (const auto& asker : std::exchange(busiest_askers_, {})) {
        asker(is_known ? std::optional(busiest_) : std::nullopt);
    }
}

void StatusSource::group(std::string name, Answer<std::vector<std::string>> done) {
    ask<std::vector<std::string>>(
        [name = std::move(name)](const SessionServer::Inside& inside) {
            return inside.core.groups().members(name);
        },
        std::move(done));
}

void StatusSource::kick(std::string private_name, std::string reason, Answer<bool> done) {
    ask<bool>(
        [private_name = std::move(private_name),
         reason = std::move(reason)](const SessionServer::Inside& inside) {
            return inside.core.kick(daemon::now(), private_name, reason, inside.out);
        },
        std::move(done));
}

void StatusSource::ban(access::BanSubject subject, std::chrono::seconds time, std::string reason,
                       std::string by, Answer<std::optional<std::size_t>> done) {
    ask<std::optional<std::size_t>>(
        [subject = std::move(subject), time, reason = std::move(reason),
         by = std::move(by)](const SessionServer::Inside& inside) {
            const Instant now = daemon::now();
            return inside.core.ban(now, {subject, now + time, reason, by}, inside.out);
        },
        std::move(done));
}

void StatusSource::lift_ban(access::BanSubject subject, Answer<bool> done) {
    ask<bool>(
        [subject = std::move(subject)](const SessionServer::Inside& inside) {
            return inside.core.bans().lift(daemon::now(), subject.text());
        },
        std::move(done));
}

void StatusSource::bans(Answer<std::vector<BanStatus>> done) {
    ask<std::vector<BanStatus>>(
        [](const SessionServer::Inside& inside) {
            const Instant now = daemon::now();
            const WallTime wall = std::chrono::system_clock::now();
            std::vector<BanStatus> out;
            for (const access::Ban& ban : inside.core.bans().bans(now)) {
                const auto left = std::chrono::ceil<std::chrono::seconds>(ban.until - now);
                out.push_back(
                    {ban.subject.text(), wall + left, left, ban.reason, ban.by, ban.refused});
            }
            return out;
        },
        std::move(done));
}

void StatusSource::keys(Answer<sealing::KeyTable> done) {
    ask<sealing::KeyTable>(
        [keys = parts_.keys](const SessionServer::Inside&) { return keys->agreement().table(); },
        std::move(done));
}

void StatusSource::change_keys(KeyChange change, Answer<std::string> done) {
    ask<std::string>(
        [keys = parts_.keys, change = std::move(change)](const SessionServer::Inside& inside) {
            std::string refusal = change(keys->agreement());
            session::submit_key_messages(keys->agreement(), inside.out);
            return refusal;
        },
        std::move(done));
}

}  // namespace spread::admin
