#include <algorithm>

#include "tests/sim/generator_draft.hpp"

namespace spread::sim {
namespace {

constexpr std::size_t kClientsOfRunMax = 14;
/// Clients go on for so long after the last fault.
constexpr std::uint64_t kAfterwardsUs = 60000;

/// What the clients of one scenario do.
class Workload {
  public:
    explicit Workload(Draft& draft) : draft_(draft), draw_(draft.seed, "workload") {}
    void draw();

  private:
    void draw_clients();
    void draw_churn();
    void draw_collisions();
    void draw_bursts();
    void draw_departures();
    void draw_stalls();
    void draw_returns();
    void draw_peace();

    [[nodiscard]] std::uint16_t clients() const {
        return static_cast<std::uint16_t>(homes_.size());
    }
    [[nodiscard]] ClientIndex any_client() {
        return static_cast<ClientIndex>(draw_.between(0, homes_.size() - 1));
    }
    [[nodiscard]] std::uint16_t any_group() {
        return static_cast<std::uint16_t>(draw_.between(0, groups_ - 1));
    }
    /// Any time from the first connection until shortly after the last fault, often just when a
    /// fault begins or ends.
    [[nodiscard]] std::uint64_t any_time();
    [[nodiscard]] std::uint32_t any_size();
    [[nodiscard]] checker::ClientService any_service();
    [[nodiscard]] Step any_multicast(ClientIndex client);

    void connect(std::uint64_t at, ClientIndex client, DaemonIndex daemon);
    /// Some group, within `most_us` from `at`.
    void join_soon(std::uint64_t at, std::uint64_t most_us, ClientIndex client);
    void join(std::uint64_t at, ClientIndex client, std::uint16_t group);
    void leave(std::uint64_t at, ClientIndex client, std::uint16_t group);
    void push(std::uint64_t at, Action action, ClientIndex client, std::int64_t value = 0);

    Draft& draft_;
    Draw draw_;
    std::vector<DaemonIndex> homes_;  ///< by client
    std::vector<std::uint64_t> fault_times_;
    std::uint64_t first_us_ = 0;
    std::uint16_t groups_ = 1;
    std::uint64_t quiet_percent_ = 20;  ///< of clients that want no memberships
    std::vector<std::uint32_t> service_weights_;
    std::uint32_t bytes_max_ = 0;
};

void Workload::draw() {
    for (const Step& step : draft_.scenario.steps) {
        if (step.when.time_us >= draft_.faults_us && step.when.time_us < draft_.peace_us) {
            fault_times_.push_back(step.when.time_us);
        }
    }
    draw_clients();
    if (homes_.empty()) {
        return;
    }
    draw_churn();
    draw_collisions();
    draw_bursts();
    draw_departures();
    draw_stalls();
    draw_returns();
    draw_peace();
}

void Workload::draw_clients() {
    groups_ =
        static_cast<std::uint16_t>(draw_.percent(5) ? draw_.between(8, 16) : draw_.between(1, 4));
    if (groups_ > 4) {
        // A large table, which travels in several parts.
        draft_.scenario.tunables.state_message_bytes = draw_.between32(1024, 1400);
    }
    quiet_percent_ = draw_.percent(50) ? 0 : draw_.between(10, 70);
    if (draw_.percent(25)) {
        service_weights_.assign(6, 0);
        service_weights_[draw_.between(0, 5)] = 1;
    } else {
        for (int service = 0; service < 6; ++service) {
            service_weights_.push_back(draw_.between32(1, 8));
        }
    }
    const std::uint32_t datagram = draft_.scenario.tunables.datagram_bytes;
    bytes_max_ = std::min<std::uint32_t>(60000, 50 * (datagram != 0 ? datagram : 1452));

    std::vector<DaemonIndex> seats;
    for (std::size_t daemon = 0; daemon < draft_.scenario.daemons(); ++daemon) {
        const std::size_t count = draw_.weighted({25, 38, 24, 13});
        seats.insert(seats.end(), count, static_cast<DaemonIndex>(daemon));
    }
    draw_.shuffle(seats);
    seats.resize(std::min(seats.size(), kClientsOfRunMax));
    homes_ = seats;
    first_us_ = draft_.peace_us;
    for (ClientIndex client = 0; client < clients(); ++client) {
        const DaemonIndex home = homes_[client];
        const std::uint64_t at =
            draft_.started_us[home] + draw_.skewed(0, draft_.timeouts.start_us);
        first_us_ = std::min(first_us_, at);
        connect(at, client, home);
        const std::uint64_t joins =
            draw_.between(groups_ > 4 ? 4 : 0, std::min<std::uint64_t>(groups_, 10));
        for (std::uint64_t i = 0; i < joins; ++i) {
            join_soon(at, 20000, client);
        }
    }
}

void Workload::draw_churn() {
    for (std::uint64_t left = draw_.skewed(0, 24); left > 0; --left) {
        const ClientIndex client = any_client();
        const std::uint16_t group = any_group();
        const std::uint64_t at = any_time();
        if (draw_.percent(50)) {
            join(at, client, group);
        } else {
            leave(at, client, group);
            if (draw_.percent(60)) {
                join(at + draw_.skewed(0, 3000), client, group);
            }
        }
    }
}

/// Many clients want into or out of one group at the same time.
void Workload::draw_collisions() {
    for (std::uint64_t left = draw_.skewed(0, 5); left > 0; --left) {
        const std::uint64_t at = any_time();
        const std::uint16_t group = any_group();
        for (ClientIndex client = 0; client < clients(); ++client) {
            if (draw_.percent(60)) {
                const std::uint64_t when = at + (draw_.percent(50) ? 0 : draw_.skewed(0, 500));
                draw_.percent(60) ? join(when, client, group) : leave(when, client, group);
            }
        }
    }
}

/// A burst is a few clients sending at once; between bursts there is silence.
void Workload::draw_bursts() {
    std::uint64_t budget = draw_.between(50, 330);
    while (budget > 0) {
        const std::uint64_t at = any_time();
        for (std::uint64_t senders = draw_.skewed(1, 4); senders > 0 && budget > 0; --senders) {
            const std::uint64_t when = at + draw_.skewed(0, 2000);
            Step step = any_multicast(any_client());
            const std::uint64_t fitting =
                std::max<std::uint64_t>(1, 30000 / std::max<std::uint32_t>(1, step.bytes));
            const std::uint64_t count = std::min({budget, fitting, draw_.skewed(1, 25)});
            step.value = static_cast<std::int64_t>(count);
            budget -= count;
            draft_.push(when, std::move(step));
        }
    }
}

/// Clients go, in order or not, write nonsense, and mostly come back under their names.
void Workload::draw_departures() {
    for (std::uint64_t left = draw_.skewed(0, 6); left > 0; --left) {
        const ClientIndex client = any_client();
        const std::uint64_t at = any_time();
        switch (draw_.weighted({40, 25, 20, 15})) {
            case 0: push(at, Action::kDisconnect, client); break;
            case 1: push(at, Action::kAbort, client); break;
            // Headers are 48 bytes, a group name 32, and the body has some hundred.
            case 2:
                push(at, Action::kAbort, client, static_cast<std::int64_t>(draw_.between(1, 379)));
                break;
            default:
                push(at, Action::kGarbage, client, static_cast<std::int64_t>(draw_.skewed(1, 600)));
        }
        if (draw_.percent(80)) {
            const bool moves = draw_.percent(25);
            const std::uint64_t back = at + draw_.skewed(0, draft_.timeouts.token_loss_us);
            connect(back, client, moves ? draft_.any_daemon(draw_) : homes_[client]);
            for (std::uint64_t i = draw_.between(0, 2); i > 0; --i) {
                join_soon(back, 5000, client);
            }
        }
    }
}

void Workload::draw_stalls() {
    if (!draw_.percent(20)) {
        return;
    }
    for (std::uint64_t left = draw_.skewed(1, 4); left > 0; --left) {
        const ClientIndex client = any_client();
        const std::uint64_t at = draft_.any_time(draw_);
        push(at, Action::kStall, client, 1);
        push(draft_.soon_after(draw_, at), Action::kStall, client, 0);
    }
}

/// Those whose daemon went away look for it, or for another one.
void Workload::draw_returns() {
    for (const Outage& outage : draft_.outages) {
        for (ClientIndex client = 0; client < clients(); ++client) {
            if (homes_[client] != outage.daemon || !draw_.percent(70)) {
                continue;
            }
            const std::uint64_t at =
                outage.at_us + draw_.skewed(0, 4 * draft_.timeouts.token_loss_us);
            connect(at, client, draw_.percent(60) ? outage.daemon : draft_.any_daemon(draw_));
            if (draw_.percent(80)) {
                join_soon(at, 5000, client);
            }
        }
    }
}

/// Most clients are connected, and there is something to deliver.
void Workload::draw_peace() {
    const std::uint64_t at = draft_.peace_us;
    for (ClientIndex client = 0; client < clients(); ++client) {
        if (!draw_.percent(75)) {
            continue;
        }
        const DaemonIndex daemon = draw_.one_of(draft_.core);
        connect(at + draw_.skewed(0, kAfterwardsUs), client, daemon);
        if (draw_.percent(60)) {
            join_soon(at, kAfterwardsUs, client);
        }
        if (draw_.percent(50)) {
            Step step = any_multicast(client);
            step.value = 1;
            draft_.push(at + draw_.skewed(0, kAfterwardsUs), std::move(step));
        }
    }
}

std::uint64_t Workload::any_time() {
    if (!fault_times_.empty() && draw_.percent(50)) {
        constexpr std::uint64_t kAround = 3000;
        const std::uint64_t fault = draw_.one_of(fault_times_);
        const std::uint64_t distance = draw_.skewed(0, kAround);
        return draw_.percent(50) ? fault + distance : fault - std::min(fault, distance);
    }
    return draw_.between(first_us_, draft_.peace_us + kAfterwardsUs);
}

std::uint32_t Workload::any_size() {
    switch (draw_.weighted({8, 52, 27, 11, 2})) {
        case 0: return 0;
        case 1: return draw_.between32(1, 200);
        case 2: return draw_.between32(200, 1450);
        case 3: return std::min(bytes_max_, draw_.between32(1450, 8000));
        default: return std::min(bytes_max_, draw_.between32(10000, 60000));
    }
}

checker::ClientService Workload::any_service() {
    return static_cast<checker::ClientService>(draw_.weighted(service_weights_));
}

Step Workload::any_multicast(ClientIndex client) {
    Step step;
    step.action = Action::kSend;
    step.who = {client};
    step.service = any_service();
    step.bytes = any_size();
    step.flag = draw_.percent(12);
    const std::size_t kind = draw_.weighted({55, 23, 10, 12});  // one, many, private, both
    if (kind != 2) {
        for (std::uint64_t i = kind == 0 ? 1 : draw_.between(2, 4); i > 0; --i) {
            step.groups.push_back(any_group());  // may name one twice, which is legal
        }
    }
    if (kind >= 2) {
        for (std::uint64_t i = draw_.between(1, 2); i > 0; --i) {
            step.privates.push_back(any_client());
        }
    }
    return step;
}

void Workload::connect(std::uint64_t at, ClientIndex client, DaemonIndex daemon) {
    Step step;
    step.action = Action::kConnect;
    step.who = {client, daemon};
    step.flag = !draw_.percent(quiet_percent_);
    draft_.push(at, std::move(step));
}

void Workload::join_soon(std::uint64_t at, std::uint64_t most_us, ClientIndex client) {
    const std::uint16_t group = any_group();
    join(at + draw_.skewed(0, most_us), client, group);
}

void Workload::join(std::uint64_t at, ClientIndex client, std::uint16_t group) {
    Step step;
    step.action = Action::kJoin;
    step.who = {client};
    step.groups = {group};
    draft_.push(at, std::move(step));
}

void Workload::leave(std::uint64_t at, ClientIndex client, std::uint16_t group) {
    Step step;
    step.action = Action::kLeaveGroup;
    step.who = {client};
    step.groups = {group};
    draft_.push(at, std::move(step));
}

void Workload::push(std::uint64_t at, Action action, ClientIndex client, std::int64_t value) {
    draft_.push(at, action, {client}, value);
}

}  // namespace

void draw_workload(Draft& draft) {
    Workload(draft).draw();
}

}  // namespace spread::sim
