#include "daemon/admin/metrics.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
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
        begin_as(fmt::format("spread_{}", name), type, help);
    }
    /// With a name that is not ours alone.
    void begin_as(std::string name, std::string_view type, std::string_view help) {
        name_ = std::move(name);
        fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name_, help, name_,
                       type);
    }
    void sample(double value) { add("", value); }
    void sample(std::string_view label, std::string_view label_value, double value) {
        add(fmt::format("{{{}={}}}", label, in_quotes(label_value)), value);
    }
    /// `labels` may be empty.
    void labelled(const std::string& labels, double value) {
        add(labels.empty() ? "" : "{" + labels + "}", value);
    }
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
    text.begin("ring_changes_total", "counter", "Rings that were installed, by the reason.");
    for (const auto& [reason, times] : formations.changes) {
        text.sample("reason", reason, static_cast<double>(times));
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
    text.begin("peer_packets_total", "counter", "Data packets of each other daemon that came.");
    for (const PeerStatus& peer : status.peers) {
        if (!peer.is_self) {
            text.sample("daemon", peer.name, static_cast<double>(peer.packets));
        }
    }
    text.begin("peer_packets_lost_total", "counter", "Of these, those that had to be asked for.");
    for (const PeerStatus& peer : status.peers) {
        if (!peer.is_self) {
            text.sample("daemon", peer.name, static_cast<double>(peer.lost));
        }
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

/// Metrics that are not called after one row of the counters' table: each sample is the sum of the
/// rows that stand here with its labels.
struct Sample {
    std::string_view row;  ///< "ring.packets_sent"
    std::string_view metric;
    std::string_view labels;  ///< may be empty
};
constexpr std::string_view kDropped = "packets_dropped_total";
constexpr std::string_view kRetransmitted = "packets_retransmitted_total";
constexpr std::string_view kPackets = "packets_total";
constexpr Sample kSamples[] = {
    {"ring.tokens_late", "token_late_total", ""},
    {"ring.token_losses", "token_losses_total", ""},
    {"ring.own_pauses", "own_pauses_total", ""},
    {"ring.own_pause", "own_pause_seconds_total", ""},
    {"ring.packets_sent", kPackets, "direction=\"sent\""},
    {"ring.packets_received", kPackets, "direction=\"received\""},
    {"ring.packets_retransmitted", kRetransmitted, "kind=\"sent\""},
    {"ring.retransmissions_requested", kRetransmitted, "kind=\"asked\""},
    {"ring.config_hash_mismatches", kDropped, "reason=\"config\""},
    {"ring.packets_other_wire", kDropped, "reason=\"wire\""},
    {"ring.packets_malformed", kDropped, "reason=\"malformed\""},
    {"seal.rejected_malformed", kDropped, "reason=\"malformed\""},
    {"seal.rejected_plain", kDropped, "reason=\"auth\""},
    {"seal.rejected_sender", kDropped, "reason=\"auth\""},
    {"seal.rejected_key", kDropped, "reason=\"auth\""},
    {"seal.rejected_forged", kDropped, "reason=\"auth\""},
    {"seal.rejected_replayed", kDropped, "reason=\"auth\""},
    {"seal.rejected_busy", kDropped, "reason=\"auth\""},
    {"udp.unknown_sources", kDropped, "reason=\"auth\""},
    {"udp.truncated", kDropped, "reason=\"buffer\""},
    {"udp.socket_drops", "socket_receive_drops_total", ""},
    {"udp.receive_buffer", "socket_receive_buffer_bytes", ""},
    {"ring.flow_window", "window_packets", ""},
};

/// Of metrics with several rows; others have the help of their row.
std::string_view help_of(std::string_view metric) {
    if (metric == kPackets) {
        return "New data packets sent, and first copies received.";
    }
    if (metric == kRetransmitted) {
        return "Data packets sent again on request, and asked for.";
    }
    return metric == kDropped ? "Datagrams dropped, by the reason." : "";
}

/// What is only exported as a sample; those of the seal tell reasons apart that a sample does not.
bool is_only_sample(std::string_view part, std::string_view row) {
    return part != "seal" && std::ranges::any_of(kSamples, [&](const Sample& sample) {
               return sample.row.starts_with(part) && sample.row.substr(part.size() + 1) == row;
           });
}

double number_of(const Status::Counter& counter) {
    const auto value = static_cast<double>(counter.second);
    return counter.first.unit == "ns" ? value / 1e9 : value;
}

const Status::Counter* find_row(const Status& status, std::string_view row) {
    const std::string_view part = row.substr(0, row.find('.'));
    const auto& counters = part == "ring"  ? status.ring_counters
                           : part == "udp" ? status.udp_counters
                                           : status.seal_counters;
    const auto found = std::ranges::find_if(counters, [&](const Status::Counter& each) {
        return each.first.name == row.substr(part.size() + 1);
    });
    return found == counters.end() ? nullptr : &*found;
}

std::string sentence(std::string_view help) {
    std::string out(help);
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out + ".";
}

void add_samples(Text& text, const Status& status) {
    std::string_view metric;
    for (const Sample* at = std::begin(kSamples); at != std::end(kSamples);) {
        const Status::Counter* row = find_row(status, at->row);
        if (row == nullptr) {
            ++at;
            continue;
        }
        if (std::exchange(metric, at->metric) != at->metric) {
            const std::string_view help = help_of(metric);
            text.begin(metric, row->first.kind == CounterKind::kCounter ? "counter" : "gauge",
                       help.empty() ? sentence(row->first.help) : help);
        }
        const std::string_view labels = at->labels;
        double sum = 0;
        for (; at != std::end(kSamples) && at->metric == metric && at->labels == labels; ++at) {
            const Status::Counter* each = find_row(status, at->row);
            sum += each != nullptr ? number_of(*each) : 0;
        }
        text.labelled(std::string(labels), sum);
    }
    const Status::Counter* high = find_row(status, "ring.high_seq");
    const Status::Counter* aru = find_row(status, "ring.my_aru");
    if (high != nullptr && aru != nullptr) {
        text.gauge("aru_lag_packets",
                   "Packets known to be on the ring and not received without a hole yet.",
                   number_of(*high) - number_of(*aru));
    }
}

void add_counters(Text& text, std::string_view part, const std::vector<Status::Counter>& counters) {
    for (const auto& [info, value] : counters) {
        if (is_only_sample(part, info.name)) {
            continue;
        }
        const bool is_time = info.unit == "ns";
        const bool is_counter = info.kind == CounterKind::kCounter;
        const std::string name = fmt::format("{}_{}{}{}", part, info.name,
                                             is_time ? "_seconds" : "", is_counter ? "_total" : "");
        text.begin(name, is_counter ? "counter" : "gauge", sentence(info.help));
        text.sample(number_of({info, value}));
    }
}

void add_traffic(Text& text, const session::Traffic& traffic) {
    using session::Traffic;
    const auto add = [&](auto member) {
        for (const auto& [direction, by_service] :
             {std::pair("sent", &traffic.sent), std::pair("delivered", &traffic.delivered)}) {
            for (std::size_t i = 0; i < Traffic::kServices.size(); ++i) {
                text.labelled(fmt::format("direction=\"{}\",service=\"{}\"", direction,
                                          Traffic::kServices[i]),
                              static_cast<double>((*by_service)[i].*member));
            }
        }
    };
    text.begin("messages_total", "counter",
               "Messages that clients here have sent, and those queued for clients here, each once "
               "for each client.");
    add(&Traffic::Amount::messages);
    text.begin("message_bytes_total", "counter", "Bytes of the bodies of these messages.");
    add(&Traffic::Amount::bytes);
}

void add_connects(Text& text, const daemon::SessionTotals& totals) {
    text.begin("client_connects_total", "counter",
               "Connections of clients, by how their handshake ended.");
    text.sample("result", "accepted", static_cast<double>(totals.opened));
    for (std::size_t i = 0; i < totals.unopened.size(); ++i) {
        text.sample("result", word_of(static_cast<session::CloseReason>(i)),
                    static_cast<double>(totals.unopened[i]));
    }
    text.begin("client_disconnects_total", "counter", "Sessions that have ended, by reason.");
    for (std::size_t i = 0; i < totals.closed.size(); ++i) {
        text.sample("reason", word_of(static_cast<session::CloseReason>(i)),
                    static_cast<double>(totals.closed[i] - totals.unopened[i]));
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
    text.gauge("submit_queue_messages",
               "Messages of clients that the ring's thread has not taken yet.",
               static_cast<double>(sessions.submit_queue_messages));
    text.gauge("delivery_queue_bytes",
               "Bytes of messages of the ring that the session thread has not taken yet.",
               static_cast<double>(sessions.delivery_queue_bytes));
    add_traffic(text, sessions.traffic);
    add_connects(text, sessions.totals);
    add_counters(text, "tls", sessions.tls_counters);
    text.gauge("groups", "Groups with members, on all daemons.",
               static_cast<double>(sessions.groups));
    text.gauge("group_members", "Memberships of all groups.",
               static_cast<double>(sessions.memberships));
    text.gauge("groups_settled", "Whether no exchange of group state is under way.",
               sessions.groups_are_settled ? 1 : 0);
}

/// What Prometheus expects of any process, by the names it is known by everywhere.
void add_process(Text& text, const daemon::ProcessFacts& usage) {
    const auto add = [&](const char* name, const char* type, const char* help, double value) {
        text.begin_as(name, type, help);
        text.sample(value);
    };
    add("process_cpu_seconds_total", "counter", "Processor time used.", usage.cpu_seconds);
    add("process_max_fds", "gauge", "Files that may be open at once.",
        static_cast<double>(usage.files_max));
    if (usage.files_open) {
        add("process_open_fds", "gauge", "Files that are open.",
            static_cast<double>(*usage.files_open));
    }
    if (usage.stat) {
        add("process_resident_memory_bytes", "gauge", "Memory that is resident.",
            static_cast<double>(usage.stat->resident_bytes));
        add("process_virtual_memory_bytes", "gauge", "Address space in use.",
            static_cast<double>(usage.stat->virtual_bytes));
        add("process_start_time_seconds", "gauge", "When the process started.",
            seconds_of(usage.started_at));
        add("process_threads", "gauge", "Threads of the process.",
            static_cast<double>(usage.stat->threads));
    }
    text.gauge("memory_max_bytes", "Most memory that was resident so far.",
               static_cast<double>(usage.resident_bytes_max));
    text.begin("thread_cpu_seconds_total", "counter",
               "Processor time used by the threads that run.");
    for (const auto& [thread, seconds] : usage.thread_cpu_seconds) {
        text.sample("thread", thread, seconds);
    }
}

void add_daemon(Text& text, const Status& status) {
    text.begin("build_info", "gauge", "1; the labels say what runs.");
    text.labelled(fmt::format("version={},wire=\"{}\",commit={}", in_quotes(status.version),
                              status.wire, in_quotes(status.commit)),
                  1);
    text.begin("config_info", "gauge", "1; the label is the hash that daemons of a ring share.");
    text.sample("hash", std::to_string(status.config_hash), 1);
    text.gauge("config_reload_last_success",
               "Whether all files that SIGHUP reads were in order when they were read last.",
               status.files_are_good ? 1 : 0);
    text.gauge("start_time_seconds", "When the daemon started.", seconds_of(status.started_at));
    text.counter("log_lines_lost_total", "Lines of the log that were not written.",
                 static_cast<double>(status.log_lines_lost));
    text.counter("state_write_failures_total",
                 "Times that the ring counter could not be written to disk.",
                 static_cast<double>(status.state_write_failures));
}

}  // namespace

std::string metrics_text(const Status& status, const daemon::ProcessFacts& usage) {
    Text text;
    add_daemon(text, status);
    add_process(text, usage);
    add_ring(text, status);
    add_samples(text, status);
    add_counters(text, "ring", status.ring_counters);
    add_counters(text, "udp", status.udp_counters);
    add_counters(text, "seal", status.seal_counters);
    add_sessions(text, status);
    return text.take();
}

}  // namespace spread::admin
