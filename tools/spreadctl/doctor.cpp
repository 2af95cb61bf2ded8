#include "tools/spreadctl/doctor.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/identity.hpp"
#include "daemon/clients/access_files.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/loaded.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "tools/spreadctl/path_probe.hpp"
#include "tools/spreadctl/tcp_probe.hpp"
#include "tools/spreadctl/text.hpp"

namespace spread::spreadctl {
namespace {

using nlohmann::json;
using Findings = std::vector<Finding>;

/// Half of what the daemon asks the kernel for is enough for the bursts of a ring.
constexpr std::uint64_t kReceiveBufferLeast = daemon::kReceiveBufferBytes / 2;

constexpr auto kTcpPatience = std::chrono::milliseconds(1500);

bool is_said_at(const json& from, const char* path) {
    const json::json_pointer at(path);
    return from.contains(at) && from.at(at).is_string();
}

std::string said_at(const json& from, const char* path) {
    return is_said_at(from, path) ? from.at(json::json_pointer(path)).get<std::string>() : "?";
}

std::string word_of(Finding::Verdict verdict) {
    switch (verdict) {
        case Finding::Verdict::kGood: return "ok";
        case Finding::Verdict::kWarning: return "WARNING";
        case Finding::Verdict::kBad: return "BAD";
    }
    return "";
}

void look_at_file(const daemon::Loaded& loaded, Findings& out) {
    const std::string file = daemon::name_of_source(loaded);
    for (const config::Diagnostic& each : loaded.diagnostics) {
        const std::string text = config::format(each, loaded.path);
        if (each.severity == config::Severity::kError) {
            out.push_back(bad("file", text, "mend it; spreadd --check lists all errors"));
        } else {
            out.push_back(doubtful("file", text, "see docs/spread.conf.sample"));
        }
    }
    if (!loaded.is_good) {
        return;
    }
    out.push_back(good(
        "file", fmt::format("{}, hash {}: it covers daemons, addresses, ports and AcceleratedRing; "
                            "timeouts and windows are compared while daemons run",
                            file, config::configuration_hash(loaded.configuration))));
    const daemon::AccessLoad access = daemon::load_access(loaded.configuration);
    for (const std::string& error : access.errors) {
        out.push_back(bad("access files", error, "mend the file that is named"));
    }
    for (const std::string& warning : access.warnings) {
        out.push_back(doubtful("access files", warning, "see docs/access.md"));
    }
}

void look_at_names(const daemon::Loaded& loaded, Findings& out) {
    const config::Configuration& configuration = loaded.configuration;
    if (!loaded.self.daemon) {
        out.push_back(bad("this host", loaded.self.error,
                          "give it an address of the file, or say which daemon it is with -n"));
        return;
    }
    const config::Daemon& me = configuration.daemons[*loaded.self.daemon];
    const daemon::LocalAddress* at = daemon::find_local(loaded.locals, me.address);
    if (at == nullptr) {
        out.push_back(
            bad("this host",
                fmt::format("is {} at {}, which no interface has", me.name, me.address.to_string()),
                "correct the address in the file, or of the interface"));
    } else {
        out.push_back(
            good("this host", fmt::format("is {} at {}, interface {}, MTU {}", me.name,
                                          me.address.to_string(), at->interface, at->mtu)));
    }
    const bool has_loopback =
        std::ranges::any_of(configuration.daemons,
                            [](const config::Daemon& each) { return each.address.is_loopback(); });
    const bool has_others =
        std::ranges::any_of(configuration.daemons,
                            [](const config::Daemon& each) { return !each.address.is_loopback(); });
    if (has_loopback && has_others) {
        out.push_back(bad("names", "some daemons have loopback addresses and others have not",
                          "names in the file resolve to 127.x (a line 127.0.1.1 in /etc/hosts?): "
                          "write addresses, or correct /etc/hosts"));
    } else {
        out.push_back(good("names", "every daemon has an address of the same kind"));
    }
    for (std::size_t i = 0; i < configuration.daemons.size(); ++i) {
        if (i != *loaded.self.daemon && !configuration.daemons[i].address.is_loopback() &&
            daemon::find_local(loaded.locals, configuration.daemons[i].address) != nullptr) {
            out.push_back(doubtful("names",
                                   fmt::format("{} of {} is an address of this host, too",
                                               configuration.daemons[i].address.to_string(),
                                               configuration.daemons[i].name),
                                   "right if both run here; else correct the file"));
        }
    }
}

void look_at_limits(const daemon::Loaded& loaded, Findings& out) {
    std::ifstream in("/proc/sys/net/core/rmem_max");
    std::uint64_t bytes = 0;
    if (in >> bytes && bytes < kReceiveBufferLeast) {
        out.push_back(
            doubtful("net.core.rmem_max",
                     fmt::format("{} bytes: receive buffers will be small, and bursts "
                                 "are lost unless the daemon starts as root",
                                 bytes),
                     fmt::format("sysctl -w net.core.rmem_max={}", daemon::kReceiveBufferBytes)));
    } else {
        out.push_back(good("net.core.rmem_max", fmt::format("{} bytes", bytes)));
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const std::uint64_t wanted = loaded.configuration.max_sessions + daemon::kOwnFiles;
    const std::string what = "open files";
    if (files.rlim_max < wanted) {
        out.push_back(doubtful(
            what, fmt::format("at most {} here; MaxSessions wants {}", files.rlim_max, wanted),
            "raise LimitNOFILE= of the unit, or ulimit -n"));
    } else {
        out.push_back(good(what, fmt::format("at most {}", files.rlim_max)));
    }
}

/// `runs`: whether a daemon is known to run there, by its place in the file.
void look_at_tcp(const daemon::Loaded& loaded, const std::vector<bool>& runs, Findings& out) {
    if (!loaded.is_good || !loaded.self.daemon) {
        return;
    }
    const auto answers = probe_tcp(loaded.configuration, kTcpPatience);
    for (Finding& each : tcp_findings(loaded.configuration, *loaded.self.daemon, answers, runs)) {
        out.push_back(std::move(each));
    }
}

std::vector<bool> who_runs(const daemon::Loaded& loaded, const json& cluster) {
    std::vector<bool> out(loaded.is_good ? loaded.configuration.daemons.size() : 0);
    for (const json& each :
         cluster.is_object() ? cluster.value("daemons", json::array()) : json::array()) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = out[i] || (loaded.configuration.daemons[i].name == each.value("daemon", "") &&
                                each.value("answers", false));
        }
    }
    return out;
}

}  // namespace

namespace {

Findings slow_findings(const json& status) {
    Findings out;
    for (const std::string& text : slow_texts(status)) {
        out.push_back(doubtful("clients", text,
                               "look at what it does; spreadctl clients --slow, spreadctl kick"));
    }
    return out;
}

}  // namespace

Findings daemon_findings(const nlohmann::json& status, const nlohmann::json& cluster) {
    Findings out;
    const auto text = said_at;
    const std::string state = text(status, "/verdict/state");
    if (state == "healthy") {
        out.push_back(good("daemon", text(status, "/verdict/sentence")));
    } else {
        out.push_back(bad("daemon", text(status, "/verdict/sentence"), "see the lines below"));
    }
    for (const auto& missing :
         status.value("/ring/missing"_json_pointer, nlohmann::json::array())) {
        out.push_back(bad(text(missing, "/daemon"), "not in the ring: " + text(missing, "/cause"),
                          text(missing, "/text")));
    }
    for (const auto& peer : status.value("peers", nlohmann::json::array())) {
        if (is_said_at(peer, "/settings_difference")) {
            out.push_back(doubtful(text(peer, "/daemon") + " settings",
                                   "differ: " + text(peer, "/settings_difference"),
                                   "make the files the same and restart; spreadctl config diff " +
                                       text(peer, "/daemon")));
        }
        if (peer.value("member", false) && !peer.value("self", false)) {
            out.push_back(good(text(peer, "/daemon"),
                               "in the ring; both ports and full-sized packets got through both "
                               "ways when it formed"));
        }
    }
    if (is_said_at(status, "/ring/without_multicast_text")) {
        out.push_back(doubtful("multicast", said_at(status, "/ring/without_multicast_text"),
                               "the ring goes on without it, with more packets"));
    }
    for (const Finding& each : slow_findings(status)) {
        out.push_back(each);
    }
    for (const auto& daemon : cluster.value("daemons", nlohmann::json::array())) {
        if (!daemon.value("answers", false)) {
            out.push_back(doubtful(text(daemon, "/daemon"), "does not answer within 1 s",
                                   "does it run, with this configuration? is UDP open both ways?"));
        }
    }
    return out;
}

Findings examine(const DoctorSettings& settings, const HttpClient& client) {
    Findings out;
    daemon::Options options;
    options.config_file = settings.config_file;
    options.name = settings.name;
    json status;
    json cluster;
    std::string silence;
    try {
        status = json::parse(client.get("/status.json").body, nullptr, false);
        cluster = json::parse(client.get("/cluster.json").body, nullptr, false);
    } catch (const Unreachable& error) {
        silence = error.what();
    }
    if (options.config_file.empty() && is_said_at(status, "/config/file")) {
        options.config_file = said_at(status, "/config/file");
        options.name = options.name.empty() ? said_at(status, "/daemon/name") : options.name;
    }
    daemon::Loaded loaded;
    try {
        loaded = daemon::load(options);
    } catch (const daemon::StartupError& error) {
        out.push_back(bad("file", error.what(), "say where it is with -c"));
    }
    if (out.empty()) {
        look_at_file(loaded, out);
    }
    if (loaded.is_good) {
        look_at_names(loaded, out);
        look_at_limits(loaded, out);
    }
    if (silence.empty()) {
        for (Finding& each : daemon_findings(status, cluster)) {
            out.push_back(std::move(each));
        }
        look_at_tcp(loaded, who_runs(loaded, cluster), out);
        return out;
    }
    out.push_back(good("daemon", "none answers here (" + silence + ")"));
    if (!loaded.is_good || !loaded.self.daemon) {
        return out;
    }
    look_at_tcp(loaded, std::vector<bool>(loaded.configuration.daemons.size()), out);
    try {
        for (Finding& each : probe_paths(loaded, settings.patience)) {
            out.push_back(std::move(each));
        }
    } catch (const daemon::StartupError& error) {
        out.push_back(bad("ports", error.what(),
                          "if that is a daemon, say with -s where its control socket is"));
    }
    return out;
}

std::string findings_text(const Findings& findings) {
    std::string out;
    for (const Finding& each : findings) {
        out += fmt::format("{:<8} {}: {}\n", word_of(each.verdict), each.what, each.text);
        if (!each.todo.empty()) {
            out += fmt::format("{:<8}   -> {}\n", "", each.todo);
        }
    }
    return out;
}

std::string findings_json(const Findings& findings) {
    json list = json::array();
    for (const Finding& each : findings) {
        list.push_back({{"what", each.what},
                        {"verdict", word_of(each.verdict)},
                        {"text", each.text},
                        {"todo", each.todo.empty() ? json() : json(each.todo)}});
    }
    return json{{"schema", 1}, {"findings", std::move(list)}}.dump(2, ' ', false,
                                                                   json::error_handler_t::replace) +
           "\n";
}

bool is_any_bad(const Findings& findings) {
    return std::ranges::any_of(
        findings, [](const Finding& each) { return each.verdict == Finding::Verdict::kBad; });
}

}  // namespace spread::spreadctl
