#include "config/manual.hpp"

#include <optional>
#include <string_view>

#include "config/configuration.hpp"
#include "config/option_help.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"

namespace spread::config {
namespace {

/// What roff takes for a command of its own, as text.
std::string escaped_roff(std::string_view text) {
    std::string out;
    if (text.starts_with('.') || text.starts_with('\'')) {
        out += "\\&";
    }
    for (const char c : text) {
        if (c == '\\') {
            out += "\\e";
        } else {
            out += c;
        }
    }
    return out;
}

/// Each sentence on a line of its own, as mdoc wants it.
std::string sentences(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t stop = text.find(". ");
        out +=
            escaped_roff(text.substr(0, stop == std::string_view::npos ? stop : stop + 1)) + "\n";
        text.remove_prefix(stop == std::string_view::npos ? text.size() : stop + 2);
    }
    return out;
}

std::string item_of(const OptionSpec& spec) {
    const std::string name = ".It " + std::string(spec.name);
    if (const std::optional<std::string> value = value_text(spec, Configuration{})) {
        return name + " = " + escaped_roff(*value) + "\n";
    }
    if (spec.kind == ValueKind::kNone) {
        return name + "\n";
    }
    return name + " = \\(dq" + escaped_roff(spec.example) + "\\(dq\n";
}

}  // namespace

std::string options_manual() {
    std::string text;
    std::optional<Section> section;
    for (const OptionSpec& spec : all_options()) {
        if (section != spec.section) {
            text += section ? ".El\n" : "";
            section = spec.section;
            text += ".Ss " + std::string(title_of(spec.section)) + "\n.Bl -tag -width indent\n";
        }
        text += item_of(spec) + sentences(help_of(spec));
    }
    return text + ".El\n";
}

}  // namespace spread::config
