#include "config/options.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>

#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::uint32_t kAnyNumber = 999999999;
// Windows travel in signed 16-bit fields of the monitor protocol.
constexpr std::uint32_t kWindowMax = 32767;
constexpr std::uint32_t kPathBytesMax = 4095;
constexpr std::uint32_t kTimeStampBytesMax = 255;
constexpr std::uint32_t kUserBytesMax = 32;
constexpr std::uint32_t kAuthListBytesMax = 89;
constexpr std::uint32_t kPolicyBytesMax = 32;
constexpr std::uint32_t kSessionsMax = 1000000;
constexpr std::uint32_t kSessionGroupsMax = 1000000;
// A queue that cannot hold the longest message would disconnect clients that read as they should.
constexpr std::uint32_t kSessionBytesMin = 262144;
constexpr std::uint32_t kSlowReaderTimeoutMaxMs = 3600000;

using enum OptionId;
using enum ValueKind;

constexpr std::array kOptions = {
    OptionSpec{"DebugFlags", kDebugFlags, kFlags, 0, 0},
    OptionSpec{"EventPriority", kEventPriority, kPriority, 0, 0},
    OptionSpec{"EventLogFile", kEventLogFile, kString, 1, kPathBytesMax},
    OptionSpec{"EventTimeStamp", kEventTimeStamp, kOptionalString, 0, kTimeStampBytesMax},
    OptionSpec{"EventPreciseTimeStamp", kEventPreciseTimeStamp, kNone, 0, 0},
    OptionSpec{"DangerousMonitor", kDangerousMonitor, kBool, 0, 0},
    OptionSpec{"SocketPortReuse", kSocketPortReuse, kTriState, 0, 0},
    OptionSpec{"RuntimeDir", kRuntimeDir, kString, 1, kPathBytesMax},
    OptionSpec{"DaemonUser", kDaemonUser, kString, 1, kUserBytesMax},
    OptionSpec{"DaemonGroup", kDaemonGroup, kString, 1, kUserBytesMax},
    OptionSpec{"RequiredAuthMethods", kRequiredAuthMethods, kString, 0, kAuthListBytesMax},
    OptionSpec{"AllowedAuthMethods", kAllowedAuthMethods, kString, 0, kAuthListBytesMax},
    OptionSpec{"AccessControlPolicy", kAccessControlPolicy, kString, 1, kPolicyBytesMax},
    OptionSpec{"AccessIPFile", kAccessIPFile, kString, 1, kPathBytesMax},
    OptionSpec{"AccessPasswordFile", kAccessPasswordFile, kString, 1, kPathBytesMax},
    OptionSpec{"AccessRulesFile", kAccessRulesFile, kString, 1, kPathBytesMax},
    OptionSpec{"MaxSessions", kMaxSessions, kNumber, 1, kSessionsMax},
    OptionSpec{"MaxSessionMessages", kMaxSessionMessages, kNumber, 1, kAnyNumber},
    OptionSpec{"MaxSessionBytes", kMaxSessionBytes, kNumber, kSessionBytesMin, kAnyNumber},
    OptionSpec{"MaxSessionGroups", kMaxSessionGroups, kNumber, 1, kSessionGroupsMax},
    OptionSpec{"SlowReaderPolicy", kSlowReaderPolicy, kString, 1, kPolicyBytesMax},
    OptionSpec{"SlowReaderTimeout", kSlowReaderTimeout, kNumber, 1, kSlowReaderTimeoutMaxMs},
    OptionSpec{"OldClientLayout", kOldClientLayout, kBool, 0, 0},
    OptionSpec{"ActiveIPVersion", kActiveIPVersion, kIpVersion, 0, 0},
    OptionSpec{"Window", kWindow, kNumber, 1, kWindowMax},
    OptionSpec{"PersonalWindow", kPersonalWindow, kNumber, 1, kWindowMax},
    OptionSpec{"AcceleratedRing", kAcceleratedRing, kBool, 0, 0},
    OptionSpec{"AcceleratedWindow", kAcceleratedWindow, kNumber, 0, kWindowMax},
    OptionSpec{"WideAreaNetwork", kWideAreaNetwork, kBool, 0, 0},
    OptionSpec{"TokenTimeout", kTokenTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"HurryTimeout", kHurryTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"AliveTimeout", kAliveTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"JoinTimeout", kJoinTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"RepTimeout", kRepTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"SegTimeout", kSegTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"GatherTimeout", kGatherTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"FormTimeout", kFormTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"LookupTimeout", kLookupTimeout, kNumber, 1, kAnyNumber},
    OptionSpec{"ExcludeSegAddrsFromHash", kExcludeSegAddrsFromHash, kBool, 0, 0},
    OptionSpec{"IgnoreMulticastJoinErrors", kIgnoreMulticastJoinErrors, kBool, 0, 0},
};

/// A word and what it stands for.
template <typename Value>
struct Word {
    std::string_view name;
    Value value;
};

constexpr std::array kBools = {Word<bool>{"true", true}, Word<bool>{"yes", true},
                               Word<bool>{"false", false}, Word<bool>{"no", false}};

constexpr std::array kTriStates = {Word<TriState>{"on", TriState::kOn},
                                   Word<TriState>{"off", TriState::kOff},
                                   Word<TriState>{"auto", TriState::kAuto}};

constexpr std::array kPriorities = {Word<LogPriority>{"pDEBUG", LogPriority::kDebug},
                                    Word<LogPriority>{"INFO", LogPriority::kInfo},
                                    Word<LogPriority>{"WARNING", LogPriority::kWarning},
                                    Word<LogPriority>{"ERROR", LogPriority::kError},
                                    Word<LogPriority>{"CRITICAL", LogPriority::kCritical},
                                    Word<LogPriority>{"FATAL", LogPriority::kFatal}};

constexpr std::array kIpVersions = {
    Word<IpAddress::Family>{"IPv4", IpAddress::Family::kV4},
    Word<IpAddress::Family>{"IPv6", IpAddress::Family::kV6},
};

using Flag = Word<std::uint32_t>;

constexpr std::array kSingleFlags = {
    Flag{"EXIT", 0x1},         Flag{"DATA_LINK", 0x2},      Flag{"MEMORY", 0x4},
    Flag{"EVENTS", 0x8},       Flag{"PRINT", 0x10},         Flag{"NETWORK", 0x20},
    Flag{"PROTOCOL", 0x40},    Flag{"SESSION", 0x80},       Flag{"CONFIGURATION", 0x100},
    Flag{"MEMBERSHIP", 0x200}, Flag{"FLOW_CONTROL", 0x400}, Flag{"STATUS", 0x800},
    Flag{"DEBUG", 0x1000},     Flag{"GROUPS", 0x2000},      Flag{"SKIPLIST", 0x200000},
    Flag{"ACM", 0x400000},     Flag{"SECURITY", 0x800000},
};

constexpr std::uint32_t kAllFlags = [] {
    std::uint32_t bits = 0;
    for (const Flag& flag : kSingleFlags) {
        bits |= flag.value;
    }
    return bits;
}();

constexpr auto kFlagTable = [] {
    std::array<Flag, kSingleFlags.size() + 2> flags{};
    flags[0] = Flag{"ALL", kAllFlags};
    flags[1] = Flag{"NONE", 0};
    for (std::size_t i = 0; i < kSingleFlags.size(); ++i) {
        flags[i + 2] = kSingleFlags[i];
    }
    return flags;
}();

template <typename Table>
constexpr auto names_of(const Table& table) {
    std::array<std::string_view, std::tuple_size_v<Table>> names{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = table[i].name;
    }
    return names;
}

constexpr auto kOptionNames = names_of(kOptions);
constexpr auto kFlagNames = names_of(kFlagTable);
constexpr auto kPriorityNames = names_of(kPriorities);

enum class Case : std::uint8_t { kExact, kIgnored };

template <typename Table>
auto look_up(const Table& table, std::string_view word, Case letter_case) {
    using Value = decltype(table[0].value);
    for (const auto& entry : table) {
        if (letter_case == Case::kExact ? entry.name == word
                                        : equal_ignoring_case(entry.name, word)) {
            return std::optional<Value>(entry.value);
        }
    }
    return std::optional<Value>();
}

}  // namespace

std::span<const OptionSpec> all_options() {
    return kOptions;
}

const OptionSpec* find_option(std::string_view name) {
    const auto* const found =
        std::find_if(kOptions.begin(), kOptions.end(),
                     [&](const OptionSpec& spec) { return spec.name == name; });
    return found == kOptions.end() ? nullptr : found;
}

std::span<const std::string_view> option_names() {
    return kOptionNames;
}

bool is_reserved(std::string_view word) {
    return word == "Spread_Segment" || word == "VirtualID" || word == "D" || word == "C" ||
           word == "M" || find_option(word) != nullptr || parse_bool(word) ||
           parse_tri_state(word) || parse_priority(word) || parse_ip_version(word) ||
           parse_debug_flag(word);
}

std::optional<bool> parse_bool(std::string_view word) {
    return look_up(kBools, word, Case::kIgnored);
}

std::optional<TriState> parse_tri_state(std::string_view word) {
    return look_up(kTriStates, word, Case::kIgnored);
}

std::optional<LogPriority> parse_priority(std::string_view word) {
    return look_up(kPriorities, word, Case::kExact);
}

std::optional<IpAddress::Family> parse_ip_version(std::string_view word) {
    return look_up(kIpVersions, word, Case::kExact);
}

std::optional<std::uint32_t> parse_debug_flag(std::string_view word) {
    return look_up(kFlagTable, word, Case::kExact);
}

std::span<const std::string_view> priority_names() {
    return kPriorityNames;
}

std::span<const std::string_view> debug_flag_names() {
    return kFlagNames;
}

}  // namespace spread::config
