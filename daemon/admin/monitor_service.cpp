#include "daemon/admin/monitor_service.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "config/configuration.hpp"
#include "config/identity.hpp"
#include "daemon/admin/monitor_report.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/ring/ring_facts.hpp"
#include "daemon/ring/ring_thread.hpp"

namespace spread::admin {
namespace {

using boost::system::error_code;
using daemon::log_event;
using daemon::log_event_with;
using daemon::LogEvent;
using protocol::MonitorReport;
using protocol::MonitorRequest;

/// Stock's own monitor sends what changes something twice.
constexpr int kCopies = 2;
// Daemons of a new ring are asked who they are a few at a time: all ask all.
constexpr auto kLookPause = std::chrono::seconds(1);
constexpr std::size_t kAskedAtOnce = 4;
constexpr int kQuestions = 3;

boost::asio::ip::address asio_address(const config::IpAddress& address) {
    error_code wrong;
    return boost::asio::ip::make_address(address.to_string(), wrong);
}

std::chrono::microseconds in_us(protocol::Duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

std::string text_of(protocol::MonitorError error) {
    switch (error) {
        case protocol::MonitorError::kForeign: return "it is no request";
        case protocol::MonitorError::kLength: return "it is not as long as it says";
        case protocol::MonitorError::kBodyShort: return "it has no number for some daemons";
    }
    return "";
}

}  // namespace

struct MonitorService::Round {
    Round(boost::asio::io_context& io, Answers configured, std::uint64_t number,
          std::function<void(Answers)> when_done)
        : timer(io), question(number), answers(std::move(configured)), done(std::move(when_done)) {}

    [[nodiscard]] bool is_complete() const {
        return std::ranges::all_of(answers,
                                   [](const DaemonAnswer& each) { return bool(each.report); });
    }

    boost::asio::steady_timer timer;
    const std::uint64_t question;
    const protocol::Instant asked_at = daemon::now();
    Answers answers;
    std::function<void(Answers)> done;
};

MonitorService::MonitorService(boost::asio::io_context& io, const StatusParts& parts,
                               StatusSource& source, RingSteering& steering)
    : io_(io),
      parts_(parts),
      source_(source),
      steering_(steering),
      hash_(config::configuration_hash(parts.configuration)),
      socket_(io),
      look_timer_(io) {}

MonitorService::~MonitorService() = default;

void MonitorService::start() {
    const config::IpAddress& own = parts_.configuration.daemons[parts_.self].address;
    const Udp::endpoint at(asio_address(own), 0);
    error_code wrong;
    static_cast<void>(socket_.open(at.protocol(), wrong));
    if (!wrong) {
        static_cast<void>(socket_.bind(at, wrong));
    }
    if (wrong == boost::system::errc::address_not_available) {  // behind a NAT
        static_cast<void>(socket_.bind(Udp::endpoint(at.protocol(), 0), wrong));
    }
    if (wrong) {
        log_event(LogEvent::kMonitorFailed,
                  "no answers to stock's monitor: no UDP socket at {}: {}", own.to_string(),
                  wrong.message());
        static_cast<void>(socket_.close(wrong));
        return;
    }
    socket_.non_blocking(true, wrong);
    receive();
    if (!parts_.configuration.ring_key_file) {  // the monitor's datagrams are plain
        get_to_know();
    }
}

void MonitorService::stop() {
    error_code ignored;
    static_cast<void>(socket_.close(ignored));
    look_timer_.cancel();
    for (const auto& round : std::exchange(rounds_, {})) {
        round->timer.cancel();
    }
}

bool MonitorService::offer(const daemon::Endpoint& source, std::span<const std::byte> datagram) {
    if (!protocol::is_monitor_request(datagram)) {
        return false;
    }
    if (waiting_->fetch_add(1) >= kWaitingMax) {
        waiting_->fetch_sub(1);
        return true;
    }
    boost::asio::post(io_, [this, waiting = waiting_, ip = daemon::ip_of(source.address()),
                            text = source.to_string(),
                            bytes = std::vector<std::byte>(datagram.begin(), datagram.end()),
                            arrived = daemon::now()] {
        waiting->fetch_sub(1);
        on_request(ip, text, bytes, arrived);
    });
    return true;
}

void MonitorService::refuse(const std::string& source, const std::string& why) {
    if (const auto more = refusals_.admit(daemon::now())) {
        log_event_with(LogEvent::kMonitorRequestIgnored, {{"source", source}, {"more", *more}},
                       "{}: request of stock's monitor ignored: {} ({} more)", source, why, *more);
    }
}

void MonitorService::on_request(const config::IpAddress& source, const std::string& source_text,
                                std::span<const std::byte> datagram, protocol::Instant arrived) {
    const auto& daemons = parts_.configuration.daemons;
    const auto request = protocol::decode_monitor_request(datagram, daemons.size());
    if (!request) {
        refuse(source_text, text_of(request.error()));
        return;
    }
    if (request->config_hash != hash_) {
        refuse(source_text, fmt::format("its configuration has hash {}, ours {}; run it with the "
                                        "file of the daemons",
                                        request->config_hash, hash_));
        return;
    }
    const auto host = steering_.roster().find(request->transmitter);
    const auto asker = steering_.roster().find(request->sender);
    if (!host || !asker || address_of(*host) != source) {
        refuse(source_text, "it does not come from the host of the daemon that it names");
        return;
    }
    const std::string who =
        fmt::format("stock's monitor at {} ({})", source_text, daemons[*host].name);
    if (const auto* partition = std::get_if<protocol::MonitorPartition>(&request->what)) {
        (void)steering_.partition(*partition, who);
    } else if (const auto* flow = std::get_if<protocol::MonitorFlowControl>(&request->what)) {
        (void)steering_.flow_control(*flow, who);
    } else if (std::holds_alternative<protocol::MonitorReload>(request->what)) {
        (void)steering_.reload(who);
    } else if (const auto to = address_of(*asker)) {
        const auto& status = std::get<protocol::MonitorStatus>(request->what);
        answer_status({{asio_address(*to), request->reply_port},
                       protocol::decode_daemon_question(status.body, daemons.size()),
                       arrived});
    }
}

std::optional<config::IpAddress> MonitorService::address_of(std::size_t daemon) const {
    return daemon::RingFacts::address_of(parts_.ring.facts().get(),
                                         parts_.configuration.daemons[daemon], daemon);
}

/// Who asks while a status is being made gets the same.
void MonitorService::answer_status(const Asker& asker) {
    askers_.push_back(asker);
    if (askers_.size() > 1) {
        return;
    }
    source_.status([this](const Status& status) {
        const MonitorReport report = monitor_report(status);
        for (const Asker& each : std::exchange(askers_, {})) {
            std::vector<std::byte> more;
            if (each.question) {
                more = protocol::encode_daemon_report(
                    daemon_report(status, *each.question, in_us(daemon::now() - each.asked_at)));
            }
            error_code lost;
            socket_.send_to(boost::asio::buffer(protocol::encode_monitor_report(report, more)),
                            each.where, 0, lost);
        }
    });
}

void MonitorService::send_to(std::size_t daemon, const What& what) {
    const config::Daemon& to = parts_.configuration.daemons[daemon];
    const protocol::DaemonId self =
        steering_.roster().id(static_cast<protocol::DaemonIndex>(parts_.self));
    const auto address = address_of(daemon);
    if (!address) {
        return;
    }
    error_code lost;
    const std::uint16_t port = socket_.local_endpoint(lost).port();
    const auto bytes = protocol::encode_monitor_request({self, self, port, hash_, what});
    socket_.send_to(boost::asio::buffer(bytes),
                    {asio_address(*address), parts_.configuration.segments[to.segment].port}, 0,
                    lost);
}

void MonitorService::tell_others(const What& what) {
    for (std::size_t i = 0; i < parts_.configuration.daemons.size(); ++i) {
        for (int copy = 0; i != parts_.self && copy < kCopies; ++copy) {
            send_to(i, what);
        }
    }
}

void MonitorService::ask_all(std::function<void(Answers)> done) {
    Answers configured;
    for (const config::Daemon& daemon : parts_.configuration.daemons) {
        configured.push_back({daemon.name, daemon.place()});
    }
    auto round =
        std::make_shared<Round>(io_, std::move(configured), next_question_++, std::move(done));
    rounds_.push_back(round);
    const protocol::MonitorStatus question{
        protocol::encode_daemon_question(round->question, round->answers.size())};
    for (std::size_t i = 0; i < round->answers.size(); ++i) {
        if (i != parts_.self) {
            send_to(i, question);
        }
    }
    round->timer.expires_after(kPatience);
    round->timer.async_wait([this, round](const error_code& cancelled) {
        if (!cancelled) {
            finish(round);
        }
    });
    source_.status([this, question = round->question](const Status& status) {
        on_report(monitor_report(status), daemon_report(status, question, {}));
    });
}

/// A report without more, of another release, answers whatever is asked.
void MonitorService::on_report(const MonitorReport& report,
                               std::optional<protocol::DaemonReport> more) {
    const auto place = steering_.roster().find(report.self);
    if (!place) {
        return;
    }
    if (more) {
        source_.note_told(*place, {more->version, more->wire, more->settings_sum,
                                   std::chrono::system_clock::now()});
        std::erase_if(unknown_, [&](const Unknown& each) { return each.place == *place; });
    }
    const auto rounds = rounds_;  // one that is complete is taken out
    for (const auto& round : rounds) {
        if (more && more->question != round->question) {
            continue;
        }
        DaemonAnswer& answer = round->answers[*place];
        answer.report = report;
        if (more && *place != parts_.self) {
            answer.rtt = std::max(in_us(daemon::now() - round->asked_at) - more->held,
                                  std::chrono::microseconds(1));
        }
        answer.more = more;
        if (round->is_complete()) {
            finish(round);
        }
    }
}

void MonitorService::finish(const std::shared_ptr<Round>& round) {
    round->timer.cancel();
    std::erase(rounds_, round);
    if (const auto done = std::exchange(round->done, nullptr)) {
        done(std::move(round->answers));
    }
}

/// Members are asked who they are while they are there, so that it is known of those that are not.
void MonitorService::get_to_know() {
    const auto facts = parts_.ring.facts();
    if (facts != nullptr && facts->ring != known_ring_) {
        known_ring_ = facts->ring;
        unknown_.clear();
        for (const protocol::DaemonId member : facts->members) {
            const auto place = steering_.roster().find(member);
            if (place && *place != parts_.self) {
                unknown_.push_back({*place});
            }
        }
    }
    for (std::size_t asked = std::min(kAskedAtOnce, unknown_.size()); asked > 0; --asked) {
        Unknown next = unknown_.front();
        unknown_.pop_front();
        send_to(next.place, protocol::MonitorStatus{protocol::encode_daemon_question(
                                next_question_++, parts_.configuration.daemons.size())});
        if (++next.questions < kQuestions) {
            unknown_.push_back(next);
        }
    }
    look_timer_.expires_after(kLookPause);
    look_timer_.async_wait([this](const error_code& cancelled) {
        if (!cancelled) {
            get_to_know();
        }
    });
}

void MonitorService::receive() {
    socket_.async_receive_from(
        boost::asio::buffer(room_), from_, [this](const error_code& error, std::size_t bytes) {
            if (!socket_.is_open()) {
                return;
            }
            if (!error) {
                const auto report = protocol::decode_monitor_report(std::span(room_).first(bytes));
                const auto place = report ? steering_.roster().find(report->self) : std::nullopt;
                const auto address = place ? address_of(*place) : std::nullopt;
                if (address && asio_address(*address) == from_.address()) {
                    on_report(*report,
                              protocol::decode_daemon_report(std::span(room_).first(bytes).subspan(
                                  protocol::kMonitorReportBytes)));
                }
            }
            receive();  // an error here is a port-unreachable of somebody who was told something
        });
}

}  // namespace spread::admin
