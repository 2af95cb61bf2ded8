#include "tools/spreadctl/completion.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace spread::spreadctl {
namespace {

std::string options_of(const CLI::App& app) {
    std::string out;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            out += " --" + name;
        }
        for (const std::string& name : option->get_snames()) {
            out += " -" + name;
        }
    }
    return out;
}

std::string words_of(const CLI::App& app) {
    std::string out = options_of(app);
    for (const CLI::App* command : app.get_subcommands({})) {
        out += " " + command->get_name();
    }
    return out;
}

/// A line for each path of commands: what may come behind it.
void add_cases(const CLI::App& app, const std::string& path, const std::string& global,
               std::string& out) {
    for (const CLI::App* command : app.get_subcommands({})) {
        const std::string here =
            path.empty() ? command->get_name() : path + " " + command->get_name();
        out += fmt::format("        \"{}\") words=\"{}{}\" ;;\n", here, words_of(*command), global);
        add_cases(*command, here, global, out);
    }
}

std::string all_commands(const CLI::App& app) {
    std::string out;
    for (const CLI::App* command : app.get_subcommands({})) {
        out += (out.empty() ? "" : "|") + command->get_name();
        const std::string below = all_commands(*command);
        out += below.empty() ? "" : "|" + below;
    }
    return out;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
    std::string cases;
    add_cases(app, "", options_of(app), cases);
    return fmt::format(
        "_spreadctl() {{\n"
        "    local word path=\"\" words i\n"
        "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
        "        word=${{COMP_WORDS[i]}}\n"
        "        case $word in\n"
        "            {}) path=\"${{path:+$path }}$word\" ;;\n"
        "        esac\n"
        "    done\n"
        "    case $path in\n"
        "        \"\") words=\"{}\" ;;\n"
        "{}"
        "        *) words=\"{}\" ;;\n"
        "    esac\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n"
        "}}\n"
        "complete -o default -F _spreadctl spreadctl\n",
        all_commands(app), words_of(app), cases, options_of(app));
}

}  // namespace spread::spreadctl
