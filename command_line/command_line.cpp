#include "command_line/command_line.hpp"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>

namespace spread::command_line {

int print(const Ending& ending) {
    if (ending.status == 0) {
        std::fputs(ending.text.c_str(), stdout);
    } else {
        std::fprintf(stderr, "%s\nRun with --help for more information.\n", ending.text.c_str());
    }
    return ending.status;
}

Option& Option::type_name(const std::string& name) {
    option_->type_name(name);
    return *this;
}

Option& Option::check(const std::function<std::string(const std::string&)>& check) {
    option_->check(check);
    return *this;
}

Option& Option::one_of(const std::vector<std::string>& values) {
    option_->check(CLI::IsMember(values).description(""));
    return *this;
}

template <typename T>
Option& Option::between(T low, T high) {
    option_->check(CLI::Range(low, high).description(""));
    return *this;
}

template Option& Option::between(unsigned, unsigned);
template Option& Option::between(int, int);
template Option& Option::between(std::size_t, std::size_t);
template Option& Option::between(double, double);

Option& Option::required() {
    option_->required();
    return *this;
}

Option& Option::show_default() {
    option_->capture_default_str();
    return *this;
}

Option& Option::needs(const Option& other) {
    option_->needs(other.option_);
    return *this;
}

Option& Option::excludes(const Option& other) {
    option_->excludes(other.option_);
    return *this;
}

bool Option::is_given() const {
    return !option_->empty();
}

CommandLine::CommandLine(const std::string& description, const std::string& program)
    : app_(std::make_unique<CLI::App>(description, program)) {
    app_->set_help_flag("-h,--help", "Show this text and exit");
}

CommandLine::~CommandLine() = default;

void CommandLine::version(const std::string& flags, const std::string& text) {
    app_->set_version_flag(flags, text, "Show the version and exit");
}

template <typename T>
Option CommandLine::value(const std::string& names, T& target, const std::string& help) {
    return Option(app_->add_option(names, target, help)->allow_extra_args(false));
}

template Option CommandLine::value(const std::string&, std::string&, const std::string&);
template Option CommandLine::value(const std::string&, unsigned&, const std::string&);
template Option CommandLine::value(const std::string&, int&, const std::string&);
template Option CommandLine::value(const std::string&, std::size_t&, const std::string&);
template Option CommandLine::value(const std::string&, double&, const std::string&);
template Option CommandLine::value(const std::string&, std::optional<std::string>&,
                                   const std::string&);
template Option CommandLine::value(const std::string&, std::optional<std::size_t>&,
                                   const std::string&);
template Option CommandLine::value(const std::string&, std::vector<std::string>&,
                                   const std::string&);
template Option CommandLine::value(const std::string&, std::vector<int>&, const std::string&);

Option CommandLine::values(const std::string& names, std::vector<std::string>& target,
                           const std::string& help) {
    return Option(app_->add_option(names, target, help));
}

Option CommandLine::flag(const std::string& names, bool& target, const std::string& help) {
    return Option(app_->add_flag(names, target, help));
}

Option CommandLine::flag(const std::string& names, std::string& target, const std::string& help) {
    return Option(app_->add_flag(names, target, help));
}

void CommandLine::footer(const std::string& text) {
    app_->footer(text);
}

std::optional<Ending> CommandLine::parse(const std::vector<std::string>& arguments) {
    // CLI11 takes them in reverse.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app_->parse(reversed);
    } catch (const CLI::CallForHelp&) {
        return Ending{0, app_->help()};
    } catch (const CLI::CallForVersion& version) {
        return Ending{0, std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        return Ending{kUsageError, error.what()};
    }
    return std::nullopt;
}

std::optional<Ending> CommandLine::parse(int argc, const char* const* argv) {
    return parse(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

}  // namespace spread::command_line
