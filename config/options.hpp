#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/configuration.hpp"

namespace spread::config {

enum class ValueKind : std::uint8_t {
    kNone,            ///< the word alone
    kBool,            ///< true yes false no
    kTriState,        ///< on off auto
    kNumber,          ///< at most nine digits
    kString,          ///< quoted, or a word that means nothing else
    kOptionalString,  ///< the word alone, or with a string
    kChoice,          ///< a string that is one of `OptionSpec::words`
    kMethods,         ///< a string that lists authentication methods
    kPriority,        ///< pDEBUG INFO WARNING ERROR CRITICAL FATAL
    kFlags,           ///< { [!]FLAG ... }
    kIpVersion,       ///< IPv4 IPv6
};

/// Where the value of an option goes. With an optional bool, number or IP version the word `auto`
/// means the same as leaving the option out.
using OptionTarget = std::variant<
    bool Configuration::*, std::uint32_t Configuration::*,
    std::chrono::nanoseconds Configuration::*, TriState Configuration::*,
    LogPriority Configuration::*, SlowReaderPolicy Configuration::*, std::string Configuration::*,
    std::vector<std::string> Configuration::*, std::optional<bool> Configuration::*,
    std::optional<std::uint32_t> Configuration::*, std::optional<std::string> Configuration::*,
    std::optional<IpAddress::Family> Configuration::*,
    std::optional<std::chrono::milliseconds> StockTimeouts::*>;

/// The chapters of the sample file, in its order.
enum class Section : std::uint8_t { kLog, kClients, kOperation, kNetwork, kRing };

/// Whether the daemons of a ring must agree on an option.
enum class Scope : std::uint8_t {
    kHost,  ///< each daemon for itself
    kRing,  ///< the same on all daemons, or they hinder or ignore each other
};

/// How a change takes effect.
enum class Change : std::uint8_t {
    kRestart,  ///< a new value takes a restart
    kReload,   ///< the file it names is read again on SIGHUP; another name needs a restart
};

/// One row of the table of options. Everything that is said of an option follows
/// from its row: how it is read, its name being reserved, the sample file, what --check prints.
struct OptionSpec {
    std::string_view name;
    ValueKind kind;
    OptionTarget target;
    Section section;
    std::uint32_t min = 0;  ///< smallest number, or fewest bytes of a string
    std::uint32_t max = 0;  ///< largest number, or most bytes of a string
    Scope scope = Scope::kHost;
    Change change = Change::kRestart;
    bool is_stock = true;          ///< false: one of ours, and stock refuses a file that sets it
    bool may_break_lines = false;  ///< a string that may hold control characters
    std::span<const std::string_view> words{};  ///< of kChoice
    std::string_view example{};  ///< a value to show where the default is not to be set
    std::string_view help{};     ///< sentences for the sample file

    /// Whether `auto` stands for leaving it out.
    [[nodiscard]] bool takes_auto() const;
};

/// What EventTimeStamp means without a value.
inline constexpr std::string_view kDefaultTimeStamp = "%m/%d/%y %H:%M:%S";

/// In the order of the sample file.
[[nodiscard]] std::span<const OptionSpec> all_options();

/// The option of exactly this spelling, or null.
[[nodiscard]] const OptionSpec* find_option(std::string_view name);

/// The option whose value goes there.
[[nodiscard]] const OptionSpec& option_of(const OptionTarget& target);

[[nodiscard]] std::span<const std::string_view> option_names();

/// Whether a word has a meaning of its own anywhere in a file, so that it can be a name or a string
/// value only in quotes.
[[nodiscard]] bool is_reserved(std::string_view word);

}  // namespace spread::config
