// Long: the table of options.

#include "config/options.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "config/words.hpp"

namespace spread::config {

namespace {

constexpr std::uint32_t kAnyNumber = 999999999;
// Windows travel in signed 16-bit fields of the monitor protocol.
constexpr std::uint32_t kWindowMax = 32767;
constexpr std::uint32_t kPathBytesMax = 4095;
constexpr std::uint32_t kSocketDirBytesMax = 100;  // a socket's whole name has 107
constexpr std::uint32_t kTimeStampBytesMax = 255;
constexpr std::uint32_t kUserBytesMax = 32;
constexpr std::uint32_t kAuthListBytesMax = 89;
constexpr std::uint32_t kPolicyBytesMax = 32;
constexpr std::uint32_t kSessionsMax = 1000000;
constexpr std::uint32_t kSessionGroupsMax = 1000000;
constexpr std::uint32_t kMemoryBudgetMin = 64;
constexpr std::uint32_t kDatagramBytesMin = 512;
constexpr std::uint32_t kDatagramBytesMax = 8952;
// A queue that cannot hold the longest message would disconnect clients that read as they should.
constexpr std::uint32_t kSessionBytesMin = 262144;
constexpr std::uint32_t kSlowReaderTimeoutMaxMs = 3600000;
constexpr std::uint32_t kHandshakeTimeoutMaxMs = 3600000;

constexpr std::array<std::string_view, 2> kSlowReaderPolicies = {"disconnect", "block"};
constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};
constexpr std::array<std::string_view, 2> kAccessPolicies = {"PERMIT", "RULES"};
constexpr std::array<std::string_view, 3> kSealingModes = {"accept", "send", "require"};
constexpr std::array<std::string_view, 3> kClientTlsModes = {"off", "allow", "require"};

using enum ValueKind;
using enum Section;

// Long: the table.
constexpr std::array kOptions = {
    OptionSpec{.name = "EventLogFile",
               .kind = kString,
               .target = &Configuration::event_log_file,
               .section = kLog,
               .min = 1,
               .max = kPathBytesMax,
               .example = "/var/log/spread_%h.log",
               .help = "The file that log lines are appended to; %h stands for the host name. "
                       "Default: standard error."},
    OptionSpec{.name = "EventTimeStamp",
               .kind = kOptionalString,
               .target = &Configuration::event_time_stamp,
               .section = kLog,
               .min = 0,
               .max = kTimeStampBytesMax,
               .may_break_lines = true,
               .example = "[%Y-%m-%d %H:%M:%S]",
               .help = "The time before every line, in the format of strftime(3); the word alone "
                       "means \"%m/%d/%y %H:%M:%S\". Default: ISO 8601 with milliseconds and zone; "
                       "none in the journal, which has its own."},
    OptionSpec{.name = "EventPreciseTimeStamp",
               .kind = kNone,
               .target = &Configuration::event_precise_time_stamp,
               .section = kLog,
               .help = "Adds microseconds to EventTimeStamp."},
    OptionSpec{
        .name = "EventPriority",
        .kind = kPriority,
        .target = &Configuration::event_priority,
        .section = kLog,
        .help =
            "The least important lines to show: pDEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL."},
    OptionSpec{.name = "DebugFlags",
               .kind = kFlags,
               .target = &Configuration::debug_flags,
               .section = kLog,
               .help = "The subjects of lines below WARNING: ALL, or any of EXIT DATA_LINK MEMORY "
                       "EVENTS PRINT NETWORK PROTOCOL SESSION CONFIGURATION MEMBERSHIP "
                       "FLOW_CONTROL STATUS DEBUG GROUPS SKIPLIST ACM SECURITY. A '!' takes one "
                       "out of the list again, as in { ALL !DATA_LINK }. The default shows every "
                       "subject, and memberships and exits are shown whatever is listed."},
    OptionSpec{.name = "LogFormat",
               .kind = kChoice,
               .target = &Configuration::log_format,
               .section = kLog,
               .min = 1,
               .max = kPolicyBytesMax,
               .is_stock = false,
               .words = kLogFormats,
               .help =
                   "text, or json: one JSON object a line, for programs: docs/log-reference.md. "
                   "EventTimeStamp has no effect on JSON."},
    OptionSpec{.name = "LogName",
               .kind = kBool,
               .target = &Configuration::log_name,
               .section = kLog,
               .is_stock = false,
               .help = "Whether each line of text names the daemon; JSON always does."},
    OptionSpec{.name = "MaxSessions",
               .kind = kNumber,
               .target = &Configuration::max_sessions,
               .section = kClients,
               .min = 1,
               .max = kSessionsMax,
               .is_stock = false,
               .help = "How many clients may be connected at once. When strangers have taken all "
                       "places, a few clients of the Unix socket still get in, up to a sixteenth "
                       "of this number, 16 at most."},
    OptionSpec{.name = "MaxSessionsPerAddress",
               .kind = kNumber,
               .target = &Configuration::max_sessions_per_address,
               .section = kClients,
               .min = 1,
               .max = kSessionsMax,
               .is_stock = false,
               .help = "How many of them may come from one address. All of 127.0.0.0/8 and ::1 is "
                       "one address, and so is an IPv6 network of 64 bits; the Unix socket is not "
                       "limited. auto: MaxSessions."},
    OptionSpec{.name = "MaxSessionMessages",
               .kind = kNumber,
               .target = &Configuration::max_session_messages,
               .section = kClients,
               .min = 1,
               .max = kAnyNumber,
               .help = "How many messages may wait for a client that does not read."},
    OptionSpec{.name = "MaxSessionBytes",
               .kind = kNumber,
               .target = &Configuration::max_session_bytes,
               .section = kClients,
               .min = kSessionBytesMin,
               .max = kAnyNumber,
               .is_stock = false,
               .help = "How many bytes may wait for a client that does not read."},
    OptionSpec{.name = "SlowReaderPolicy",
               .kind = kChoice,
               .target = &Configuration::slow_reader_policy,
               .section = kClients,
               .min = 1,
               .max = kPolicyBytesMax,
               .is_stock = false,
               .words = kSlowReaderPolicies,
               .help = "What happens to a client for which more would have to wait: disconnect, or "
                       "block, which makes everybody wait, in the end the senders on all daemons, "
                       "until it has caught up."},
    OptionSpec{.name = "SlowReaderTimeout",
               .kind = kNumber,
               .target = &Configuration::slow_reader_timeout,
               .section = kClients,
               .min = 1,
               .max = kSlowReaderTimeoutMaxMs,
               .is_stock = false,
               .help = "How long, in milliseconds, block waits for a client. Then it is "
                       "disconnected after all."},
    OptionSpec{.name = "MaxSessionGroups",
               .kind = kNumber,
               .target = &Configuration::max_session_groups,
               .section = kClients,
               .min = 1,
               .max = kSessionGroupsMax,
               .is_stock = false,
               .help = "How many groups one client may be in. What it tries to join beyond them "
                       "comes back rejected."},
    OptionSpec{.name = "MaxMemberships",
               .kind = kNumber,
               .target = &Configuration::max_memberships,
               .section = kClients,
               .min = 1,
               .max = kAnyNumber,
               .is_stock = false,
               .help = "How many members all groups of all daemons may have together; each takes "
                       "about 260 bytes on every daemon. What clients of this daemon try to join "
                       "beyond them comes back rejected."},
    OptionSpec{.name = "MemoryBudget",
               .kind = kNumber,
               .target = &Configuration::memory_budget,
               .section = kClients,
               .min = kMemoryBudgetMin,
               .max = kAnyNumber,
               .is_stock = false,
               .help = "How much memory, in MiB, the daemon may use. A quarter is for what waits "
                       "for clients; beyond it the client for which most waits is disconnected. "
                       "Another one is for memberships, which MaxMemberships limits as well. auto: "
                       "half of what the host, its control group or ulimit -v allows, at most "
                       "4096."},
    OptionSpec{.name = "HandshakeTimeout",
               .kind = kNumber,
               .target = &Configuration::handshake_timeout,
               .section = kClients,
               .min = 1,
               .max = kHandshakeTimeoutMaxMs,
               .is_stock = false,
               .help =
                   "How long, in milliseconds, a client may take from its connection to the end "
                   "of its handshake, the check of its password included."},
    OptionSpec{.name = "OldClientLayout",
               .kind = kBool,
               .target = &Configuration::old_client_layout,
               .section = kClients,
               .is_stock = false,
               .help = "Whether clients of Spread 3.x get membership messages in the layout their "
                       "library reads. If not, they get the one of 4.x, as from the stock daemon."},
    OptionSpec{
        .name = "SocketPortReuse",
        .kind = kTriState,
        .target = &Configuration::socket_port_reuse,
        .section = kClients,
        .help = "Whether the port for clients can be taken over while old connections linger: on, "
                "off, or auto, which means only on addresses listed as interfaces."},
    OptionSpec{.name = "UnixSocketDir",
               .kind = kString,
               .target = &Configuration::unix_socket_dir,
               .section = kClients,
               .min = 1,
               .max = kSocketDirBytesMax,
               .is_stock = false,
               .example = "/run/spread",
               .help = "The directory of the Unix socket, which is named like the port. Default: "
                       "/tmp, where libraries of Spread 5 look for it, and where any user of the "
                       "host may put a socket before the daemon starts. A directory in which only "
                       "the daemon may write, such as /run/spread, is safe from that; its clients "
                       "name the socket's path, or PORT@localhost."},
    OptionSpec{.name = "AllowedAuthMethods",
               .kind = kMethods,
               .target = &Configuration::allowed_auth_methods,
               .section = kClients,
               .min = 0,
               .max = kAuthListBytesMax,
               .help = "How a client may prove who it is: NULL (not at all), IP (by its address), "
                       "PWORD (by name and password). Once one of the two lists names a method, "
                       "NULL is allowed only where it is listed. All about authentication, access "
                       "rules and their files: docs/access.md."},
    OptionSpec{.name = "RequiredAuthMethods",
               .kind = kMethods,
               .target = &Configuration::required_auth_methods,
               .section = kClients,
               .min = 0,
               .max = kAuthListBytesMax,
               .help = "What every client must pass in addition."},
    OptionSpec{.name = "AccessControlPolicy",
               .kind = kChoice,
               .target = &Configuration::access_control_policy,
               .section = kClients,
               .min = 1,
               .max = kPolicyBytesMax,
               .words = kAccessPolicies,
               .help = "Who may do what once connected: PERMIT allows everything, RULES asks the "
                       "file of access rules."},
    OptionSpec{.name = "AccessIPFile",
               .kind = kString,
               .target = &Configuration::access_ip_file,
               .section = kClients,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/etc/spread.access_ip",
               .help = "The file with the addresses for method IP. Default: spread.access_ip in "
                       "the working directory, else in /etc."},
    OptionSpec{.name = "AccessPasswordFile",
               .kind = kString,
               .target = &Configuration::access_password_file,
               .section = kClients,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/etc/spread.access_pword",
               .help = "The file with the passwords for method PWORD. Default: spread.access_pword "
                       "in the working directory, else in /etc."},
    OptionSpec{.name = "AccessRulesFile",
               .kind = kString,
               .target = &Configuration::access_rules_file,
               .section = kClients,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/etc/spread.access_rules",
               .help = "The file with the rules for policy RULES. Default: spread.access_rules in "
                       "the working directory, else in /etc."},
    OptionSpec{.name = "ClientTLS",
               .kind = kChoice,
               .target = &Configuration::client_tls,
               .section = kClients,
               .min = 1,
               .max = kPolicyBytesMax,
               .is_stock = false,
               .words = kClientTlsModes,
               .help =
                   "TLS for clients that come by TCP, at the same port: off; allow, and clients "
                   "choose; require, and those that speak in plain text are refused. Clients of "
                   "the Unix socket are not concerned."},
    OptionSpec{.name = "TLSCertificateFile",
               .kind = kString,
               .target = &Configuration::tls_certificate_file,
               .section = kClients,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/etc/spread/tls/daemon.crt",
               .help = "The certificate that the daemon shows to clients, in PEM, and behind it "
                       "those that it is signed by. Read again when it changes."},
    OptionSpec{.name = "TLSKeyFile",
               .kind = kString,
               .target = &Configuration::tls_key_file,
               .section = kClients,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/etc/spread/tls/daemon.key",
               .help = "The private key to TLSCertificateFile, in PEM and without a passphrase, "
                       "which nobody but root and the daemon's user may read. Read again when it "
                       "changes."},
    OptionSpec{.name = "TLSClientCAFile",
               .kind = kString,
               .target = &Configuration::tls_client_ca_file,
               .section = kClients,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/etc/spread/tls/clients.crt",
               .help =
                   "Certificates of authorities, in PEM. With it a client that comes by TLS must "
                   "show a certificate that one of them has signed; access rules call it by "
                   "tls:NAME, the first DNS name in it, else its common name. Read again when it "
                   "changes."},
    OptionSpec{.name = "DangerousMonitor",
               .kind = kBool,
               .target = &Configuration::dangerous_monitor,
               .section = kOperation,
               .help =
                   "Lets spreadctl and stock's monitor partition the daemons and change their flow "
                   "control, and the monitor stop them. Asking for their status is always "
                   "allowed."},
    OptionSpec{
        .name = "DaemonUser",
        .kind = kString,
        .target = &Configuration::daemon_user,
        .section = kOperation,
        .min = 1,
        .max = kUserBytesMax,
        .example = "spread",
        .help = "As whom the daemon runs after it was started as root. Default: it stays root."},
    OptionSpec{.name = "DaemonGroup",
               .kind = kString,
               .target = &Configuration::daemon_group,
               .section = kOperation,
               .min = 1,
               .max = kUserBytesMax,
               .example = "spread",
               .help = "The group it then runs in. Default: the group of DaemonUser."},
    OptionSpec{.name = "RuntimeDir",
               .kind = kString,
               .target = &Configuration::runtime_dir,
               .section = kOperation,
               .min = 1,
               .max = kPathBytesMax,
               .example = "/var/run/spread",
               .help = "The root directory of a daemon that was started as root. Default: it keeps "
                       "the root of the host."},
    OptionSpec{.name = "ControlSocket",
               .kind = kString,
               .target = &Configuration::control_socket,
               .section = kOperation,
               .min = 1,
               .max = kSocketDirBytesMax,
               .is_stock = false,
               .example = "/run/spread/4803.ctl",
               .help =
                   "The Unix socket that spreadctl talks to: its group may look, root and the "
                   "daemon's user may also change something. The string \"off\": none. Default: "
                   "/run/spread/PORT.ctl, or PORT.ctl in UnixSocketDir where that is set."},
    OptionSpec{.name = "AdminListen",
               .kind = kString,
               .target = &Configuration::admin_listen,
               .section = kOperation,
               .min = 1,
               .max = kSocketDirBytesMax,
               .is_stock = false,
               .example = "127.0.0.1:4805",
               .help = "An address and a TCP port for people and programs that only look: the "
                       "status page, JSON, health checks and metrics, by HTTP. Default: none. "
                       "Whoever can reach it sees names of clients and groups."},
    OptionSpec{.name = "AdminWrite",
               .kind = kBool,
               .target = &Configuration::admin_write,
               .section = kOperation,
               .is_stock = false,
               .help = "Who comes by AdminListen and shows the token of AdminTokenFile may also "
                       "change something. The token crosses the network in clear text."},
    OptionSpec{.name = "AdminTokenFile",
               .kind = kString,
               .target = &Configuration::admin_token_file,
               .section = kOperation,
               .min = 1,
               .max = kPathBytesMax,
               .is_stock = false,
               .example = "/etc/spread.admin_token",
               .help = "A file whose first line is a secret of at least 16 characters, for "
                       "AdminWrite. Others must not be able to read it. It is read at the start."},
    OptionSpec{.name = "RecordRingChanges",
               .kind = kBool,
               .target = &Configuration::record_ring_changes,
               .section = kOperation,
               .is_stock = false,
               .help =
                   "When the ring changes, at most once a minute, what it did goes to the state "
                   "directory, for spreadctl trace show: four files of up to 4 MiB."},
    OptionSpec{.name = "ActiveIPVersion",
               .kind = kIpVersion,
               .target = &Configuration::active_ip_version,
               .section = kNetwork,
               .scope = Scope::kRing,
               .help = "IPv4 or IPv6; auto means the family of the first daemon. All addresses are "
                       "of one family."},
    OptionSpec{.name = "DatagramBytes",
               .kind = kNumber,
               .target = &Configuration::datagram_bytes,
               .section = kNetwork,
               .min = kDatagramBytesMin,
               .max = kDatagramBytesMax,
               .is_stock = false,
               .help = "The longest datagrams of messages between daemons, without the headers of "
                       "IP and UDP. auto: 48 less than the MTU of the interfaces of the daemon's "
                       "addresses, at most 1452. A larger number pays off on a network of jumbo "
                       "frames; a smaller one is needed where a path is narrower than its ends."},
    OptionSpec{.name = "IgnoreMulticastJoinErrors",
               .kind = kBool,
               .target = &Configuration::ignore_multicast_join_errors,
               .section = kNetwork,
               .help = "Goes on with the remaining segment addresses when a multicast group cannot "
                       "be joined."},
    OptionSpec{
        .name = "ExcludeSegAddrsFromHash",
        .kind = kBool,
        .target = &Configuration::exclude_seg_addrs_from_hash,
        .section = kNetwork,
        .scope = Scope::kRing,
        .help = "Daemons may work together although their files name other segment addresses."},
    OptionSpec{.name = "AcceleratedRing",
               .kind = kBool,
               .target = &Configuration::accelerated_ring,
               .section = kRing,
               .scope = Scope::kRing,
               .help = "Passes the token on before all messages of a visit are sent; auto means "
                       "yes on a single segment."},
    OptionSpec{.name = "Window",
               .kind = kNumber,
               .target = &Configuration::window,
               .section = kRing,
               .min = 1,
               .max = kWindowMax,
               .scope = Scope::kRing,
               .help = "Packets that all daemons together may send during one round of the token. "
                       "auto sizes it by the delay of the network, from 264 packets or more on; a "
                       "number fixes it (Spread 5 uses 160)."},
    OptionSpec{.name = "PersonalWindow",
               .kind = kNumber,
               .target = &Configuration::personal_window,
               .section = kRing,
               .min = 1,
               .max = kWindowMax,
               .scope = Scope::kRing,
               .help = "Packets that one daemon may send during one round of the token, at most "
                       "Window. auto: from 88 on (Spread 5 uses 20)."},
    OptionSpec{.name = "AcceleratedWindow",
               .kind = kNumber,
               .target = &Configuration::accelerated_window,
               .section = kRing,
               .min = 0,
               .max = kWindowMax,
               .scope = Scope::kRing,
               .help = "Packets that one daemon may send after it passed the token on, at most "
                       "PersonalWindow. auto: 44 (Spread 5 uses 15)."},
    OptionSpec{.name = "WideAreaNetwork",
               .kind = kBool,
               .target = &Configuration::wide_area_network,
               .section = kRing,
               .scope = Scope::kRing,
               .help = "Whether timeouts suit distant hosts; auto means yes when there is more "
                       "than one segment."},
    OptionSpec{.name = "TokenTimeout",
               .kind = kNumber,
               .target = &StockTimeouts::token,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .help =
                   "Milliseconds of silence after which a ring counts as lost. auto: 250, or 1000 "
                   "over a wide area (Spread 5 uses 1250 on a single segment). Set alone it scales "
                   "the eight timeouts below; if one of those is set, all nine must be. The ring "
                   "learns to wait longer, see TokenTimeoutMax."},
    OptionSpec{.name = "TokenTimeoutMax",
               .kind = kNumber,
               .target = &Configuration::token_timeout_max,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .is_stock = false,
               .help = "Milliseconds up to which the ring learns to wait where daemons are silent "
                       "for a while without being dead; not above TokenTimeout, it never waits "
                       "longer than that. auto: twenty times TokenTimeout, at most 5000, or "
                       "TokenTimeout itself if all nine timeouts are set."},
    OptionSpec{
        .name = "HurryTimeout",
        .kind = kNumber,
        .target = &StockTimeouts::hurry,
        .section = kRing,
        .min = 1,
        .max = kAnyNumber,
        .scope = Scope::kRing,
        .help = "The longest wait, in milliseconds, before a token that got lost is sent again."},
    OptionSpec{.name = "AliveTimeout",
               .kind = kNumber,
               .target = &StockTimeouts::alive,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .help = "Of Spread 5; must be set with the others and has no effect."},
    OptionSpec{
        .name = "JoinTimeout",
        .kind = kNumber,
        .target = &StockTimeouts::join,
        .section = kRing,
        .min = 1,
        .max = kAnyNumber,
        .scope = Scope::kRing,
        .help = "How often, in milliseconds, a daemon that looks for others repeats itself."},
    OptionSpec{.name = "RepTimeout",
               .kind = kNumber,
               .target = &StockTimeouts::rep,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .help = "Of Spread 5; must be set with the others and has no effect."},
    OptionSpec{.name = "SegTimeout",
               .kind = kNumber,
               .target = &StockTimeouts::seg,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .help = "How long, in milliseconds, a starting daemon waits for others before "
                       "GatherTimeout begins."},
    OptionSpec{
        .name = "GatherTimeout",
        .kind = kNumber,
        .target = &StockTimeouts::gather,
        .section = kRing,
        .min = 1,
        .max = kAnyNumber,
        .scope = Scope::kRing,
        .help =
            "Milliseconds after which daemons that have not agreed on a ring are left out of it."},
    OptionSpec{.name = "FormTimeout",
               .kind = kNumber,
               .target = &StockTimeouts::form,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .help = "Of Spread 5; must be set with the others and has no effect."},
    OptionSpec{.name = "LookupTimeout",
               .kind = kNumber,
               .target = &StockTimeouts::lookup,
               .section = kRing,
               .min = 1,
               .max = kAnyNumber,
               .scope = Scope::kRing,
               .help = "How often, in milliseconds, a ring looks for daemons that it misses: the "
                       "longest time that a healed partition stays unnoticed."},
    OptionSpec{.name = "RingKeyFile",
               .kind = kString,
               .target = &Configuration::ring_key_file,
               .section = kRing,
               .min = 1,
               .max = kPathBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .example = "/var/lib/spread/ring.keys",
               .help = "The file with the keys of the ring, the same on all hosts: with it nobody "
                       "without the key can join, read or disturb the ring. The command spreadctl "
                       "key new makes one; docs/security.md tells more. Default: none, and "
                       "daemons speak in plain text."},
    OptionSpec{.name = "RingSealing",
               .kind = kChoice,
               .target = &Configuration::ring_sealing,
               .section = kRing,
               .min = 1,
               .max = kPolicyBytesMax,
               .change = Change::kReload,
               .is_stock = false,
               .words = kSealingModes,
               .example = "require",
               .help = "What a daemon with a RingKeyFile does, so that a running ring can go from "
                       "plain to sealed: accept sends plain datagrams and takes both kinds, send "
                       "seals and takes both, require seals and takes sealed ones only. Default: "
                       "require."},
};

constexpr auto kOptionNames = [] {
    std::array<std::string_view, kOptions.size()> names{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = kOptions[i].name;
    }
    return names;
}();

}  // namespace

bool OptionSpec::takes_auto() const {
    return (kind == kBool || kind == kNumber || kind == kIpVersion) &&
           (std::holds_alternative<std::optional<bool> Configuration::*>(target) ||
            std::holds_alternative<std::optional<std::uint32_t> Configuration::*>(target) ||
            std::holds_alternative<std::optional<IpAddress::Family> Configuration::*>(target) ||
            std::holds_alternative<std::optional<std::chrono::milliseconds> StockTimeouts::*>(
                target));
}

std::span<const OptionSpec> all_options() {
    return kOptions;
}

const OptionSpec* find_option(std::string_view name) {
    const auto* const found =
        std::find_if(kOptions.begin(), kOptions.end(),
                     [&](const OptionSpec& spec) { return spec.name == name; });
    return found == kOptions.end() ? nullptr : found;
}

const OptionSpec& option_of(const OptionTarget& target) {
    return *std::find_if(kOptions.begin(), kOptions.end(),
                         [&](const OptionSpec& spec) { return spec.target == target; });
}

std::span<const std::string_view> option_names() {
    return kOptionNames;
}

bool is_reserved(std::string_view word) {
    return word == "Spread_Segment" || word == "VirtualID" || word == "Host" || word == "Count" ||
           word == "D" || word == "C" || word == "M" || find_option(word) != nullptr ||
           parse_bool(word) || parse_tri_state(word) || parse_priority(word) ||
           parse_ip_version(word) || parse_debug_flag(word);
}

}  // namespace spread::config
