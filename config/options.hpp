#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/configuration.hpp"

namespace spread::config {

/// Every option of a configuration file (configuration 4), ours included.
enum class OptionId : std::uint8_t {
    kDebugFlags,
    kEventPriority,
    kEventLogFile,
    kEventTimeStamp,
    kEventPreciseTimeStamp,
    kDangerousMonitor,
    kSocketPortReuse,
    kRuntimeDir,
    kDaemonUser,
    kDaemonGroup,
    kRequiredAuthMethods,
    kAllowedAuthMethods,
    kAccessControlPolicy,
    kAccessIPFile,
    kAccessPasswordFile,
    kAccessRulesFile,
    kMaxSessions,
    kMaxSessionMessages,
    kMaxSessionBytes,
    kMaxSessionGroups,
    kSlowReaderPolicy,
    kSlowReaderTimeout,
    kOldClientLayout,
    kActiveIPVersion,
    kWindow,
    kPersonalWindow,
    kAcceleratedRing,
    kAcceleratedWindow,
    kWideAreaNetwork,
    kTokenTimeout,
    kHurryTimeout,
    kAliveTimeout,
    kJoinTimeout,
    kRepTimeout,
    kSegTimeout,
    kGatherTimeout,
    kFormTimeout,
    kLookupTimeout,
    kExcludeSegAddrsFromHash,
    kIgnoreMulticastJoinErrors,
};

enum class ValueKind : std::uint8_t {
    kNone,            ///< the word alone
    kBool,            ///< true yes false no
    kTriState,        ///< on off auto
    kNumber,          ///< at most nine digits
    kString,          ///< quoted, or a word that means nothing else
    kOptionalString,  ///< the word alone, or with a string
    kPriority,        ///< pDEBUG INFO WARNING ERROR CRITICAL FATAL
    kFlags,           ///< { [!]FLAG ... }
    kIpVersion,       ///< IPv4 IPv6
};

struct OptionSpec {
    std::string_view name;
    OptionId id;
    ValueKind kind;
    std::uint32_t min;  ///< smallest number, or fewest bytes of a string
    std::uint32_t max;  ///< largest number, or most bytes of a string
};

/// What EventTimeStamp means without a value.
inline constexpr std::string_view kDefaultTimeStamp = "%m/%d/%y %H:%M:%S";

[[nodiscard]] std::span<const OptionSpec> all_options();

/// The option of exactly this spelling, or null.
[[nodiscard]] const OptionSpec* find_option(std::string_view name);

[[nodiscard]] std::span<const std::string_view> option_names();

/// Whether a word has a meaning of its own anywhere in a file, so that it can be a name or a string
/// value only in quotes (configuration 2, ties).
[[nodiscard]] bool is_reserved(std::string_view word);

[[nodiscard]] std::optional<bool> parse_bool(std::string_view word);
[[nodiscard]] std::optional<TriState> parse_tri_state(std::string_view word);
[[nodiscard]] std::optional<LogPriority> parse_priority(std::string_view word);
[[nodiscard]] std::optional<IpAddress::Family> parse_ip_version(std::string_view word);

/// The bits a flag of DebugFlags stands for (operations 4); none for NONE.
[[nodiscard]] std::optional<std::uint32_t> parse_debug_flag(std::string_view word);

[[nodiscard]] std::span<const std::string_view> priority_names();
[[nodiscard]] std::span<const std::string_view> debug_flag_names();

}  // namespace spread::config
