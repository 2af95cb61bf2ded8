#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace spread::daemon {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kCritical };
/// debug, info, warning, error or critical.
[[nodiscard]] std::optional<LogLevel> log_level_of(std::string_view name);
[[nodiscard]] std::string_view to_string(LogLevel level);

/// Subject of a log line, as the bits of DebugFlags.
enum class LogType : std::uint32_t {
    kExit = 0x1,
    kMemory = 0x4,
    kPrint = 0x10,
    kNetwork = 0x20,
    kProtocol = 0x40,
    kSession = 0x80,
    kConfiguration = 0x100,
    kMembership = 0x200,
    kGroups = 0x2000,
    kSecurity = 0x800000
};
/// The word of DebugFlags, in small letters.
[[nodiscard]] std::string_view to_string(LogType type);

/// What a line of the log tells. Each has a row in the table, which gives it its name, level and
/// subject, and one in docs/log-reference.md, which says what it means. Names are stable: programs
/// look for them.
// Long: one for each.
enum class LogEvent : std::uint8_t {
    kStarting,
    kConfigurationError,
    kConfigurationWarning,
    kWaitsForAddress,
    kConfigurationFile,
    kSegment,
    kConfigurationHash,
    kIdentity,
    kSessionLog,
    kMemoryBudget,
    kFilesFew,
    kUdpSocket,
    kReceiveBufferSmall,
    kDatagramSize,
    kControlSocket,
    kControlSocketFailed,
    kAdminPage,
    kMonitorFailed,
    kListenNarrow,
    kUnixSocketTaken,
    kUnixSocketMissing,
    kUnixSocketRemade,
    kUnixSocketLost,
    kRootDirectory,
    kUserChanged,
    kRunsAsRoot,
    kOwnerUnchanged,
    kReady,
    kStopping,
    kStopForced,
    kExiting,
    kFailed,
    kAccessWarning,
    kAccessError,
    kAccessReloaded,
    kStateFailed,
    kStateWritten,
    kRingRecorded,
    kRingRecordFailed,
    kRingState,
    kMembershipId,
    kRingComplete,
    kRingIncomplete,
    kRingMissing,
    kRingStillMissing,
    kMulticastLost,
    kMulticastBack,
    kSegmentAddressUnused,
    kGroupAddressFailed,
    kDatagramUnreadable,
    kOtherConfiguration,
    kSettingsDiffer,
    kRingOpen,
    kRingKeys,
    kRingKeysFailed,
    kRingKeysUnsaved,
    kRingSealingUnread,
    kTls,
    kTlsFailed,
    kTlsExpires,
    kSealRefused,
    kPlainTaken,
    kTwoLives,
    kRingKeyTaken,
    kPutBack,
    kPathNarrow,
    kDaemonAddress,
    kLookUpsFail,
    kSendFailed,
    kSegmentationRefused,
    kOwnPause,
    kOwnAddressLost,
    kOwnAddressBack,
    kOwnAddressUnused,
    kOwnLinkLost,
    kOwnLinkBack,
    kInterfacesUnreadable,
    kCounters,
    kConnection,
    kClientConnected,
    kClientDisconnected,
    kClientRefused,
    kClientDropped,
    kClientNote,
    kClientWarning,
    kClientUnwatchable,
    kAcceptFailed,
    kMemoryShort,
    kMemoryBack,
    kOperatorCommand,
    kOperatorRefused,
    kMonitorRequestIgnored,
    kPartitionExpired,
    kLogReopened,
    kLogReopenFailed,
    kLogLinesLost,
};

struct LogEventSpec {
    LogEvent event;
    std::string_view name;
    LogLevel level;
    LogType type;
};

/// In the order of the enumeration.
[[nodiscard]] std::span<const LogEventSpec> all_log_events();
[[nodiscard]] const LogEventSpec& spec_of(LogEvent event);

}  // namespace spread::daemon
