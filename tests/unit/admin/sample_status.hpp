#pragma once

#include "daemon/admin/status.hpp"
#include "daemon/host/process_watch.hpp"

namespace spread::admin {

/// Daemon node1 of a ring of two of three, as it might be.
inline Status sample_status() {
    Status out;
    out.name = "node1";
    out.id = 7;
    out.address = "10.0.0.1";
    out.port = 4803;
    out.version = "1.2.3";
    out.commit = "c0ffee";
    out.wire = 4;
    out.process = 4711;
    out.started_at = WallTime(std::chrono::seconds(1000));
    out.at = WallTime(std::chrono::seconds(1100));
    out.ring.state = "operational";
    out.ring.representative_id = 7;
    out.ring.counter = 42;
    out.ring.representative = "node1";
    out.ring.members = {"node1", "node2"};
    out.ring.configured = 3;
    out.ring.missing = {{"node3", "token_port", "token port closed", out.started_at}};
    out.ring.since = out.started_at;
    out.ring.token_timeout = std::chrono::milliseconds(250);
    out.peers = {{"node1", "10.0.0.1", 4803, 0, true, true, {}, {}, {}},
                 {"node2", "10.0.0.2", 4803, 0, false, true, std::chrono::milliseconds(20), {}, {}},
                 {"node3", "10.0.0.3", 4803, 0, false, false, {}, {}, {}}};
    out.sessions.emplace();
    out.sessions->connected = 2;
    out.sessions->slow = 1;
    out.sessions->groups_are_settled = true;
    out.tls = {"allow", "node1.example", WallTime(std::chrono::seconds(9000))};
    out.clients_max = 997;
    out.config_hash = 99;
    out.ring.formations.changes = {{"joined", 2}};
    for (const protocol::CounterInfo& row : protocol::kRingCounters) {
        out.ring_counters.emplace_back(row, 5);
    }
    for (const protocol::CounterInfo& row : protocol::kTransportCounters) {
        out.udp_counters.emplace_back(row, 6);
    }
    for (const protocol::CounterInfo& row : protocol::kSealingCounters) {
        out.seal_counters.emplace_back(row, 7);
    }
    for (const protocol::CounterInfo& row : protocol::kTlsCounters) {
        out.sessions->tls_counters.emplace_back(row, 8);
    }
    return out;
}

/// And its process.
inline daemon::ProcessFacts sample_usage() {
    daemon::ProcessFacts out;
    out.files_open = 20;
    out.stat.emplace();
    out.thread_cpu_seconds = {{"main", 1}, {"ring", 2}};
    return out;
}

}  // namespace spread::admin
