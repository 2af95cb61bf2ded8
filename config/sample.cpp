#include "config/sample.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

#include "config/configuration.hpp"
#include "config/option_help.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"

namespace spread::config {

namespace {

constexpr std::size_t kLineBytesMax = 100;

constexpr std::string_view kIntroduction = R"SAMPLE(# Sample configuration of the Spread daemon.
#
# As it stands, this file configures one daemon for programs on this host. To connect several hosts,
# replace the segment below with one that lists them all, and give every host the same file: daemons
# with different segments ignore each other.
#
# Blanks and line breaks are alike, '#' starts a comment, and the order of options and segments does
# not matter. A word with a meaning of its own, a number, or a text with blanks in it is written
# between "double" or 'single' quotes when it is meant as a name or a value. Nothing needs to be set
# but the segment; every option appears below, switched off, with its default. Where the default is
# that nothing is set, the option is shown with an example, indented as the ones of segments are.
# The stock daemon refuses a file with a unicast segment, Host or Count, with a value auto that it does
# not know, or with an option marked "not in Spread 5".


# --- Segments ---------------------------------------------------------------------------------------
#
# A segment is a group of hosts that one multicast or broadcast packet reaches:
#
#     Spread_Segment ADDRESS:PORT [ADDRESS ...] {
#         NAME ADDRESS [VirtualID = NUMBER] [{ INTERFACES }]
#     }
#
# Clients connect to PORT over TCP (4803 when left out). The daemons use PORT and PORT + 1 over UDP.
# A name has at most 19 bytes. A daemon may be written as a name alone, which is then looked up, or
# as an address alone, which then is its name, too.
#
# Limits: 20 segments, 5 addresses per segment, 128 daemons in all, 10 interfaces per daemon.

Spread_Segment 127.0.0.255:4803 {
    localhost 127.0.0.1
}

# Three hosts, multicast:
#
#     Spread_Segment 239.192.7.1:4803 {
#         alfa     192.168.7.11
#         bravo    192.168.7.12
#         charlie  192.168.7.13
#     }
#
# The same hosts where multicast is not to be had, as in most clouds; everything is then sent to each
# daemon by itself:
#
#     Spread_Segment unicast:4803 {
#         alfa     192.168.7.11
#         bravo    192.168.7.12
#         charlie  192.168.7.13
#     }
#
# Names in place of addresses, in a unicast segment. They are looked up again and again, so a daemon
# may come back at another address, and one whose name is not known yet is away. Count makes so many
# daemons, with their number, from 0, in place of '*':
#
#     Spread_Segment unicast:4803 {
#         alfa      Host = "alfa.example.com"
#         spread-*  Count = 10  Host = "spread-*.spread-ring"
#     }
#
# The same hosts in IPv6. Brackets keep the address and the port apart:
#
#     Spread_Segment [ff15::7:1]:4803 {
#         alfa     fd00:7::11
#         bravo    fd00:7::12
#         charlie  fd00:7::13
#     }
#
# Where all daemons have a Host, they use IPv4 unless ActiveIPVersion says otherwise.
#
# A host with two networks. Daemons talk over the daemon's own address (D), clients connect on the
# second network and on the host itself (C), monitors where M stands. An address without a letter
# serves all three; without braces the daemon listens on every address:
#
#         delta    192.168.7.14 { D 192.168.7.14  C 10.1.0.14  C 127.0.0.1 }
#
# A VirtualID keeps a daemon's identity when its name changes. Without one it follows from the name:
#
#         echo     192.168.7.15 VirtualID = 5
)SAMPLE";

/// `text` as a comment, broken between words.
std::string comment(std::string_view text) {
    std::string lines;
    std::string line = "#";
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(word.size());
        text.remove_prefix(text.empty() ? 0 : 1);
        if (line.size() + 1 + word.size() > kLineBytesMax) {
            lines += line + "\n";
            line = "#";
        }
        line += ' ';
        line += word;
    }
    return lines + line + "\n";
}

std::string entry_of(const OptionSpec& spec) {
    const std::string name(spec.name);
    const std::optional<std::string> value = value_text(spec, Configuration{});
    if (value) {
        return "#" + name + " = " + *value + "\n";
    }
    if (spec.kind == ValueKind::kNone) {
        return "#\n#     " + name + "\n";
    }
    return "#\n#     " + name + " = \"" + std::string(spec.example) + "\"\n";
}

}  // namespace

std::string sample_file() {
    std::string text(kIntroduction);
    std::optional<Section> section;
    for (const OptionSpec& spec : all_options()) {
        if (section != spec.section) {
            section = spec.section;
            std::string heading = "\n\n# --- " + std::string(title_of(spec.section)) + " ";
            heading.append(kLineBytesMax + 2 - heading.size(), '-');
            text += heading + "\n";
        }
        text += "\n" + comment(help_of(spec)) + entry_of(spec);
    }
    return text;
}

}  // namespace spread::config
