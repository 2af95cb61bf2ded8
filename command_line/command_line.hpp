#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): its name
class App;
class Option;
}  // namespace CLI

namespace spread::command_line {

inline constexpr int kUsageError = 2;

/// The command line asks for no run: for help or the version, or it cannot be understood.
struct Ending {
    int status = 0;    ///< 0, or kUsageError
    std::string text;  ///< for stdout when the status is 0, else what is wrong, for stderr
};

/// Prints what `ending` says and returns its status.
int print(const Ending& ending);

/// One option, while it is described. Each call returns the option itself.
class Option {
  public:
    explicit Option(CLI::Option* option) : option_(option) {}

    /// What the help text calls its value.
    Option& type_name(const std::string& name);
    /// `check` returns what is wrong with a value, or nothing.
    Option& check(const std::function<std::string(const std::string&)>& check);
    Option& one_of(const std::vector<std::string>& values);
    /// For numbers of type T: unsigned, std::size_t, int or double.
    template <typename T>
    Option& between(T low, T high);
    Option& required();
    /// The help text shows the value that the variable has now.
    Option& show_default();
    Option& needs(const Option& other);
    Option& excludes(const Option& other);

    /// Whether it was given; after parse().
    [[nodiscard]] bool is_given() const;

  private:
    CLI::Option* option_;
};

/// Command line of a program: options are described one by one, each with the variable it sets,
/// which must outlive parse(). The door to CLI11, whose headers take long to compile.
class CommandLine {
  public:
    CommandLine(const std::string& description, const std::string& program);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    /// `text` is what the flag prints before the program ends.
    void version(const std::string& flags, const std::string& text);
    /// A value of its own at each time the option is given; a name without dashes is a positional
    /// argument. T: std::string, unsigned, int, std::size_t, double; std::optional of std::string
    /// or std::size_t; std::vector of std::string or int for one that may be repeated.
    template <typename T>
    Option value(const std::string& names, T& target, const std::string& help);
    /// As value(), but takes all arguments up to the next option.
    Option values(const std::string& names, std::vector<std::string>& target,
                  const std::string& help);
    Option flag(const std::string& names, bool& target, const std::string& help);
    /// A flag that may have a value behind "=": `names` says by NAME{VALUE} what it is without one.
    Option flag(const std::string& names, std::string& target, const std::string& help);
    /// What the help text ends with.
    void footer(const std::string& text);

    /// `arguments` without the program's name. Nothing: all variables are set, and the program can
    /// run.
    [[nodiscard]] std::optional<Ending> parse(const std::vector<std::string>& arguments);
    [[nodiscard]] std::optional<Ending> parse(int argc, const char* const* argv);

  private:
    std::unique_ptr<CLI::App> app_;
};

}  // namespace spread::command_line
