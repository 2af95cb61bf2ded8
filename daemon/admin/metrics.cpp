#include "daemon/admin/metrics.hpp"

#include <sys/resource.h>

#include <cctype>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "membership/absence.hpp"

namespace spread::admin {
namespace {

using protocol::CounterKind;

double seconds_of(WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// Backslash, quote and newline, as the format has them.
std::string in_quotes(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') {
            out += '\\';
        }
        out += c;
    }
    return out + '"';
}

/// One metric after the other; the samples of a metric stand together.
class Text {
  public:
    void begin(std::string_view name, std::string_view type, std::string_view help) {
        name_ = fmt::format("spread_{}", name);
        fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name_, help, name_,
                       type);
    }
    void sample(double value) { add("", value); }
    void sample(std::string_view label, std::string_view label_value, double value) {
        add(fmt::format("{{{}={}}}", label, in_quotes(label_value)), value);
    }
    void labelled(const std::string& labels, double value) { add("{" + labels + "}", value); }
    /// Of a histogram.
    void part(std::string_view suffix, std::string_view labels, double value) {
        fmt::format_to(std::back_inserter(out_), "{}{}{} {}\n", name_, suffix, labels, value);
    }
    void gauge(std::string_view name, std::string_view help, double value) {
        begin(name, "gauge", help);
        sample(value);
    }
    void counter(std::string_view name, std::string_view help, double value) {
        begin(name, "counter", help);
        sample(value);
    }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    void add(const std::string& labels, double value) {
        fmt::format_to(std::back_inserter(out_), "{}{} {}\n", name_, labels, value);
    }

    std::string out_;
    std::string name_;
};

void add_formations(Text& text, const Formations& formations) {
    text.begin("ring_changes_total", "counter", "Rings that were installed, by the cause.");
    for (const auto& [cause, times] : formations.changes) {
        text.sample("cause", cause, static_cast<double>(times));
    }
    text.begin("ring_formation_seconds", "histogram",
               "Time between the end of a ring and the next one.");
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < Formations::kBucketEnds.size(); ++i) {
        below += formations.in_bucket[i];
        text.part("_bucket", fmt::format("{{le=\"{}\"}}", Formations::kBucketEnds[i]),
                  static_cast<double>(below));
    }
    text.part("_bucket", "{le=\"+Inf\"}", static_cast<double>(formations.timed));
    text.part("_sum", "", formations.seconds_sum);
    text.part("_count", "", static_cast<double>(formations.timed));
}

void add_rotations(Text& text, const membership::RotationTimes& rotations) {
    using membership::RotationTimes;
    const auto in_seconds = [](protocol::Duration time) {
        return std::chrono::duration<double>(time).count();
    };
    text.begin("token_rotation_seconds", "histogram",
               "Rotations of the token in which it did not rest.");
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < RotationTimes::kEnds; ++i) {
        below += rotations.in_bucket[i];
        text.part("_bucket", fmt::format("{{le=\"{}\"}}", in_seconds(RotationTimes::end_of(i))),
                  static_cast<double>(below));
    }
    const auto all = static_cast<double>(rotations.count());
    text.part("_bucket", "{le=\"+Inf\"}", all);
    text.part("_sum", "", in_seconds(rotations.sum));
    text.part("_count", "", all);
}

void add_ring(Text& text, const Status& status) {
    const RingStatus& ring = status.ring;
    text.gauge("daemons_configured",
               "Daemons in the configuration file, without names that nothing is known of.",
               static_cast<double>(ring.configured - ring.unknown));
    text.gauge("ring_members", "Daemons in the ring that was installed last, this one included.",
               static_cast<double>(ring.members.size()));
    text.begin("ring_member", "gauge", "Whether a configured daemon is in the ring.");
    for (const PeerStatus& peer : status.peers) {
        text.sample("daemon", peer.name, peer.is_member ? 1 : 0);
    }
    text.begin("ring_state", "gauge", "1 for the state that the ring engine is in.");
    for (const std::string_view state : {"operational", "gather", "commit", "recovery"}) {
        text.sample("state", state, ring.state == state ? 1 : 0);
    }
    text.gauge("ring_representative", "Whether this daemon is the ring's representative.",
               ring.representative_id == status.id ? 1 : 0);
    if (ring.since) {
        text.gauge("ring_last_change_timestamp_seconds", "When the ring was installed.",
                   seconds_of(*ring.since));
    }
    text.begin("peer_left_out", "gauge",
               "1 for the cause why a configured daemon is not in the ring.");
    for (const MissingStatus& each : ring.missing) {
        text.labelled(
            fmt::format("daemon={},cause={}", in_quotes(each.daemon), in_quotes(each.cause)), 1);
    }
    add_formations(text, ring.formations);
    add_rotations(text, ring.rotations);
}

void add_counters(Text& text, std::string_view part, const std::vector<Status::Counter>& counters) {
    for (const auto& [info, value] : counters) {
        const bool is_time = info.unit == "ns";
        const bool is_counter = info.kind == CounterKind::kCounter;
        const std::string name = fmt::format("{}_{}{}{}", part, info.name,
                                             is_time ? "_seconds" : "", is_counter ? "_total" : "");
        std::string help(info.help);
        help[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(help[0])));
        text.begin(name, is_counter ? "counter" : "gauge", help + ".");
        text.sample(is_time ? static_cast<double>(value) / 1e9 : static_cast<double>(value));
    }
}

void add_sessions(Text& text, const Status& status) {
    text.gauge("clients_max", "Clients that may be connected at once (MaxSessions).",
               static_cast<double>(status.clients_max));
    text.gauge("client_queue_limit_bytes", "Bytes that may wait for one client (MaxSessionBytes).",
               static_cast<double>(status.client_bytes_max));
    if (status.tls) {
        text.gauge("tls_certificate_expires_timestamp_seconds",
                   "When the certificate that clients are shown expires.",
                   seconds_of(status.tls->expires));
    }
    if (!status.sessions) {
        return;
    }
    const SessionsStatus& sessions = *status.sessions;
    text.gauge("clients", "Clients that are connected.", static_cast<double>(sessions.connected));
    text.gauge("clients_slow", "Clients for which much waits, because they do not read.",
               static_cast<double>(sessions.slow));
    text.gauge("client_queue_bytes", "Bytes that wait for clients; shared messages count once.",
               static_cast<double>(sessions.queue_bytes));
    text.gauge("client_queue_bytes_max", "Bytes that wait for the client for which most waits.",
               static_cast<double>(sessions.queue_bytes_max));
    text.counter("client_connects_total", "Handshakes that clients have finished.",
                 static_cast<double>(sessions.totals.opened));
    text.begin("client_disconnects_total", "counter", "Sessions that have ended, by reason.");
    for (std::size_t i = 0; i < sessions.totals.closed.size(); ++i) {
        text.sample("reason", word_of(static_cast<session::CloseReason>(i)),
                    static_cast<double>(sessions.totals.closed[i]));
    }
    add_counters(text, "tls", sessions.tls_counters);
    text.gauge("groups", "Groups with members, on all daemons.",
               static_cast<double>(sessions.groups));
    text.gauge("group_members", "Memberships of all groups.",
               static_cast<double>(sessions.memberships));
    text.gauge("groups_settled", "Whether no exchange of group state is under way.",
               sessions.groups_are_settled ? 1 : 0);
}

void add_process(Text& text, const Status& status) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto in_seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    text.begin("build_info", "gauge", "1; the labels say what runs.");
    text.labelled(fmt::format("version={},wire=\"{}\"", in_quotes(status.version), status.wire), 1);
    text.begin("config_info", "gauge", "1; the label is the hash that daemons of a ring share.");
    text.sample("hash", std::to_string(status.config_hash), 1);
    text.gauge("start_time_seconds", "When the daemon started.", seconds_of(status.started_at));
    text.counter("cpu_seconds_total", "Processor time used.",
                 in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime));
    text.gauge("memory_max_bytes", "Most memory that was resident so far.",
               static_cast<double>(usage.ru_maxrss) * 1024);
}

}  // namespace

std::string metrics_text(const Status& status) {
    Text text;
    add_process(text, status);
    add_ring(text, status);
    add_counters(text, "ring", status.ring_counters);
    add_counters(text, "udp", status.udp_counters);
    add_counters(text, "seal", status.seal_counters);
    add_sessions(text, status);
    return text.take();
}

}  // namespace spread::admin
