#include "tools/spuser/commands.hpp"

#include <array>
#include <limits>
#include <utility>

#include "protocol/names.hpp"

namespace spread::spuser {

namespace {

struct Shape {
    Verb verb;
    std::size_t arguments_min;
    std::size_t arguments_max;
    std::string_view usage;
};

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

constexpr std::array kShapes{
    Shape{Verb::kJoin, 1, 1, "j GROUP"},
    Shape{Verb::kLeave, 1, 1, "l GROUP"},
    Shape{Verb::kSend, 1, kAny, "s GROUP..."},
    Shape{Verb::kSendLines, 1, kAny, "m GROUP..."},
    Shape{Verb::kBurst, 1, kAny, "b GROUP..."},
    Shape{Verb::kReceive, 0, 1, "r [SECONDS]"},
    Shape{Verb::kPoll, 0, 0, "p"},
    Shape{Verb::kEnableAsync, 0, 0, "e"},
    Shape{Verb::kDisableAsync, 0, 0, "d"},
    Shape{Verb::kHelp, 0, 0, "?"},
    Shape{Verb::kQuit, 0, 0, "q"},
};

std::vector<std::string> words_of(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r\n";
    std::vector<std::string> words;
    while (true) {
        const auto start = line.find_first_not_of(kBlanks);
        if (start == std::string_view::npos) {
            return words;
        }
        line.remove_prefix(start);
        const auto length = std::min(line.find_first_of(kBlanks), line.size());
        words.emplace_back(line.substr(0, length));
        line.remove_prefix(length);
    }
}

}  // namespace

protocol::Result<std::optional<Command>, std::string> parse_command(std::string_view line) {
    auto words = words_of(line);
    if (words.empty()) {
        return std::nullopt;
    }
    const std::string letter = words.front() == "h" ? "?" : words.front();
    for (const Shape& shape : kShapes) {
        if (letter.size() != 1 || letter.front() != static_cast<char>(shape.verb)) {
            continue;
        }
        Command command;
        command.verb = shape.verb;
        command.arguments.assign(std::make_move_iterator(words.begin() + 1),
                                 std::make_move_iterator(words.end()));
        const std::size_t count = command.arguments.size();
        if (count < shape.arguments_min || count > shape.arguments_max) {
            return tl::unexpected("wrong number of arguments; it is: " + std::string(shape.usage));
        }
        return command;
    }
    return tl::unexpected("unknown command \"" + protocol::escaped(letter) +
                          "\"; ? lists the commands");
}

std::string_view menu() {
    return "Commands\n"
           "  j GROUP        join a group\n"
           "  l GROUP        leave a group\n"
           "  s GROUP...     send a message; its text is the next line\n"
           "  m GROUP...     send a message of several lines, ended by an empty one\n"
           "  b GROUP...     send a burst of 10 messages; the next line is their size in bytes\n"
           "  r [SECONDS]    wait for one message and show it\n"
           "  p              say how much waits to be received\n"
           "  e              show messages as they come (that is how it starts)\n"
           "  d              show messages only on r\n"
           "  ?              this list\n"
           "  q              quit\n";
}

}  // namespace spread::spuser
