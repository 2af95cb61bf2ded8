#include "config/words.hpp"

#include <array>
#include <cstddef>
#include <tuple>

#include "config/text.hpp"

namespace spread::config {

namespace {

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

template <typename Table, typename Value>
std::string_view name_in(const Table& table, Value value) {
    for (const auto& entry : table) {
        if (entry.value == value) {
            return entry.name;
        }
    }
    return {};
}

}  // namespace

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

std::string_view word_of(TriState value) {
    return name_in(kTriStates, value);
}

std::string_view word_of(LogPriority value) {
    return name_in(kPriorities, value);
}

std::string_view word_of(IpAddress::Family value) {
    return name_in(kIpVersions, value);
}

std::string debug_flags_text(std::uint32_t flags) {
    std::string text = "{ ";
    for (const Flag& flag : kSingleFlags) {
        if ((flags & flag.value) != 0) {
            text += flag.name;
            text += ' ';
        }
    }
    return text + "}";
}

}  // namespace spread::config
