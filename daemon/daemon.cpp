#include "daemon/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "config/configuration.hpp"
#include "config/identity.hpp"
#include "daemon/admin/admin.hpp"
#include "daemon/admin/admin_sockets.hpp"
#include "daemon/admin/ring_watch.hpp"
#include "daemon/check.hpp"
#include "daemon/clients/access_files.hpp"
#include "daemon/clients/listeners.hpp"
#include "daemon/clients/main_loop.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/clients/tls_files.hpp"
#include "daemon/clients/unix_listener.hpp"
#include "daemon/engine_config.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/memory_limit.hpp"
#include "daemon/host/memory_reserve.hpp"
#include "daemon/host/process_watch.hpp"
#include "daemon/host/service_manager.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/startup_lines.hpp"
#include "daemon/keys_on_ring.hpp"
#include "daemon/loaded.hpp"
#include "daemon/log_settings.hpp"
#include "daemon/privileges.hpp"
#include "daemon/ring/absence_text.hpp"
#include "daemon/ring/crash_memory.hpp"
#include "daemon/ring/flight_dumps.hpp"
#include "daemon/ring/flight_memory.hpp"
#include "daemon/ring/ring_keys.hpp"
#include "daemon/ring/ring_link.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "daemon/ring/roster_of.hpp"
#include "daemon/ring/settings_text.hpp"
#include "daemon/ring/state_file.hpp"
#include "daemon/ring/state_keeper.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "protocol/buffer.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

/// Datagrams held at most by windows, queues and clients before blocks come from the heap.
constexpr std::size_t kPoolBlocks = 32768;
constexpr std::size_t kPoolBlockBytesMin = 2048;

/// Exit status of a start that does not succeed before somebody changes the file, so that a service
/// manager need not try again.
constexpr int kBadConfiguration = 3;

void log_start(const Loaded& loaded, const Options& options) {
    const config::Configuration& configuration = loaded.configuration;
    const config::Daemon& me = configuration.daemons[*loaded.self.daemon];
    log_event_with(LogEvent::kStarting, {{"version", kVersion}, {"pid", ::getpid()}},
                   "spreadd {} starting, process {}", kVersion, ::getpid());
    log_event(LogEvent::kConfigurationFile, "configuration: {}", name_of_source(loaded));
    for (std::size_t i = 0; i < configuration.segments.size(); ++i) {
        const config::Segment& segment = configuration.segments[i];
        std::string names;
        for (const std::size_t daemon : segment.daemons) {
            names += " " + protocol::escaped(configuration.daemons[daemon].name);
        }
        log_event(LogEvent::kSegment, "segment {} [{}]:{} with {} daemons:{}", i,
                  segment.addresses.empty() ? std::string("unicast")
                                            : segment.addresses.front().to_string(),
                  segment.port, segment.daemons.size(), names);
    }
    log_event_with(
        LogEvent::kConfigurationHash, {{"hash", config::configuration_hash(configuration)}},
        "Hash value for this configuration is: {}", config::configuration_hash(configuration));
    log_event_with(LogEvent::kIdentity, {{"name", protocol::escaped(me.name)}, {"id", me.id}},
                   "My name: {}, id: {}, addr: {}, port: {}", protocol::escaped(me.name), me.id,
                   me.place(), configuration.segments[me.segment].port);
    if (options.session_log) {
        log_event(LogEvent::kSessionLog, "session log is on");
    }
}

bool controls_access(const config::Configuration& configuration) {
    return configuration.access_control_policy == "RULES";
}

/// What the access files say at the start; throws when the daemon could not enforce it.
AccessSetup access_of(const config::Configuration& configuration) {
    AccessLoad load = load_access(configuration);
    for (const std::string& warning : load.warnings) {
        log_event(LogEvent::kAccessWarning, "{}", warning);
    }
    if (!load.errors.empty()) {
        for (std::size_t i = 0; i + 1 < load.errors.size(); ++i) {
            log_event(LogEvent::kAccessError, "{}", load.errors[i]);
        }
        throw StartupError(load.errors.back());
    }
    return std::move(load.setup);
}

/// Reads the ring's keys again, and RingSealing in the configuration file, of which nothing else
/// may change. What has an error leaves things as they are. False: RingSealing could not be read.
bool reload_keys(const std::string& path, const config::Configuration& configuration,
                 KeysOnRing* keys) {
    if (keys == nullptr) {
        return true;
    }
    sealing::Mode mode = sealing_mode_of(configuration);
    const auto read = path.empty() ? std::nullopt : configuration_in(path);
    const bool is_read = read && read->ring_key_file == configuration.ring_key_file;
    if (is_read) {
        mode = sealing_mode_of(*read);
    } else {
        log_event(LogEvent::kRingSealingUnread,
                  "{} has an error or another RingKeyFile now: RingSealing is what it was at the "
                  "start",
                  path);
    }
    keys->reload(mode);
    return is_read;
}

/// What clients that speak TLS meet; null when none do. Throws when the daemon could not serve
/// them.
std::shared_ptr<const tls::Context> tls_of(const config::Configuration& configuration) {
    if (configuration.client_tls == "off") {
        return nullptr;
    }
    auto context = read_tls(configuration);
    if (!context) {
        throw StartupError(context.error());
    }
    return std::move(*context);
}

/// Reads the access files again; a file with an error leaves the rules in force. False: there was
/// one, among these and RingSealing.
bool reload(const std::string& path, const config::Configuration& configuration,
            AccessSetup& access, SessionServer& server, TlsFiles* tls, KeysOnRing* keys,
            bool is_ready) {
    const auto since_boot = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
    if (is_ready) {
        notify_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", since_boot.count()));
    }
    AccessLoad load = reload_access(configuration, access);
    for (const std::string& warning : load.warnings) {
        log_event(LogEvent::kAccessWarning, "{}", warning);
    }
    for (const std::string& error : load.errors) {
        log_event(LogEvent::kAccessError, "{}", error);
    }
    access = std::move(load.setup);
    const bool is_read = reload_keys(path, configuration, keys);
    if (tls != nullptr) {
        tls->reload();
    }
    server.set_access(access, controls_access(configuration), [] {
        log_event(
            LogEvent::kAccessReloaded,
            "SIGHUP: access files read again; changes of the configuration file need a restart");
    });
    if (is_ready) {
        notify_manager("READY=1");
    }
    return load.errors.empty() && is_read;
}

/// Tells the service manager of configurations, and the log of the first one.
class MembershipReporter {
  public:
    /// `ready` becomes true when clients are served.
    MembershipReporter(const config::Configuration& configuration, std::string clients,
                       std::atomic<bool>& ready)
        : roster_(roster_of(configuration)), clients_(std::move(clients)), ready_(ready) {}

    void operator()(const membership::ConfigurationChange& change) {
        if (change.kind != membership::ConfigurationKind::kRegular) {
            return;
        }
        if (!ready_.exchange(true)) {
            log_event(LogEvent::kReady, "ready: serving clients at {}", clients_);
            notify_manager(fmt::format("READY=1\nSTATUS={} of {} daemons: {}",
                                       change.members.size(), roster_.size(),
                                       roster_.describe(change.members)));
        } else {
            notify_manager(fmt::format("STATUS={} of {} daemons: {}", change.members.size(),
                                       roster_.size(), roster_.describe(change.members)));
        }
    }

  private:
    protocol::Roster roster_;
    std::string clients_;
    std::atomic<bool>& ready_;
};

/// Sessions that end otherwise than their clients want are worth remembering.
void note_close(admin::History& history, const session::SessionOutput::Close& close) {
    using session::CloseReason;
    if (close.reason == CloseReason::kPeerClosed || close.reason == CloseReason::kKill ||
        close.reason == CloseReason::kShutdown) {
        return;
    }
    const std::size_t name = close.detail.find(' ');
    history.add({0, std::chrono::system_clock::now(), "client_dropped",
                 close.detail.substr(0, name), std::string(session::word_of(close.reason)),
                 close.detail, std::nullopt});
}

void note_client(admin::History& history, const session::SessionOutput::Note& note) {
    history.add({0, std::chrono::system_clock::now(), note.event, protocol::escaped(note.client),
                 "", note.text, std::nullopt});
}

void report_state_problem(const std::string& problem) {
    if (problem.empty()) {
        log_event(LogEvent::kStateWritten, "ring counters are written to disk again");
        return;
    }
    log_event(LogEvent::kStateFailed,
              "{}; without that, a restart of this host with its clock set back may repeat ids of "
              "rings and groups",
              problem);
}

std::uint64_t wall_milliseconds() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

/// Blocks the signals that a serving daemon handles until it has its handlers, since their default
/// ends the process. Threads inherit the mask.
void hold_signals(bool held) {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGHUP);
    ::sigaddset(&signals, SIGUSR1);
    ::sigaddset(&signals, SIGUSR2);
    ::pthread_sigmask(held ? SIG_BLOCK : SIG_UNBLOCK, &signals, nullptr);
}

/// Signals without a meaning here whose default would end the process without leaving the ring.
/// Writes beyond a file size limit then fail as on a full disk.
void ignore_signals() {
    for (const int number : {SIGPIPE, SIGXFSZ, SIGXCPU, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,
                             SIGPWR, SIGSTKFLT}) {
        std::signal(number, SIG_IGN);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
        std::signal(number, SIG_IGN);
    }
}

/// Where this daemon's address is now; none for an address that is no interface's own.
std::optional<LocalAddress> own_address(const Loaded& loaded) {
    const config::IpAddress& address = loaded.configuration.daemons[*loaded.self.daemon].address;
    const LocalAddress* at = find_local(loaded.locals, address);
    return at == nullptr ? std::nullopt : std::optional(*at);
}

std::unique_ptr<UnixListener> open_unix_socket(const config::Configuration& configuration,
                                               const Options& options, std::uint16_t port) {
    return std::make_unique<UnixListener>(
        options.unix_dir.value_or(configuration.unix_socket_dir.value_or("/tmp")), port);
}

void report_problem(const UnixListener& listener) {
    if (listener.is_taken()) {
        log_event(LogEvent::kUnixSocketTaken,
                  "no Unix socket for clients of this host, who meet somebody else's: {}; "
                  "UnixSocketDir chooses a directory that others cannot write in",
                  listener.problem());
    } else if (!listener.problem().empty()) {
        log_event(LogEvent::kUnixSocketMissing, "no Unix socket for clients: {}",
                  listener.problem());
    }
}

/// A window that does not fit into receive buffers costs throughput, or packets.
void report_receive_room(const membership::RingConfig& ring, std::size_t daemons) {
    const std::size_t packets = ring.receive_room_bytes / ring.datagram_bytes_max;
    if (daemons < 2 || packets >= ring.window) {
        return;
    }
    const bool is_fixed = ring.window_max <= ring.window;
    log_event_with(LogEvent::kReceiveBufferSmall, {{"packets", packets}, {"window", ring.window}},
                   "receive buffers hold {} packets, fewer than the window of {}: {}; raise "
                   "net.core.rmem_max{}",
                   packets, ring.window,
                   is_fixed ? "bursts may get lost" : "the ring sends in smaller windows",
                   is_fixed ? ", or lower Window" : "");
}

/// The flight recorder's memory, and the ways by which it gets to disk.
class Flight {
  public:
    /// `state` must outlive this object.
    Flight(const config::Configuration& configuration, std::size_t self, const StateFile& state,
           const std::string& file)
        : memory_(protocol::DaemonId{configuration.daemons[self].id}, roster_of(configuration),
                  file),
          place_{state.directory(), state.path().substr(0, state.path().rfind('/')),
                 protocol::DaemonId{configuration.daemons[self].id}},
          crashes_(memory_, place_) {
        if (configuration.record_ring_changes && place_.directory >= 0) {
            dumps_.emplace(memory_, place_);
        }
    }

    [[nodiscard]] std::span<driver::FlightSlot> slots() const { return memory_.slots(); }
    /// Whoever records in a file checks the daemons of one host.
    [[nodiscard]] bool records_all() const { return memory_.is_file(); }
    [[nodiscard]] std::string recording() const { return memory_.recording(); }
    void note_change() {
        if (dumps_) {
            dumps_->note_change();
        }
    }

  private:
    const FlightMemory memory_;
    const FlightPlace place_;
    const SignalStack stack_;  ///< of the main thread
    const CrashRecording crashes_;
    std::optional<FlightDumps> dumps_;
};

session::SessionConfig sessions_of(const config::Configuration& configuration, std::size_t self) {
    const MemoryLimit limit = memory_limit();
    const std::uint64_t budget = memory_budget_of(configuration, limit);
    session::SessionConfig sessions = session_config_of(configuration, self, budget);
    log_event_with(LogEvent::kMemoryBudget,
                   {{"budget_mib", budget >> 20U}, {"memberships_max", sessions.memberships_max}},
                   "memory budget {} MiB of {} MiB that {} has: {} MiB for queues to clients, {} "
                   "memberships",
                   budget >> 20U, limit.bytes >> 20U, limit.whose, sessions.queued_bytes_max >> 20U,
                   sessions.memberships_max);
    return sessions;
}

// Long: what a daemon consists of, in the order in which it has to be made.
void serve(const Loaded& loaded, const Options& options) {
    const config::Configuration& configuration = loaded.configuration;
    const std::size_t self = *loaded.self.daemon;
    const std::uint16_t port = configuration.segments[configuration.daemons[self].segment].port;
    const std::size_t files = raise_file_limit();
    if (files < configuration.max_sessions + kOwnFiles) {
        log_event_with(
            LogEvent::kFilesFew, {{"files", files}, {"sessions_max", configuration.max_sessions}},
            "MaxSessions is {}, but only {} files may be open at a time; raise the limit "
            "(ulimit -n, LimitNOFILE=)",
            configuration.max_sessions, files);
    }
    AccessSetup access = access_of(configuration);
    const std::shared_ptr<const tls::Context> tls_context = tls_of(configuration);
    std::optional<sealing::RingSeal::Setup> seal;
    if (configuration.ring_key_file) {
        seal = seal_setup_of(configuration, self);
    } else if (is_open_ring(configuration)) {
        log_event(
            LogEvent::kRingOpen,
            "the ring has no key: whoever reaches UDP ports {} and {} of its daemons can read, "
            "forge and disturb what they say; RingKeyFile seals it (spreadctl key new)",
            port, port + 1);
    }

    UdpTransport transport(configuration, self, loaded.locals);
    // Whoever sees a TCP port open may count on the Unix socket; if the ports are taken, that is
    // all there is to say.
    auto unix_socket = open_unix_socket(configuration, options, port);
    auto tcp = open_tcp_listeners(configuration, self, loaded.locals);
    report_problem(*unix_socket);
    std::string clients;
    for (const TcpListener& listener : tcp) {
        clients += (clients.empty() ? "TCP " : ", TCP ") + listener.at.to_string();
    }
    if (unix_socket->problem().empty()) {
        clients += (clients.empty() ? "" : ", ") + unix_socket->path();
    }
    for (const UdpTransport::Socket& socket : transport.sockets()) {
        log_event_with(LogEvent::kUdpSocket,
                       {{"at", socket.bound.to_string()},
                        {"receive_buffer_bytes", socket.receive_buffer_bytes}},
                       "{} at UDP {}, receive buffer {} KiB",
                       socket.channel == membership::Channel::kToken ? "tokens" : "data",
                       socket.bound.to_string(), socket.receive_buffer_bytes / 1024);
    }

    auto file = std::make_unique<StateFile>(options.state_dir,
                                            protocol::DaemonId{configuration.daemons[self].id});
    auto memory = std::make_unique<CrashMemory>(file->identity());
    const DaemonState state =
        driver::next_state(StateKeeper::load(*file, *memory), wall_milliseconds());
    StateKeeper keeper(std::move(file), std::move(memory), state, report_state_problem);
    if (!keeper.file().problem().empty()) {
        report_state_problem(keeper.file().problem());
    }
    auto admin_sockets = admin::open_admin_sockets(
        configuration, self, options.control_socket,
        options.unix_dir ? options.unix_dir : configuration.unix_socket_dir);
    const ProcessWatch process;
    drop_privileges(configuration, keeper.file());
    keeper.start();
    Flight flight(configuration, self, keeper.file(), options.flight_file);
    admin::History history;
    admin::RingWatch watch(configuration, self, history);

    // In this order, so that every buffer is back in the pool when it goes.
    membership::RingConfig ring_config = ring_config_of(configuration, self);
    ring_config.receive_room_bytes = transport.receive_room_bytes();
    ring_config.datagram_bytes_max = datagram_bytes_of(configuration, self, loaded.locals);
    log_event_with(LogEvent::kDatagramSize, {{"bytes", ring_config.datagram_bytes_max}},
                   "datagrams of up to {} bytes", ring_config.datagram_bytes_max);
    report_receive_room(ring_config, configuration.daemons.size());
    ring_config.group_mates = transport.group_mates();
    ring_config.settings = settings_text(configuration, ring_config);
    protocol::BufferPool pool(
        std::max(kPoolBlockBytesMin, wire_bytes_of(configuration, self, loaded.locals)),
        kPoolBlocks);
    const auto link = std::make_unique<RingLink>();
    std::atomic<bool> is_ready = false;
    std::unique_ptr<KeysOnRing> keys =
        seal ? std::make_unique<KeysOnRing>(configuration, self, seal->keys) : nullptr;
    {
        RingThread ring(
            {ring_config, protocol::Incarnation{state.incarnation}, state.ring_counter,
             random_seed(), own_address(loaded),
             [&keeper](std::uint64_t counter) { keeper.keep(counter); },
             AbsenceText(configuration, self), &watch, std::move(seal),
             configuration.ring_key_file.value_or(""), flight.slots(),
             PeerAddresses::Setup::of(configuration, self, ring_config.token_loss_timeout),
             flight.records_all()},
            roster_of(configuration), *link, transport, pool);
        auto core = std::make_unique<session::SessionCore>(
            sessions_of(configuration, self), group_config_of(configuration, self),
            protocol::Rng(random_seed()), keys ? &keys->agreement() : nullptr);
        SessionServer server(std::move(core), *link,
                             {.session_log = options.session_log,
                              .tls = tls_context,
                              .tls_is_required = configuration.client_tls == "require"});
        server.on_configuration(
            [&flight, report = MembershipReporter(configuration, clients, is_ready)](
                const membership::ConfigurationChange& change) mutable {
                report(change);
                flight.note_change();
            });
        server.set_access(access, controls_access(configuration));
        server.share_work_of(ring);
        MainLoop main_loop(server, std::move(tcp), std::move(unix_socket));
        std::unique_ptr<TlsFiles> tls;
        if (tls_context != nullptr) {
            tls = std::make_unique<TlsFiles>(main_loop.io(), configuration, tls_context);
            tls->start([&server](const auto& context) { server.set_tls(context); });
        }
        bool last_reload_was_good = true;
        const auto read_again = [&] {
            last_reload_was_good =
                reload(loaded.path, configuration, access, server, tls.get(), keys.get(), is_ready);
        };
        main_loop.on_dump(
            [&ring] { log_event(LogEvent::kCounters, "counters: {}", ring.describe_counters()); });
        main_loop.on_reload(read_again);
        admin::Admin admin(main_loop.io(),
                           {configuration, self, ring, server, watch, history, process, keeper,
                            last_reload_was_good, tls.get(), keys.get()},
                           history,
                           {[&main_loop] { main_loop.stop(); },
                            [&main_loop] { main_loop.stop_accepting(); }, reopen_log,
                            [](const std::string& name) {
                                const auto level = log_level_of(name);
                                return level && set_log_level(*level);
                            },
                            read_again, [&flight] { return flight.recording(); }},
                           std::move(admin_sockets));
        server.on_close(
            [&history](const session::SessionOutput::Close& close) { note_close(history, close); });
        server.on_note(
            [&history](const session::SessionOutput::Note& note) { note_client(history, note); });
        main_loop.on_stop([&admin] { admin.stop(); });
        ring.on_foreign([&admin](const Endpoint& source, std::span<const std::byte> datagram) {
            return admin.offer(source, datagram);
        });
        if (keys) {
            keys->start(server);
            ring.on_key_taken(
                [&keys](sealing::KeyOrder order) { keys->carry_out(std::move(order)); });
        }
        admin.start();
        hold_signals(false);
        ring.start();
        main_loop.run();
        notify_manager("STOPPING=1");
        ring.wait();
        if (keys) {
            keys->stop();
        }
    }
}

/// Looks again until this host carries the address of its daemon, at a start before the network.
Loaded load_when_address_is_there(const Options& options) {
    constexpr auto kLookEvery = std::chrono::milliseconds(200);
    constexpr auto kLookUpEvery = std::chrono::seconds(1);
    constexpr unsigned kSecondsWithName = 10;
    // The record of a host that has just come up may appear after its daemon has started.
    constexpr unsigned kSecondsForNames = 30;
    const auto start = std::chrono::steady_clock::now();
    Loaded loaded = load(options);
    const unsigned seconds = options.wait_for_address.value_or(
        loaded.self.wants_look_up ? kSecondsForNames
                                  : (options.name.empty() ? 0 : kSecondsWithName));
    const auto until = start + std::chrono::seconds(seconds);
    const auto is_too_early = [&loaded] {
        return loaded.is_read && !loaded.self.is_final && !has_own_address(loaded);
    };
    if (is_too_early() && seconds > 0) {
        say_at_start(
            LogEvent::kWaitsForAddress,
            fmt::format("spreadd: waiting {} s for the address of this host's daemon", seconds),
            log_format_of(loaded, options));
    }
    while (is_too_early() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(
            loaded.self.wants_look_up ? std::chrono::milliseconds(kLookUpEvery) : kLookEvery);
        loaded = load(options);
    }
    return loaded;
}

}  // namespace

int run_daemon(const Options& options) {
    if (options.check) {
        return check(options);
    }
    const Loaded loaded = load_when_address_is_there(options);
    const LogStyle::Format format = log_format_of(loaded, options);
    for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
        say_at_start(diagnostic.severity == config::Severity::kError
                         ? LogEvent::kConfigurationError
                         : LogEvent::kConfigurationWarning,
                     config::format(diagnostic, loaded.path), format);
    }
    if (!loaded.is_good) {
        return kBadConfiguration;
    }
    if (!loaded.self.daemon) {
        say_at_start(LogEvent::kConfigurationError, "spreadd: " + loaded.self.error, format);
        return kBadConfiguration;
    }
    MemoryReserve::install();
    ignore_signals();
    hold_signals(true);
    const LogSettings settings = log_settings(loaded, options);
    start_logging(settings);
    try {
        log_start(loaded, options);
        serve(loaded, options);
        log_event(LogEvent::kExiting, "spreadd exiting normally");
        stop_logging();
    } catch (const std::exception& error) {
        if (!settings.file.empty()) {
            log_event(LogEvent::kFailed, "{}", error.what());
        }
        stop_logging();
        say_at_start(LogEvent::kFailed, fmt::format("spreadd: {}", error.what()), format);
        return 1;
    }
    return 0;
}

}  // namespace spread::daemon
