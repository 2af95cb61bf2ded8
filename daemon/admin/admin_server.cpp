#include "daemon/admin/admin_server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "daemon/admin/bundle.hpp"
#include "daemon/admin/key_commands.hpp"
#include "daemon/admin/metrics.hpp"
#include "daemon/admin/page.hpp"
#include "daemon/admin/partition_text.hpp"
#include "daemon/admin/status_json.hpp"
#include "daemon/admin/tar.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/logging.hpp"
#include "protocol/names.hpp"

namespace spread::admin {
namespace {

using daemon::log_event_with;
using daemon::LogEvent;
using Respond = HttpServer::Respond;

constexpr std::size_t kGroupsMax = 1000;
constexpr std::string_view kKeyPath = "/key/";
constexpr std::uint64_t kBanSecondsMax = 366 * 86400;

HttpResponse plain(unsigned status, std::string text) {
    return {status, "text/plain; charset=utf-8", std::move(text) + "\n"};
}

HttpResponse silent() {
    return {503, "application/json",
            answer_json(false, "the session thread has not answered within 1 s")};
}

HttpResponse result(bool is_ok, const std::string& text, unsigned status_if_not) {
    return {is_ok ? 200 : status_if_not, "application/json", answer_json(is_ok, text)};
}

std::string value_of(const HttpRequest& request, const std::string& key) {
    const auto found = request.query.find(key);
    return found == request.query.end() ? std::string() : found->second;
}

std::uint64_t number_of(const HttpRequest& request, const std::string& key,
                        std::uint64_t otherwise) {
    const std::string text = value_of(request, key);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty() ? value
                                                                                     : otherwise;
}

/// Passes on what the session thread said, made JSON by `make`.
template <typename T, typename Make>
StatusSource::Answer<T> as_json(const Respond& respond, Make make) {
    return [respond, make](std::optional<T> answer) {
        respond(answer ? HttpResponse{200, "application/json", make(*answer)} : silent());
    };
}

std::string who_is(const HttpRequest& request) {
    return request.peer
               ? fmt::format("process {} of user {}", request.peer->process, request.peer->user)
               : "the TCP peer " + request.address;
}

/// Nothing when all is well.
std::string what_is_wrong(const Status& status, std::size_t expected) {
    const Verdict verdict = verdict_of(status);
    if (verdict.state == "stuck" || verdict.state == "forming") {
        return verdict.sentence;
    }
    if (status.draining_until) {
        return "it takes no new clients: it is being drained";
    }
    if (!status.sessions->groups_are_settled) {
        return "group state is being exchanged";
    }
    if (status.ring.members.size() < expected) {
        return fmt::format("{} daemons in the ring, {} expected", status.ring.members.size(),
                           expected);
    }
    return {};
}

}  // namespace

bool is_own_host(std::string_view host) {
    if (!host.empty() && host.front() == '[') {
        const std::size_t end = host.find(']');  // of an IPv6 address
        return end != std::string_view::npos && (end + 1 == host.size() || host[end + 1] == ':');
    }
    const std::string_view name = host.substr(0, host.rfind(':'));
    const auto is_part_of_address = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
    return name.empty() || name == "localhost" || name == daemon::host_name() ||
           std::all_of(name.begin(), name.end(), is_part_of_address);
}

AdminServer::AdminServer(boost::asio::io_context& io, StatusSource& source, History& history,
                         const AdminCommands& commands, Reach reach, AdminSockets sockets)
    : source_(source),
      history_(history),
      commands_(commands),
      reach_(reach),
      listening_(std::move(sockets)),
      http_(io, [this](const HttpRequest& request, const Respond& respond) {
          handle(request, respond);
      }) {}

void AdminServer::start() {
    source_.start();
    if (listening_.control && listening_.control->fd() >= 0) {
        // Asio gets a duplicate, so that each side closes its own.
        http_.listen(daemon::UniqueFd(::fcntl(listening_.control->fd(), F_DUPFD_CLOEXEC, 0)));
    }
    for (daemon::UniqueFd& socket : listening_.tcp) {
        http_.listen(std::move(socket));
    }
    listening_.tcp.clear();
}

void AdminServer::stop() {
    http_.stop();
    source_.stop();
    listening_.control.reset();
}

void AdminServer::handle(const HttpRequest& request, const Respond& respond) {
    if (!request.peer && !is_own_host(request.host)) {
        respond(plain(403, "this server is called by its address, localhost or its host's name"));
        return;
    }
    if (request.method == "GET" || request.method == "HEAD") {
        if (!look(request, respond)) {
            respond(plain(404, "nothing is there; / lists what is"));
        }
    } else if (request.method != "POST") {
        respond(plain(405, "GET looks and POST changes"));
    } else if (!may_change(request)) {
        if (const auto more = refused_limit_.admit(daemon::now())) {
            log_event_with(LogEvent::kOperatorRefused, {{"by", who_is(request)}},
                           "refused: POST {} by {} ({} more unlogged)",
                           protocol::escaped(request.path), who_is(request), *more);
        }
        respond(result(
            false,
            request.peer ? "only root and the daemon's user may change something"
            : listening_.token.empty()
                ? "changes are made by the control socket; by TCP only where AdminWrite is set"
                : "a change by TCP shows the token of AdminTokenFile",
            403));
    } else {
        change(request, respond);
    }
}

bool AdminServer::may_change(const HttpRequest& request) const {
    return request.peer ? request.peer->user == 0 || request.peer->user == ::geteuid()
                        : listening_.token.is_shown_by(request.authorization);
}

/// False: there is no such path.
bool AdminServer::look(const HttpRequest& request, const Respond& respond) {
    const std::string& path = request.path;
    if (path == "/") {
        page(respond);
    } else if (path == "/livez" || path == "/readyz" || path == "/healthz") {
        health(request, respond);
    } else if (path == "/status.json") {
        source_.status([respond](const Status& status) {
            respond({200, "application/json", status_json(status)});
        });
    } else if (path == "/metrics") {
        source_.status([this, respond](const Status& status) {
            respond({200, "text/plain; version=0.0.4; charset=utf-8",
                     metrics_text(status, source_.usage())});
        });
    } else if (path == "/clients.json") {
        source_.clients(as_json<std::vector<ClientStatus>>(respond, clients_json));
    } else if (path == "/groups.json") {
        const std::size_t most =
            std::min<std::uint64_t>(number_of(request, "most", kGroupsMax), kGroupsMax);
        source_.groups(value_of(request, "after"), most,
                       as_json<std::vector<GroupStatus>>(respond, groups_json));
    } else if (path == "/busiest.json") {
        source_.busiest(as_json<BusiestGroups>(respond, busiest_json));
    } else if (path == "/group.json") {
        const std::string name = value_of(request, "name");
        source_.group(name, as_json<std::vector<std::string>>(
                                respond, [name](const std::vector<std::string>& members) {
                                    return group_json(name, members);
                                }));
    } else if (path == "/events.json") {
        respond({200, "application/json",
                 events_json(history_.events(number_of(request, "most", History::kEventsMax),
                                             number_of(request, "after", 0)))});
    } else if (path == "/bans.json") {
        source_.bans(as_json<std::vector<BanStatus>>(respond, bans_json));
    } else if (path == "/cluster.json") {
        source_.status([this, respond](const Status& status) {
            reach_.monitor.ask_all([this, respond, ring = status.ring,
                                    peers = status.peers](const MonitorService::Answers& answers) {
                respond({200, "application/json",
                         cluster_json(answers, ring, reach_.steering.roster(), peers)});
            });
        });
    } else if (path == "/keys.json" && source_.has_keys()) {
        source_.keys(as_json<sealing::KeyTable>(respond, [this](const sealing::KeyTable& table) {
            return keys_json(table, source_.roster());
        }));
    } else if (path == "/bundle") {
        bundle(respond);
    } else if (path == "/trace" && commands_.recording) {
        respond({200, "application/octet-stream", commands_.recording()});
    } else if (path == "/config.json") {
        respond({200, "application/json", config_json(source_.configuration())});
    } else {
        return false;
    }
    return true;
}

/// The others are asked as long as somebody looks. What they say is shown the next time: those that
/// are missing must not hold the page up.
void AdminServer::page(const Respond& respond) {
    source_.page([this, respond](PageData data) {
        data.answers = answers_;
        respond({200, "text/html; charset=utf-8", page_html(data)});
    });
    if (!std::exchange(is_asking_, true)) {
        reach_.monitor.ask_all([this](MonitorService::Answers answers) {
            is_asking_ = false;
            answers_ = std::move(answers);
        });
    }
}

/// All that is to be known of this daemon, as an archive with one directory.
void AdminServer::bundle(const Respond& respond) {
    source_.page([this, respond](const PageData& data) {
        source_.groups("", kGroupsMax, [this, respond, data](const auto& groups) {
            reach_.monitor.ask_all(
                [this, respond, data, groups](const MonitorService::Answers& answers) {
                    std::vector<TarFile> files = host_files(data.status.port);
                    files.push_back({"status.json", status_json(data.status)});
                    files.push_back({"metrics.txt", metrics_text(data.status, source_.usage())});
                    files.push_back({"clients.json", clients_json(data.clients)});
                    files.push_back(
                        {"groups.json", groups_json(groups.value_or(std::vector<GroupStatus>()))});
                    files.push_back({"events.json", events_json(data.events)});
                    files.push_back({"config.json", config_json(source_.configuration())});
                    files.push_back({"cluster.json",
                                     cluster_json(answers, data.status.ring,
                                                  reach_.steering.roster(), data.status.peers)});
                    files.push_back({"log.txt", daemon::recent_log()});
                    if (commands_.recording) {
                        files.push_back({"ring.flight", commands_.recording()});
                    }
                    for (TarFile& file : files) {
                        file.name = directory_name(data.status.name) + "/" + file.name;
                    }
                    respond({200, "application/x-tar",
                             tar_of(files, std::chrono::system_clock::to_time_t(data.status.at))});
                });
        });
    });
}

/// livez: the threads turn. readyz and healthz: clients are served by a ring of as many daemons as
/// `expect` says.
void AdminServer::health(const HttpRequest& request, const Respond& respond) {
    const bool is_live_only = request.path == "/livez";
    const auto expected = static_cast<std::size_t>(number_of(request, "expect", 1));
    source_.status([respond, is_live_only, expected](const Status& status) {
        const Verdict verdict = verdict_of(status);
        const std::string wrong = !is_live_only              ? what_is_wrong(status, expected)
                                  : verdict.state == "stuck" ? verdict.sentence
                                                             : std::string();
        if (!wrong.empty()) {
            respond({503U, "application/json", answer_json(false, wrong)});
        } else {
            respond({200U, "application/json",
                     is_live_only ? health_json("ok") : health_json(readiness_text(status))});
        }
    });
}

void AdminServer::change(const HttpRequest& request, const Respond& respond) {
    const std::string& path = request.path;
    if (path == "/kick") {
        kick(request, respond);
    } else if (path == "/ban" || path == "/unban") {
        ban(request, respond);
    } else if (path == "/partition" || path == "/heal") {
        partition(request, respond);
    } else if (path == "/flow-control") {
        flow_control(request, respond);
    } else if (path == "/drain") {
        drain(request, respond);
    } else if (path.substr(0, kKeyPath.size()) == kKeyPath) {
        change_keys(request, respond);
    } else if (path == "/stop") {
        note(request, "stop");
        respond(result(true, "leaving the ring", 500));
        commands_.stop();
    } else if (path == "/reload") {
        note(request, "reload");
        commands_.reload();
        respond(result(true, "access files are read again; the log says what came of it", 500));
    } else if (path == "/log/reopen") {
        note(request, "log reopen");
        commands_.reopen_log();
        respond(result(true, "the log file is opened anew", 500));
    } else if (path == "/log/level") {
        const std::string level = value_of(request, "level");
        if (!commands_.set_log_level(level)) {
            respond(result(false, "level is one of debug, info, warning, error, critical", 400));
            return;
        }
        note(request, "log level " + level);
        respond(result(true, "log level is " + level + " until the restart", 500));
    } else {
        respond(plain(404, "nothing to change is there"));
    }
}

void AdminServer::drain(const HttpRequest& request, const Respond& respond) {
    constexpr std::uint64_t kSecondsMost = 7UL * 24 * 3600;
    const std::uint64_t seconds = number_of(request, "seconds", 30);
    if (seconds > kSecondsMost) {
        respond(result(false, "seconds is a number from 0 to 604800", 400));
        return;
    }
    note(request, fmt::format("drain {} s", seconds));
    respond(result(
        true,
        fmt::format("no new clients; leaving the ring when all have gone, or in {} s", seconds),
        500));
    reach_.drain.begin(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

/// Keys come and go by the control socket only, whose peers the kernel knows.
void AdminServer::change_keys(const HttpRequest& request, const Respond& respond) {
    if (!request.peer || !source_.has_keys()) {
        respond(result(false,
                       request.peer ? "the ring has no key: RingKeyFile is not set"
                                    : "keys are changed by the control socket only",
                       403));
        return;
    }
    auto command = read_key_command({request.path.substr(kKeyPath.size()), value_of(request, "key"),
                                     value_of(request, "drop"), request.body},
                                    source_.roster());
    if (!command) {
        respond(result(false, command.error(), 400));
        return;
    }
    note(request, command->name);
    source_.change_keys(std::move(command->change), [respond, done = command->done](
                                                        std::optional<std::string> refusal) {
        respond(!refusal ? silent()
                         : result(refusal->empty(), refusal->empty() ? done : *refusal, 409));
    });
}

void AdminServer::kick(const HttpRequest& request, const Respond& respond) {
    const std::string client = value_of(request, "client");
    const std::string reason = value_of(request, "reason");
    if (client.empty()) {
        respond(result(false, "client=#USER#DAEMON is missing", 400));
        return;
    }
    note(request, "kick " + protocol::escaped(client));
    source_.kick(
        client, "ended by an operator" + (reason.empty() ? "" : ": " + protocol::escaped(reason)),
        [respond, client](std::optional<bool> found) {
            respond(!found ? silent()
                    : *found
                        ? result(true, "the session of " + client + " ends", 500)
                        : result(false, "no client of this daemon has the private name " + client,
                                 404));
        });
}

void AdminServer::ban(const HttpRequest& request, const Respond& respond) {
    const std::string& own = source_.configuration().daemons[source_.self()].name;
    const auto subject = access::BanSubject::parse(value_of(request, "client"), own);
    if (!subject) {
        respond(result(false, protocol::escaped(subject.error()), 400));
        return;
    }
    if (request.path == "/unban") {
        note(request, "unban " + subject->text());
        source_.lift_ban(*subject, [respond, name = subject->text()](std::optional<bool> found) {
            respond(!found   ? silent()
                    : *found ? result(true, "the ban of " + name + " is lifted", 500)
                             : result(false, "there is no ban of " + name + "; see spreadctl bans",
                                      404));
        });
        return;
    }
    const std::uint64_t seconds = number_of(request, "seconds", 0);
    if (seconds == 0 || seconds > kBanSecondsMax) {
        respond(result(false, fmt::format("seconds is 1 to {}", kBanSecondsMax), 400));
        return;
    }
    const std::string reason = protocol::escaped(value_of(request, "reason"));
    note(request, fmt::format("ban {} for {} s{}{}", subject->text(), seconds,
                              reason.empty() ? "" : ": ", reason));
    source_.ban(
        *subject, std::chrono::seconds(seconds), reason, who_is(request),
        [respond, name = subject->text(),
         seconds](std::optional<std::optional<std::size_t>> ended) {
            respond(!ended   ? silent()
                    : *ended ? result(true,
                                      fmt::format("{} is kept out for {} s; {} sessions end", name,
                                                  seconds, **ended),
                                      500)
                             : result(false, "there are too many bans; see spreadctl bans", 409));
        });
}

void AdminServer::partition(const HttpRequest& request, const Respond& respond) {
    const protocol::Roster& roster = reach_.steering.roster();
    protocol::MonitorPartition wanted{std::vector<std::int16_t>(roster.size(), 0)};
    if (request.path == "/partition") {
        const auto components = parse_partition(value_of(request, "components"), roster);
        if (!components) {
            respond(result(false, components.error(), 400));
            return;
        }
        wanted.components = *components;
    }
    steer_all(reach_.steering.partition(wanted, who_is(request)), wanted, respond);
}

void AdminServer::flow_control(const HttpRequest& request, const Respond& respond) {
    const auto size = [&](const char* key) {
        const std::uint64_t number =
            number_of(request, key, value_of(request, key).empty() ? SIZE_MAX : 0);
        return number == SIZE_MAX ? protocol::MonitorWindows::kLeave
                                  : static_cast<std::int16_t>(std::min<std::uint64_t>(
                                        number, std::numeric_limits<std::int16_t>::max()));
    };
    const std::string only = value_of(request, "daemon");
    const protocol::Roster& roster = reach_.steering.roster();
    protocol::MonitorFlowControl wanted;
    bool is_known = only.empty();
    for (protocol::DaemonIndex place = 0; place < roster.size(); ++place) {
        const bool is_meant = only.empty() || roster.describe(roster.id(place)) == only;
        is_known = is_known || is_meant;
        wanted.daemons.push_back(
            is_meant ? protocol::MonitorWindows{size("personal"), size("accelerated")}
                     : protocol::MonitorWindows{});
    }
    wanted.window = size("window");
    if (!is_known) {
        respond(result(false, "no daemon " + protocol::escaped(only) + " is configured", 404));
        return;
    }
    steer_all(reach_.steering.flow_control(wanted, who_is(request)), wanted, respond);
}

/// What was done here, all others are told; who of them is not there, the answer says.
void AdminServer::steer_all(const RingSteering::Result& here, const MonitorService::What& what,
                            const Respond& respond) {
    if (!here.is_done) {
        respond(result(false, here.text, 403));
        return;
    }
    reach_.monitor.tell_others(what);
    reach_.monitor.ask_all([respond, text = here.text](const MonitorService::Answers& answers) {
        std::string silent_ones;
        for (const DaemonAnswer& each : answers) {
            if (!each.report) {
                silent_ones += (silent_ones.empty() ? "" : ", ") + each.daemon;
            }
        }
        respond(result(
            silent_ones.empty(),
            silent_ones.empty() ? text : text + "; no answer of " + silent_ones + " within 1 s",
            504));
    });
}

/// Every change is logged, with whose it is.
void AdminServer::note(const HttpRequest& request, std::string what) {
    log_event_with(LogEvent::kOperatorCommand, {{"by", who_is(request)}}, "{} by {}", what,
                   who_is(request));
    history_.add({0, std::chrono::system_clock::now(), "command", who_is(request), "",
                  std::move(what), std::nullopt});
}

}  // namespace spread::admin
