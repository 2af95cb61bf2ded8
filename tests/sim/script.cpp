// The part of the simulator that takes the scenario's steps.

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/ring_settings.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {
namespace {

using protocol::Duration;
using protocol::Instant;

/// How often an expectation that does not hold yet is looked at again.
constexpr Duration kWatchEvery = std::chrono::milliseconds(1);
/// A packet or state that a step waits for must come within this time.
constexpr Duration kMomentPatience = std::chrono::seconds(60);

Duration us(std::uint64_t count) {
    return std::chrono::microseconds(count);
}

std::string list_of(char letter, const std::vector<std::uint16_t>& numbers) {
    std::string out = "{";
    for (const std::uint16_t number : numbers) {
        out += (out.size() > 1 ? " " : "") + std::string(1, letter) + std::to_string(number + 1);
    }
    return out + "}";
}

}  // namespace

/// Takes all steps that are due, then makes sure to come back for the next one.
void Simulator::advance() {
    if (advancing_) {
        return;  // a step made a packet go that the next step waits for; the outer call goes on
    }
    advancing_ = true;
    while (!verdict_.violation && next_step_ < scenario_.steps.size()) {
        const Step& step = scenario_.steps[next_step_];
        if (!is_due(step)) {
            break;
        }
        if (is_expectation(step)) {
            settled_ = false;
            if (!expected_since_) {
                expected_since_ = now_;
            }
            watch_expectation(step);
            if (expected_since_) {
                break;  // not yet
            }
        } else {
            settled_ = false;
            take_step(step);
        }
        ++next_step_;
        step_since_ = now_;
        moment_came_ = false;
        if (next_step_ < scenario_.steps.size()) {
            matches_left_ = std::max(scenario_.steps[next_step_].when.count, 1U);
        }
    }
    advancing_ = false;
}

bool Simulator::is_due(const Step& step) {
    const auto wait_until = [this](Instant at) {
        if (at <= now_) {
            return true;
        }
        if (!script_posted_) {
            script_posted_ = true;
            post(at - now_, EventKind::kScript, 0);
        }
        return false;
    };
    switch (step.when.kind) {
        case Moment::Kind::kAt: return wait_until(Instant(us(step.when.time_us)));
        case Moment::Kind::kAfter: return wait_until(step_since_ + us(step.when.time_us));
        case Moment::Kind::kPacket:
        case Moment::Kind::kState:
            if (moment_came_) {
                return true;
            }
            if (wait_until(step_since_ + kMomentPatience)) {
                fail({"E", "this moment never came: " + format(step), {reality()}});
            }
            return false;
    }
    return true;
}

void Simulator::take_step(const Step& step) {
    if (options_.trace != TraceLevel::kNone) {
        add_trace("--", '=', format(step));
    }
    carry_out(step);
}

void Simulator::carry_out(const Step& step) {
    note_stir(step);
    if (step.action <= Action::kConfigure) {
        carry_out_daemon_step(step);
    } else if (step.action <= Action::kRates) {
        carry_out_network_step(step);
    } else if (step.action == Action::kSteady) {
        end_steady();
        if (!step.who.empty()) {
            begin_steady(step.who);
        }
    } else {
        carry_out_client_step(step);
    }
}

/// What daemons may notice for a while: all but changes of keys, and what clients do.
void Simulator::note_stir(const Step& step) {
    const bool is_of_keys = step.action == Action::kRotate || step.action == Action::kFillDisk ||
                            step.action == Action::kSeal;
    if (step.action > Action::kRates || is_of_keys) {
        return;
    }
    stirred_at_ = now_;
    if (step.action == Action::kRates) {
        has_fair_network_ = step.rates == Rates{};
    }
    is_cut_ = step.action == Action::kHeal
                  ? false
                  : is_cut_ || (step.action >= Action::kPartition && step.action <= Action::kDrop);
}

/// S7: in peace everybody's datagrams count, a second after the last of what daemons may notice;
/// where they have to be looked for by their names, when name servers have been asked again.
void Simulator::check_refused(DaemonIndex by, sealing::Refusal refusal,
                              const sealing::Envelope& envelope, Instant since) {
    const Duration patience = std::chrono::seconds(scenario_.tunables.named != 0 ? 15 : 1);
    const bool is_of_keys =
        refusal == sealing::Refusal::kKey || refusal == sealing::Refusal::kUnproven ||
        refusal == sealing::Refusal::kBusy || refusal == sealing::Refusal::kForged;
    const auto sender = static_cast<DaemonIndex>(envelope.sender.value - 1);
    if (!is_of_keys || !has_fair_network_ || is_cut_ || now_ - stirred_at_ < patience ||
        sender >= hosts_.size() || !hosts_[sender]->is_up() ||
        hosts_[sender]->stream_id() != envelope.stream ||
        now_ - std::max({since, hosts_[sender]->born(), hosts_[by]->born()}) < patience) {
        return;
    }
    fail({"S7",
          "d" + std::to_string(by + 1) + " does not understand d" + std::to_string(sender + 1) +
              ", refusal " + std::to_string(static_cast<int>(refusal)) + " of ring key " +
              to_string(envelope.key),
          {reality()}});
}

/// S6: where nothing but keys and modes changes, the ring of all stays as it is.
void Simulator::check_stirred(DaemonIndex daemon, const membership::ConfigurationChange& change) {
    if (!is_calm_) {
        return;
    }
    if (is_whole_[daemon]) {
        fail({"S6",
              "d" + std::to_string(daemon + 1) +
                  " has another configuration, and nothing but keys has changed",
              {reality()}});
    }
    is_whole_[daemon] = change.kind == membership::ConfigurationKind::kRegular &&
                        change.members.size() == hosts_.size();
}

void Simulator::carry_out_daemon_step(const Step& step) {
    if (step.action == Action::kMove) {
        network_.names().move(step.who);
        return;
    }
    std::vector<std::uint16_t> who = step.who;
    if (who.empty()) {
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            who.push_back(static_cast<std::uint16_t>(i));
        }
    }
    for (const std::uint16_t index : who) {
        Host& host = *hosts_[index];
        switch (step.action) {
            case Action::kStart: host.start(step.fate); break;
            case Action::kCrash: host.crash(); break;
            case Action::kLeave: host.leave(); break;
            case Action::kPause: host.pause(true); break;
            case Action::kContinue:
                host.pause(false);
                watch_order_anew(index);
                break;
            case Action::kSlow: host.slow(us(static_cast<std::uint64_t>(step.value))); break;
            case Action::kClogSessions: host.clog_sessions(step.value != 0); break;
            case Action::kDrift: host.drift(step.value); break;
            case Action::kStepClock: host.step_wall_clock(step.value); break;
            case Action::kRotate: host.rotate_key(); break;
            case Action::kFillDisk: host.fill_disk(step.value != 0); break;
            case Action::kSeal: host.seal_as(static_cast<sealing::Mode>(step.value)); break;
            case Action::kAnswerNames:
                network_.names().answer(index, static_cast<Names::Answers>(step.value));
                break;
            case Action::kRelease:
                host.crash();
                host.set_wire_greatest(static_cast<std::uint8_t>(step.value));
                host.start(StateFate::kKept);
                break;
            case Action::kConfigure:
                host.crash();
                host.set_config_version(static_cast<std::uint32_t>(step.value));
                host.start(StateFate::kKept);
                break;
            default: break;
        }
    }
}

void Simulator::carry_out_network_step(const Step& step) {
    switch (step.action) {
        case Action::kPartition: network_.partition(step.parts); break;
        case Action::kHeal: network_.heal(); break;
        case Action::kLink: network_.set_link(step.who[0], step.who[1], step.value != 0); break;
        case Action::kClog: network_.clog(step.who[0], step.who[1], step.value != 0); break;
        case Action::kBlock:
            network_.block(step.way, step.who[0], step.who[1], step.value != 0);
            break;
        case Action::kRumour: hosts_[step.who[0]]->on_peer_unreachable(step.who[1]); break;
        case Action::kDelay: network_.delay(step); break;
        case Action::kDrop: network_.drop_next(step); break;
        case Action::kRates: network_.set_rates(step.rates); break;
        default: break;
    }
}

void Simulator::carry_out_client_step(const Step& step) {
    Client& client = *clients_[step.who[0]];
    switch (step.action) {
        case Action::kConnect: client.connect(step.who[1], step.flag); break;
        case Action::kJoin:
        case Action::kLeaveGroup:
        case Action::kSend: client.request(step); break;
        case Action::kDisconnect: client.disconnect(); break;
        case Action::kAbort: client.abort(static_cast<std::size_t>(step.value)); break;
        case Action::kStall: client.stall(step.value != 0); break;
        case Action::kGarbage: client.garbage(static_cast<std::size_t>(step.value)); break;
        default: break;
    }
}

// Expectations --------------------------------------------------------------------------------

bool Simulator::is_expectation(const Step& step) const {
    return step.action >= Action::kExpectRegular;
}

void Simulator::watch_expectation(const Step& step) {
    if (step.action == Action::kSettle) {
        watch_settling(step);
    } else if (holds(step)) {
        expected_since_.reset();
    } else if (now_ - *expected_since_ >= us(step.within_us)) {
        fail({"E", "not so within its time: " + format(step), {reality()}});
        return;
    }
    if (expected_since_ && !script_posted_) {
        script_posted_ = true;
        post(kWatchEvery, EventKind::kScript, 0);
    }
}

bool Simulator::holds(const Step& step) {
    switch (step.action) {
        case Action::kExpectRegular: {
            protocol::MemberList wanted;
            for (const std::uint16_t daemon : step.who) {
                wanted.push_back(hosts_[daemon]->id());
            }
            std::optional<protocol::RingId> ring;
            return std::all_of(step.who.begin(), step.who.end(), [&](std::uint16_t daemon) {
                const Host& host = *hosts_[daemon];
                if (!host.is_up() || host.state() != membership::RingState::kOperational ||
                    host.engine().members() != wanted) {
                    return false;
                }
                if (!ring) {
                    ring = host.engine().ring_id();
                }
                return *ring == host.engine().ring_id() &&
                       (step.value == 0 || step.value == host.engine().stats().wire_version);
            });
        }
        case Action::kExpectState:
            return hosts_[step.who[0]]->is_up() && hosts_[step.who[0]]->state() == step.state;
        case Action::kExpectView: {
            const auto* view =
                clients_[step.who[0]]->view_of("g" + std::to_string(step.groups[0] + 1));
            if (view == nullptr || view->size() != step.privates.size()) {
                return false;
            }
            return std::all_of(step.privates.begin(), step.privates.end(), [&](ClientIndex member) {
                const std::string& name = clients_[member]->private_name();
                return std::find(view->begin(), view->end(), name) != view->end();
            });
        }
        default: return true;
    }
}

/// What is, for the message that says what should be.
std::string Simulator::reality() const {
    std::string out;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        const Host& host = *hosts_[i];
        out += (i > 0 ? "; d" : "d") + std::to_string(i + 1) + " ";
        if (!host.is_up()) {
            out += "down";
            continue;
        }
        out += std::string(host.is_paused() ? "paused " : "") +
               std::string(membership::to_string(host.state())) + " (d" +
               std::to_string(host.engine().ring_id().representative.value) + "," +
               std::to_string(host.engine().ring_id().counter) + ") ";
        std::vector<std::uint16_t> members;
        for (const protocol::DaemonId member : host.engine().members()) {
            members.push_back(static_cast<std::uint16_t>(member.value - 1));
        }
        out += list_of('d', members) + host.keys_text();
    }
    return out;
}

// Steadiness ----------------------------------------------------------------------------------

namespace {

/// What happens at first is left out: the faults have just begun.
constexpr Duration kUnsteadyAtFirst = std::chrono::seconds(5);
constexpr std::uint64_t kSteadyPercent = 95;
constexpr std::uint64_t kConfigurationsPerMinute = 4;
/// How often the order is looked at, and how long it may stand still beyond the time in which a
/// ring goes on without whoever holds it up.
constexpr Duration kOrderEvery = std::chrono::milliseconds(50);
constexpr Duration kOrderPatience = std::chrono::seconds(1);
constexpr int kOrderTokenLosses = 15;

}  // namespace

void Simulator::begin_steady(const std::vector<std::uint16_t>& who) {
    steady_ = Steady{};
    steady_->who = who;
    steady_->from = now_ + kUnsteadyAtFirst;
    steady_->checked = now_;
    steady_->configurations.resize(who.size());
    steady_->orders.resize(who.size());
    steady_->together = is_together(who);
}

/// L5: what has a place in the order of a ring gets to be held by all, or the ring goes on without
/// those who do not get it.
void Simulator::watch_order() {
    Steady& steady = *steady_;
    steady.look_at = now_ + kOrderEvery;
    const membership::RingConfig timeouts = timeouts_of(scenario_.tunables);
    const Duration patience = kOrderPatience + kOrderTokenLosses * timeouts.token_loss_timeout +
                              timeouts.token_loss_timeout_max;
    for (std::size_t i = 0; i < steady.who.size(); ++i) {
        const Host& host = *hosts_[steady.who[i]];
        Order& order = steady.orders[i];
        if (!host.is_up() || host.is_paused() ||
            host.state() != membership::RingState::kOperational) {
            order.since = now_;
            continue;
        }
        const auto& stats = host.engine().stats();
        const std::uint64_t high = stats.high_seq.value;
        const std::uint64_t safe = stats.safe_up_to.value;
        if (safe >= high || safe != order.safe_up_to || host.engine().ring_id() != order.ring) {
            order = Order{host.engine().ring_id(), safe, now_};
        } else if (now_ - order.since >= patience) {
            fail({"L5",
                  "at d" + std::to_string(steady.who[i] + 1) + " packet " +
                      std::to_string(safe + 1) + " of " + std::to_string(high) +
                      " is not known to be everywhere",
                  {reality()}});
        }
    }
}

/// Nothing may have been looked at while all were paused.
void Simulator::watch_order_anew(std::uint16_t daemon) {
    if (steady_) {
        for (std::size_t i = 0; i < steady_->who.size(); ++i) {
            if (steady_->who[i] == daemon) {
                steady_->orders[i].since = now_;
            }
        }
    }
}

/// One regular configuration at all of them, whoever else is in it.
bool Simulator::is_together(const std::vector<std::uint16_t>& who) const {
    return std::all_of(who.begin(), who.end(), [&](std::uint16_t daemon) {
        const Host& host = *hosts_[daemon];
        return host.is_up() && host.state() == membership::RingState::kOperational &&
               hosts_[who.front()]->is_up() &&
               host.engine().ring_id() == hosts_[who.front()]->engine().ring_id();
    });
}

/// Called after each event that may have changed it.
void Simulator::watch_steady() {
    Steady& steady = *steady_;
    if (now_ >= steady.from) {
        if (steady.checked < steady.from) {
            steady.checked = steady.from;
            for (std::size_t i = 0; i < steady.who.size(); ++i) {
                steady.configurations[i] = hosts_[steady.who[i]]->configurations_installed();
            }
        }
        if (steady.together) {
            steady.time_together += now_ - steady.checked;
        }
    }
    steady.checked = std::max(steady.checked, now_);
    steady.together = is_together(steady.who);
}

/// L4: daemons with good links among them stay together, whatever happens to others.
void Simulator::end_steady() {
    if (!steady_) {
        return;
    }
    watch_steady();
    const Steady steady = *std::exchange(steady_, std::nullopt);
    const Duration time = now_ - steady.from;
    if (time <= Duration(0)) {
        return;
    }
    const auto percent =
        static_cast<std::uint64_t>(100 * steady.time_together.count() / time.count());
    if (percent < kSteadyPercent) {
        fail({"L4",
              list_of('d', steady.who) + " were together " + std::to_string(percent) +
                  " % of the time",
              {reality()}});
    }
    const auto minutes = static_cast<std::uint64_t>(time / std::chrono::minutes(1)) + 1;
    for (std::size_t i = 0; i < steady.who.size(); ++i) {
        // Each regular configuration comes with a transitional one.
        const std::uint64_t count =
            (hosts_[steady.who[i]]->configurations_installed() - steady.configurations[i]) / 2;
        if (count > kConfigurationsPerMinute * minutes) {
            fail({"L4",
                  "d" + std::to_string(steady.who[i] + 1) + " installed " + std::to_string(count) +
                      " configurations in " + std::to_string(minutes) + " min",
                  {reality()}});
        }
    }
}

// Settling ------------------------------------------------------------------------------------

namespace {

/// After all is quiet nothing may stir for so long (L3).
constexpr Duration kCalm = std::chrono::milliseconds(300);
/// Packets of a quiet ring in that time, per pair of daemons: held tokens, probes.
constexpr std::uint64_t kCalmPacketsPerPair = 200;
/// Token loss timeouts for which daemons may leave others out before all must come together; it is
/// what the engine does at most.
constexpr int kLeftOutTokenLosses = 120;

}  // namespace

/// L1: every set of connected daemons shares one regular configuration; L2: whatever was accepted
/// is delivered and nothing is under way; L3: it stays like that.
void Simulator::watch_settling(const Step& step) {
    std::uint64_t configurations = 0;
    for (const auto& host : hosts_) {
        configurations += host->configurations_installed();
    }
    if (calm_since_) {
        if (configurations != calm_configurations_) {
            fail({"L3", "configurations change although nothing happens", {reality()}});
        } else if (now_ - *calm_since_ >= kCalm) {
            const std::uint64_t packets = network_.packets_sent() - calm_packets_;
            if (packets > kCalmPacketsPerPair * hosts_.size() * hosts_.size()) {
                fail({"R3",
                      std::to_string(packets) + " packets in " +
                          std::to_string(kCalm.count() / 1000000) + " ms although nothing happens",
                      {reality()}});
            }
            expected_since_.reset();
            calm_since_.reset();
            stray_until_.reset();
            settled_ = true;
        }
        return;
    }
    if (!stray_until_) {
        // A token that the last fault swallowed is missed only some time later.
        Duration loss_timeout = timeouts_of(scenario_.tunables).token_loss_timeout;
        for (const auto& host : hosts_) {
            if (host->is_up()) {
                loss_timeout = std::max(loss_timeout, host->engine().stats().loss_timeout);
            }
        }
        stray_until_ = std::max(network_.latest_arrival(), now_ + 2 * loss_timeout);
        patient_until_ =
            now_ + kLeftOutTokenLosses * timeouts_of(scenario_.tunables).token_loss_timeout;
    }
    if (leaves_somebody_out() && now_ < patient_until_) {
        expected_since_ = now_;
    }
    const auto problem = unsettled();
    if (!problem && now_ <= *stray_until_) {
        return;  // what is still under way may stir things once more
    }
    if (!problem) {
        calm_since_ = now_;
        calm_configurations_ = configurations;
        calm_packets_ = network_.packets_sent();
    } else if (now_ - *expected_since_ >= us(step.within_us)) {
        fail({problem->substr(0, 2), problem->substr(3), {reality()}});
    }
}

/// Who seemed to make rings fail is not let in for a while.
bool Simulator::leaves_somebody_out() const {
    return std::any_of(hosts_.begin(), hosts_.end(), [](const auto& host) {
        return host->is_up() && host->engine().stats().daemons_left_out > 0;
    });
}

std::optional<std::string> Simulator::unsettled() {
    for (const auto& host : hosts_) {
        if (!host->is_up()) {
            continue;
        }
        if (host->is_paused()) {
            return "L1 d" + std::to_string(host->id().value) + " is paused";
        }
        protocol::MemberList component;
        for (const auto& other : hosts_) {
            const auto index = static_cast<DaemonIndex>(other->id().value - 1);
            const auto own = static_cast<DaemonIndex>(host->id().value - 1);
            if (other->is_up() && network_.colour(index) == network_.colour(own) &&
                other->config_version() == host->config_version()) {
                component.push_back(other->id());
            }
        }
        if (host->state() != membership::RingState::kOperational ||
            host->engine().members() != component ||
            host->engine().ring_id() != hosts_[component.front().value - 1]->engine().ring_id()) {
            return "L1 d" + std::to_string(host->id().value) +
                   " is not in one configuration with all it can reach";
        }
    }
    for (const auto& host : hosts_) {
        if (host->is_up() && !host->is_quiet()) {
            return "L2 d" + std::to_string(host->id().value) + " does not come to rest";
        }
    }
    for (const auto& client : clients_) {
        if (!client->is_quiet()) {
            return "L2 client " + client->user() + " does not come to rest";
        }
    }
    return std::nullopt;
}

}  // namespace spread::sim
