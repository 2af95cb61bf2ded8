#include "daemon/admin/ring_steering.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "config/configuration.hpp"
#include "daemon/admin/partition_text.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "daemon/ring/roster_of.hpp"

namespace spread::admin {

using daemon::log_event;
using daemon::log_event_with;
using daemon::LogEvent;
using protocol::MonitorPartition;
using protocol::MonitorWindows;

namespace {

/// Stock's monitor sends everything twice.
constexpr auto kOneReload = std::chrono::seconds(2);

std::optional<std::uint32_t> window_of(std::int16_t number) {
    return number == MonitorWindows::kLeave ? std::nullopt
                                            : std::optional(static_cast<std::uint32_t>(number));
}

}  // namespace

RingSteering::RingSteering(boost::asio::io_context& io, const StatusParts& parts, History& history,
                           const AdminCommands& commands)
    : parts_(parts),
      history_(history),
      commands_(commands),
      roster_(daemon::roster_of(parts.configuration)),
      timer_(io) {}

bool RingSteering::is_allowed() const {
    return parts_.configuration.dangerous_monitor && !parts_.configuration.ring_key_file;
}

void RingSteering::stop() {
    timer_.cancel();
}

RingSteering::Result RingSteering::refused(const std::string& who, const std::string& what) const {
    // The monitor's datagrams are plain whatever the ring's are.
    const std::string why = parts_.configuration.ring_key_file
                                ? "on a ring with a key DangerousMonitor has no effect"
                                : "DangerousMonitor is not set in the configuration file";
    log_event_with(LogEvent::kOperatorRefused, {{"by", who}}, "{} wants {}: refused, {}", who, what,
                   why);
    return {false, "refused: " + why};
}

RingSteering::Result RingSteering::partition(const MonitorPartition& wanted,
                                             const std::string& who) {
    const std::string text = describe_partition(wanted.components, roster_);
    if (!is_allowed()) {
        return refused(who, "a partition or the end of daemons");
    }
    if (wanted.components.at(parts_.self) == MonitorPartition::kEnd) {
        note(who, "end of this daemon");
        commands_.stop();
        return {true, "leaving the ring"};
    }
    const bool is_news =
        wanted.components != components_ && !(components_.empty() && is_whole(wanted.components));
    cut_off(wanted.components);
    if (components_.empty()) {
        if (is_news) {
            note(who, "end of the partition");
        }
        return {true, "no partition any more"};
    }
    if (is_news) {
        note(who, fmt::format("partition {} for {} s", text, kPartitionTime.count()));
    }
    return {true, fmt::format("partition {} for {} s", text, kPartitionTime.count())};
}

/// Sets, renews or ends a partition.
void RingSteering::cut_off(const std::vector<std::int16_t>& components) {
    components_ = is_whole(components) ? std::vector<std::int16_t>() : components;
    driver::CutOff cut;
    for (protocol::DaemonIndex place = 0; place < components_.size(); ++place) {
        if (components_[place] != components_[parts_.self]) {
            cut.daemons.push_back(roster_.id(place));
        }
    }
    cut.until = daemon::now() + kPartitionTime;
    send(std::move(cut));
    timer_.cancel();
    if (components_.empty()) {
        return;
    }
    timer_.expires_after(kPartitionTime);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            components_.clear();
            log_event(LogEvent::kPartitionExpired, "the partition has ended: not renewed for {} s",
                      kPartitionTime.count());
            history_.add({0, std::chrono::system_clock::now(), "command", "", "",
                          "the partition has ended: it was not renewed", std::nullopt});
        }
    });
}

RingSteering::Result RingSteering::flow_control(const protocol::MonitorFlowControl& wanted,
                                                const std::string& who) {
    if (!is_allowed()) {
        return refused(who, "other windows");
    }
    const MonitorWindows& mine = wanted.daemons.at(parts_.self);
    const auto facts = parts_.ring.facts();
    const std::uint32_t limit = facts == nullptr ? 0 : facts->window_limit;
    const auto is_bad = [limit](std::int16_t number, std::int16_t least) {
        return number != MonitorWindows::kLeave &&
               (number < least || static_cast<std::uint32_t>(number) > limit);
    };
    if (is_bad(wanted.window, 1) || is_bad(mine.personal, 1) || is_bad(mine.accelerated, 0)) {
        log_event_with(LogEvent::kOperatorRefused, {{"by", who}},
                       "{} wants windows {} / {} / {}: refused, they are 1 to {}", who,
                       wanted.window, mine.personal, mine.accelerated, limit);
        return {false, fmt::format("refused: windows are 1 to {}", limit)};
    }
    membership::WindowChange change{window_of(wanted.window), window_of(mine.personal),
                                    window_of(mine.accelerated)};
    // Stock's monitor fills the column with zeros where the file does not ask for such a ring.
    if (change.accelerated_window == 0U && !parts_.configuration.accelerated_ring.value_or(false)) {
        change.accelerated_window.reset();
    }
    const auto number = [](const std::optional<std::uint32_t>& size) {
        return size ? std::to_string(*size) : std::string("as it was");
    };
    const std::string text =
        fmt::format("window {}, personal window {}, accelerated window {}", number(change.window),
                    number(change.personal_window), number(change.accelerated_window));
    if (std::exchange(windows_, change) != change) {
        note(who, text);
    }
    send(change);
    return {true, text};
}

RingSteering::Result RingSteering::reload(const std::string& who) {
    if (!is_allowed()) {
        return refused(who, "a reload");
    }
    const auto at = std::chrono::steady_clock::now();
    if (!reloaded_at_ || at - *reloaded_at_ > kOneReload) {
        reloaded_at_ = at;
        note(who, "reload: access files; changes of the configuration file need a restart");
        commands_.reload();
    }
    return {true, "access files are read again; the log says what came of it"};
}

void RingSteering::send(daemon::ControlItem wish) {
    auto shared = std::make_shared<daemon::ControlItem>(std::move(wish));
    parts_.sessions.visit([shared](const daemon::SessionServer::Inside& inside) {
        inside.ring.steer(std::move(*shared));
    });
}

void RingSteering::note(const std::string& who, std::string what) {
    log_event_with(LogEvent::kOperatorCommand, {{"by", who}}, "{} by {}", what, who);
    history_.add(
        {0, std::chrono::system_clock::now(), "command", who, "", std::move(what), std::nullopt});
}

}  // namespace spread::admin
