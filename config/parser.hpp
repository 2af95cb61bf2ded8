#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.hpp"
#include "config/diagnostics.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"

namespace spread::config {

/// An address as written. `text` views the parsed text.
struct AddressTerm {
    IpAddress address;
    std::optional<std::uint32_t> port;
    std::string_view text;  ///< without brackets, port and scope
    bool is_bracketed = false;
    Position at;
};

struct InterfaceTerm {
    AddressTerm address;
    bool daemon = false;  ///< letters as written; none at all means every use
    bool client = false;
    bool monitor = false;
};

struct DaemonTerm {
    std::string_view name;
    Position at;
    bool is_name_quoted = false;
    bool is_name_an_address = false;       ///< only an address was written
    bool is_broken = false;                ///< something about it was reported already
    std::optional<AddressTerm> address;    ///< none: to be resolved
    std::optional<std::string_view> host;  ///< in place of an address
    Position host_at;
    std::optional<std::uint32_t> count;  ///< this many daemons, which '*' numbers
    Position count_at;
    std::optional<std::uint32_t> virtual_id;
    Position virtual_id_at;
    std::vector<InterfaceTerm> interfaces;
    std::optional<Position> stanza_at;  ///< of its opening brace
    bool ends_with_semicolon = false;
};

struct SegmentTerm {
    Position at;
    std::vector<AddressTerm> addresses;
    /// unicast[:PORT] in the place of addresses.
    bool is_unicast = false;
    std::optional<std::uint32_t> unicast_port;
    Position unicast_at;
    std::vector<DaemonTerm> daemons;
    bool is_broken = false;  ///< something in it was reported already
};

struct OptionTerm {
    const OptionSpec* spec = nullptr;
    Position at;
    Position value_at;
    bool is_valid = false;  ///< the value was understood and is within its range
    OptionValue value;      ///< monostate: the option was given without a value
};

/// What a file says, in file order, before anything is compared with anything else.
struct SyntaxTree {
    std::vector<SegmentTerm> segments;
    std::vector<OptionTerm> options;
};

/// As many as stock allows.
inline constexpr std::size_t kMaxSegments = 20;
inline constexpr std::size_t kMaxDaemons = 128;
inline constexpr std::size_t kMaxSegmentAddresses = 5;
inline constexpr std::size_t kMaxInterfaces = 10;

/// Reads the grammar of configuration files and reports everything that does not fit it. After a
/// mistake it goes on where the file most likely makes sense again, and stops only when
/// `diagnostics` is full. The tree is bounded by the limits above and by the size of the text,
/// which it views.
[[nodiscard]] SyntaxTree parse_syntax(std::string_view text, Diagnostics& diagnostics);

}  // namespace spread::config
