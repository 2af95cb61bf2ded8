#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.hpp"

namespace spread::spuser {

/// The commands of the stock program, by the same letters.
enum class Verb : char {
    kJoin = 'j',
    kLeave = 'l',
    kSend = 's',
    kSendLines = 'm',
    kBurst = 'b',
    kReceive = 'r',
    kPoll = 'p',
    kEnableAsync = 'e',
    kDisableAsync = 'd',
    kHelp = '?',
    kQuit = 'q',
};

struct Command {
    Verb verb = Verb::kHelp;
    std::vector<std::string> arguments;  ///< groups, or the seconds of `r`

    friend bool operator==(const Command&, const Command&) = default;
};

/// One line of input. Nothing for a blank line; an error is one line for the user.
[[nodiscard]] protocol::Result<std::optional<Command>, std::string> parse_command(
    std::string_view line);

/// The list of commands, for people.
[[nodiscard]] std::string_view menu();

}  // namespace spread::spuser
