#include "daemon/host/log_event.hpp"

#include <algorithm>
#include <array>

namespace spread::daemon {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error",
                                                     "critical"};

using enum LogLevel;
using enum LogType;

// Long: the table.
constexpr std::array kEvents = {
    LogEventSpec{LogEvent::kStarting, "starting", kInfo, kPrint},
    LogEventSpec{LogEvent::kConfigurationError, "configuration_error", kError, kConfiguration},
    LogEventSpec{LogEvent::kConfigurationWarning, "configuration_warning", kWarning,
                 kConfiguration},
    LogEventSpec{LogEvent::kWaitsForAddress, "waits_for_address", kInfo, kNetwork},
    LogEventSpec{LogEvent::kConfigurationFile, "configuration_file", kInfo, kConfiguration},
    LogEventSpec{LogEvent::kSegment, "segment", kInfo, kConfiguration},
    LogEventSpec{LogEvent::kConfigurationHash, "configuration_hash", kInfo, kConfiguration},
    LogEventSpec{LogEvent::kIdentity, "identity", kInfo, kConfiguration},
    LogEventSpec{LogEvent::kSessionLog, "session_log", kInfo, kSession},
    LogEventSpec{LogEvent::kMemoryBudget, "memory_budget", kInfo, kMemory},
    LogEventSpec{LogEvent::kFilesFew, "files_few", kWarning, kSession},
    LogEventSpec{LogEvent::kUdpSocket, "udp_socket", kInfo, kNetwork},
    LogEventSpec{LogEvent::kReceiveBufferSmall, "receive_buffer_small", kWarning, kNetwork},
    LogEventSpec{LogEvent::kDatagramSize, "datagram_size", kInfo, kNetwork},
    LogEventSpec{LogEvent::kControlSocket, "control_socket", kInfo, kPrint},
    LogEventSpec{LogEvent::kControlSocketFailed, "control_socket_failed", kWarning, kPrint},
    LogEventSpec{LogEvent::kAdminPage, "admin_page", kInfo, kPrint},
    LogEventSpec{LogEvent::kMonitorFailed, "monitor_failed", kWarning, kNetwork},
    LogEventSpec{LogEvent::kListenNarrow, "listen_narrow", kInfo, kSession},
    LogEventSpec{LogEvent::kUnixSocketTaken, "unix_socket_taken", kError, kSession},
    LogEventSpec{LogEvent::kUnixSocketMissing, "unix_socket_missing", kWarning, kSession},
    LogEventSpec{LogEvent::kUnixSocketRemade, "unix_socket_remade", kWarning, kSession},
    LogEventSpec{LogEvent::kUnixSocketLost, "unix_socket_lost", kError, kSession},
    LogEventSpec{LogEvent::kRootDirectory, "root_directory", kInfo, kSecurity},
    LogEventSpec{LogEvent::kUserChanged, "user_changed", kInfo, kSecurity},
    LogEventSpec{LogEvent::kRunsAsRoot, "runs_as_root", kInfo, kSecurity},
    LogEventSpec{LogEvent::kOwnerUnchanged, "owner_unchanged", kWarning, kSecurity},
    LogEventSpec{LogEvent::kReady, "ready", kInfo, kPrint},
    LogEventSpec{LogEvent::kStopping, "stopping", kInfo, kExit},
    LogEventSpec{LogEvent::kStopForced, "stop_forced", kWarning, kExit},
    LogEventSpec{LogEvent::kExiting, "exiting", kInfo, kExit},
    LogEventSpec{LogEvent::kFailed, "failed", kError, kExit},
    LogEventSpec{LogEvent::kAccessWarning, "access_warning", kWarning, kSecurity},
    LogEventSpec{LogEvent::kAccessError, "access_error", kError, kSecurity},
    LogEventSpec{LogEvent::kAccessReloaded, "access_reloaded", kInfo, kConfiguration},
    LogEventSpec{LogEvent::kStateFailed, "state_failed", kWarning, kPrint},
    LogEventSpec{LogEvent::kStateWritten, "state_written", kInfo, kPrint},
    LogEventSpec{LogEvent::kRingRecorded, "ring_recorded", kDebug, kMembership},
    LogEventSpec{LogEvent::kRingRecordFailed, "ring_record_failed", kWarning, kMembership},
    LogEventSpec{LogEvent::kRingState, "ring_state", kInfo, kMembership},
    LogEventSpec{LogEvent::kMembershipId, "membership_id", kInfo, kMembership},
    LogEventSpec{LogEvent::kRingComplete, "ring_complete", kInfo, kMembership},
    LogEventSpec{LogEvent::kRingIncomplete, "ring_incomplete", kWarning, kMembership},
    LogEventSpec{LogEvent::kRingMissing, "ring_missing", kWarning, kMembership},
    LogEventSpec{LogEvent::kRingStillMissing, "ring_still_missing", kWarning, kMembership},
    LogEventSpec{LogEvent::kMulticastLost, "multicast_lost", kWarning, kNetwork},
    LogEventSpec{LogEvent::kMulticastBack, "multicast_back", kInfo, kNetwork},
    LogEventSpec{LogEvent::kSegmentAddressUnused, "segment_address_unused", kWarning, kNetwork},
    LogEventSpec{LogEvent::kGroupAddressFailed, "group_address_failed", kError, kNetwork},
    LogEventSpec{LogEvent::kDatagramUnreadable, "datagram_unreadable", kWarning, kNetwork},
    LogEventSpec{LogEvent::kOtherConfiguration, "other_configuration", kWarning, kNetwork},
    LogEventSpec{LogEvent::kSettingsDiffer, "settings_differ", kWarning, kMembership},
    LogEventSpec{LogEvent::kRingOpen, "ring_open", kInfo, kSecurity},
    LogEventSpec{LogEvent::kRingKeys, "ring_keys", kInfo, kSecurity},
    LogEventSpec{LogEvent::kRingKeysFailed, "ring_keys_failed", kError, kSecurity},
    LogEventSpec{LogEvent::kRingKeysUnsaved, "ring_keys_unsaved", kError, kSecurity},
    LogEventSpec{LogEvent::kRingSealingUnread, "ring_sealing_unread", kWarning, kSecurity},
    LogEventSpec{LogEvent::kTls, "tls", kInfo, kSecurity},
    LogEventSpec{LogEvent::kTlsFailed, "tls_failed", kError, kSecurity},
    LogEventSpec{LogEvent::kTlsExpires, "tls_expires", kWarning, kSecurity},
    LogEventSpec{LogEvent::kSealRefused, "seal_refused", kWarning, kSecurity},
    LogEventSpec{LogEvent::kPlainTaken, "plain_taken", kWarning, kSecurity},
    LogEventSpec{LogEvent::kTwoLives, "two_lives", kError, kSecurity},
    LogEventSpec{LogEvent::kRingKeyTaken, "ring_key_taken", kInfo, kSecurity},
    LogEventSpec{LogEvent::kPutBack, "put_back", kCritical, kSecurity},
    LogEventSpec{LogEvent::kPathNarrow, "path_narrow", kWarning, kNetwork},
    LogEventSpec{LogEvent::kDaemonAddress, "daemon_address", kInfo, kNetwork},
    LogEventSpec{LogEvent::kLookUpsFail, "look_ups_fail", kWarning, kNetwork},
    LogEventSpec{LogEvent::kSendFailed, "send_failed", kWarning, kNetwork},
    LogEventSpec{LogEvent::kSegmentationRefused, "segmentation_refused", kInfo, kNetwork},
    LogEventSpec{LogEvent::kOwnPause, "own_pause", kWarning, kMembership},
    LogEventSpec{LogEvent::kOwnAddressLost, "own_address_lost", kWarning, kNetwork},
    LogEventSpec{LogEvent::kOwnAddressBack, "own_address_back", kInfo, kNetwork},
    LogEventSpec{LogEvent::kOwnAddressUnused, "own_address_unused", kError, kNetwork},
    LogEventSpec{LogEvent::kOwnLinkLost, "own_link_lost", kWarning, kNetwork},
    LogEventSpec{LogEvent::kOwnLinkBack, "own_link_back", kInfo, kNetwork},
    LogEventSpec{LogEvent::kInterfacesUnreadable, "interfaces_unreadable", kWarning, kNetwork},
    LogEventSpec{LogEvent::kCounters, "counters", kDebug, kNetwork},
    LogEventSpec{LogEvent::kConnection, "connection", kDebug, kSession},
    LogEventSpec{LogEvent::kClientConnected, "client_connected", kInfo, kSession},
    LogEventSpec{LogEvent::kClientDisconnected, "client_disconnected", kInfo, kSession},
    LogEventSpec{LogEvent::kClientRefused, "client_refused", kInfo, kSession},
    LogEventSpec{LogEvent::kClientDropped, "client_dropped", kWarning, kSession},
    LogEventSpec{LogEvent::kClientNote, "client_note", kInfo, kSession},
    LogEventSpec{LogEvent::kClientWarning, "client_warning", kWarning, kSession},
    LogEventSpec{LogEvent::kClientUnwatchable, "client_unwatchable", kError, kSession},
    LogEventSpec{LogEvent::kAcceptFailed, "accept_failed", kError, kSession},
    LogEventSpec{LogEvent::kMemoryShort, "memory_short", kError, kMemory},
    LogEventSpec{LogEvent::kMemoryBack, "memory_back", kInfo, kMemory},
    LogEventSpec{LogEvent::kOperatorCommand, "operator_command", kWarning, kPrint},
    LogEventSpec{LogEvent::kOperatorRefused, "operator_refused", kWarning, kSecurity},
    LogEventSpec{LogEvent::kMonitorRequestIgnored, "monitor_request_ignored", kWarning, kNetwork},
    LogEventSpec{LogEvent::kPartitionExpired, "partition_expired", kWarning, kPrint},
    LogEventSpec{LogEvent::kLogReopened, "log_reopened", kInfo, kPrint},
    LogEventSpec{LogEvent::kLogReopenFailed, "log_reopen_failed", kError, kPrint},
    LogEventSpec{LogEvent::kLogLinesLost, "log_lines_lost", kWarning, kPrint},
};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kEvents.size(); ++i) {
        if (static_cast<std::size_t>(kEvents[i].event) != i) {
            return false;
        }
    }
    return kEvents.back().event == LogEvent::kLogLinesLost;
}
static_assert(is_in_order());

}  // namespace

std::optional<LogLevel> log_level_of(std::string_view name) {
    const auto found = std::find(kLevels.begin(), kLevels.end(), name);
    return found == kLevels.end() ? std::nullopt
                                  : std::optional(static_cast<LogLevel>(found - kLevels.begin()));
}

std::string_view to_string(LogLevel level) {
    return kLevels[static_cast<std::size_t>(level)];
}

std::string_view to_string(LogType type) {
    switch (type) {
        case LogType::kExit: return "exit";
        case LogType::kMemory: return "memory";
        case LogType::kPrint: return "print";
        case LogType::kNetwork: return "network";
        case LogType::kProtocol: return "protocol";
        case LogType::kSession: return "session";
        case LogType::kConfiguration: return "configuration";
        case LogType::kMembership: return "membership";
        case LogType::kGroups: return "groups";
        case LogType::kSecurity: break;
    }
    return "security";
}

std::span<const LogEventSpec> all_log_events() {
    return kEvents;
}

const LogEventSpec& spec_of(LogEvent event) {
    return kEvents[static_cast<std::size_t>(event)];
}

}  // namespace spread::daemon
