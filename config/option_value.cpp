#include "config/option_value.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

#include "config/text.hpp"
#include "config/words.hpp"

namespace spread::config {

namespace {

using Value = std::optional<OptionValue>;

class ValueReader {
  public:
    ValueReader(const OptionSpec& spec, const Token& token, Diagnostics& diagnostics)
        : spec_(spec), token_(token), diagnostics_(diagnostics), name_(spec.name) {}

    Value read_bool();
    Value read_tri_state();
    Value read_number();
    Value read_string();
    Value read_choice();
    Value read_priority();
    Value read_ip_version();

  private:
    [[nodiscard]] bool is_choice(std::string_view text) const;
    Value refuse(const std::string& message) {
        diagnostics_.error(token_.at, message);
        return std::nullopt;
    }

    [[nodiscard]] bool is(TokenKind kind) const { return token_.kind == kind; }
    /// Ends a message about a token that is not one of the words expected.
    [[nodiscard]] std::string found() const {
        return (is(TokenKind::kQuoted) ? " without quotes, found " : ", found ") + describe(token_);
    }

    const OptionSpec& spec_;
    const Token& token_;
    Diagnostics& diagnostics_;
    std::string name_;
};

Value ValueReader::read_bool() {
    const auto value = parse_bool(token_.text);
    if (!value || !is(TokenKind::kWord)) {
        return refuse(name_ + " must be true, false, yes or no" + found());
    }
    return *value;
}

Value ValueReader::read_tri_state() {
    const auto value = parse_tri_state(token_.text);
    if (!value || !is(TokenKind::kWord)) {
        return refuse(name_ + " must be on, off or auto" + found());
    }
    return *value;
}

Value ValueReader::read_number() {
    const std::string range =
        " from " + std::to_string(spec_.min) + " to " + std::to_string(spec_.max);
    if (is(TokenKind::kWord) && all_digits(token_.text)) {
        return refuse("number too large: " + name_ + " must be" + range + found());
    }
    if (!is(TokenKind::kNumber)) {
        return refuse(name_ + " must be a whole number" + range + found());
    }
    const auto value = static_cast<std::uint32_t>(number_of(token_.text));
    if (value < spec_.min || value > spec_.max) {
        return refuse(name_ + " must be" + range + found());
    }
    return value;
}

/// One of the words that the option knows, which may mean something elsewhere as well.
bool ValueReader::is_choice(std::string_view text) const {
    return std::find(spec_.words.begin(), spec_.words.end(), text) != spec_.words.end();
}

Value ValueReader::read_string() {
    const std::string_view text = token_.text;
    const bool is_bracketed = is(TokenKind::kBadAddress) && text.front() == '[';
    if (is(TokenKind::kNumber) || is(TokenKind::kAddress) || is_bracketed ||
        (is(TokenKind::kWord) && is_reserved(text) && !is_choice(text))) {
        return refuse(in_quotes(text) + " has a meaning of its own; to use it as the value of " +
                      name_ + " put it in quotes");
    }
    if (!is(TokenKind::kQuoted) && !is(TokenKind::kWord) && !is(TokenKind::kBadAddress)) {
        return refuse(name_ + " needs a string after '=', found " + describe(token_));
    }
    if (text.size() > spec_.max) {
        return refuse(name_ + " is too long: " + std::to_string(text.size()) + " bytes, at most " +
                      std::to_string(spec_.max) + " are allowed");
    }
    if (text.size() < spec_.min) {
        return refuse(name_ + " must not be empty; give it a value or remove the line");
    }
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        return (c >= 0 && c < ' ' && c != '\t') || c == '\x7F';
    });
    // In paths and names a line break is a forgotten quote.
    if (has_control && !spec_.may_break_lines) {
        return refuse(name_ + " contains a line break or another control character: " +
                      in_quotes(text) + "; is a closing quote missing?");
    }
    return std::string(text);
}

Value ValueReader::read_choice() {
    Value value = read_string();
    if (!value) {
        return value;
    }
    const auto& text = std::get<std::string>(*value);
    if (std::find(spec_.words.begin(), spec_.words.end(), text) != spec_.words.end()) {
        return value;
    }
    std::string list;
    for (std::size_t i = 0; i < spec_.words.size(); ++i) {
        list += (i == 0 ? "" : i + 1 == spec_.words.size() ? " and " : ", ");
        list += spec_.words[i];
    }
    return refuse("unknown " + name_ + " " + in_quotes(text) + "; the policies are " + list);
}

Value ValueReader::read_priority() {
    const auto priority = parse_priority(token_.text);
    if (priority && is(TokenKind::kWord)) {
        return *priority;
    }
    std::string advice;
    if (is(TokenKind::kOpenBrace)) {
        advice = "; write the priority without braces";
    } else if (is(TokenKind::kWord)) {
        advice = did_you_mean(token_.text, priority_names());
    }
    return refuse(name_ + " must be pDEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL" + found() +
                  advice);
}

Value ValueReader::read_ip_version() {
    const auto family = parse_ip_version(token_.text);
    if (!family || !is(TokenKind::kWord)) {
        return refuse(name_ + " must be IPv4 or IPv6 in exactly this spelling" + found());
    }
    return *family;
}

/// Puts one kind of value into one kind of member.
struct Store {
    const OptionValue& value;
    Configuration& configuration;

    template <typename T>
    void operator()(T Configuration::*member) const {
        if (const T* plain = std::get_if<T>(&value)) {
            configuration.*member = *plain;
        }
    }
    template <typename T>
    void operator()(std::optional<T> Configuration::*member) const {
        if (const T* plain = std::get_if<T>(&value)) {
            configuration.*member = *plain;
        } else {
            (configuration.*member).reset();  // auto
        }
    }
    void operator()(bool Configuration::*member) const {
        const bool* plain = std::get_if<bool>(&value);
        configuration.*member = plain == nullptr || *plain;  // the word alone switches it on
    }
    void operator()(std::chrono::nanoseconds Configuration::*member) const {
        configuration.*member = std::chrono::milliseconds(std::get<std::uint32_t>(value));
    }
    void operator()(std::optional<std::chrono::milliseconds> StockTimeouts::*member) const {
        if (const auto* number = std::get_if<std::uint32_t>(&value)) {
            configuration.timeouts.*member = std::chrono::milliseconds(*number);
        } else {
            (configuration.timeouts.*member).reset();
        }
    }
    void operator()(SlowReaderPolicy Configuration::*member) const {
        configuration.*member = std::get<std::string>(value) == "block"
                                    ? SlowReaderPolicy::kBlock
                                    : SlowReaderPolicy::kDisconnect;
    }
    void operator()(std::vector<std::string> Configuration::* /*member*/) const {}
};

/// The text of one kind of member.
struct Text {
    using Result = std::optional<std::string>;
    const OptionSpec& spec;
    const Configuration& configuration;

    Result operator()(bool Configuration::*member) const { return write(configuration.*member); }
    Result operator()(std::uint32_t Configuration::*member) const {
        return write(configuration.*member);
    }
    Result operator()(std::chrono::nanoseconds Configuration::*member) const {
        return write(std::chrono::duration_cast<std::chrono::milliseconds>(configuration.*member));
    }
    Result operator()(SlowReaderPolicy Configuration::*member) const {
        return configuration.*member == SlowReaderPolicy::kBlock ? "block" : "disconnect";
    }
    Result operator()(std::string Configuration::*member) const {
        return write(configuration.*member);
    }
    Result operator()(std::vector<std::string> Configuration::*member) const {
        std::string list;
        for (const std::string& word : configuration.*member) {
            list += (list.empty() ? "" : " ") + word;
        }
        return quoted(list);
    }
    template <typename T>
    Result operator()(T Configuration::*member) const {
        return std::string(word_of(configuration.*member));
    }
    template <typename T>
    Result operator()(std::optional<T> Configuration::*member) const {
        return optional(configuration.*member);
    }
    Result operator()(std::optional<std::chrono::milliseconds> StockTimeouts::*member) const {
        return optional(configuration.timeouts.*member);
    }

  private:
    template <typename T>
    [[nodiscard]] Result optional(const std::optional<T>& value) const {
        if (value) {
            return write(*value);
        }
        return spec.takes_auto() ? Result("auto") : std::nullopt;
    }
    [[nodiscard]] Result write(bool value) const {
        // The word alone cannot say no.
        if (spec.kind == ValueKind::kNone) {
            return value ? Result("") : std::nullopt;
        }
        return value ? "yes" : "no";
    }
    [[nodiscard]] Result write(std::uint32_t value) const {
        return spec.kind == ValueKind::kFlags ? debug_flags_text(value) : std::to_string(value);
    }
    [[nodiscard]] Result write(std::chrono::milliseconds value) const {
        return std::to_string(value.count());
    }
    [[nodiscard]] Result write(IpAddress::Family value) const {
        return std::string(word_of(value));
    }
    [[nodiscard]] Result write(const std::string& value) const {
        return spec.kind == ValueKind::kChoice ? value : quoted(value);
    }
    /// Without escapes a file can only quote what does not contain the quote.
    [[nodiscard]] static std::string quoted(const std::string& value) {
        const char quote = value.find('"') == std::string::npos ? '"' : '\'';
        return quote + value + quote;
    }
};

}  // namespace

std::optional<OptionValue> read_value(const OptionSpec& spec, const Token& token,
                                      Diagnostics& diagnostics) {
    if (token.kind == TokenKind::kInvalid) {
        return std::nullopt;
    }
    if (spec.takes_auto() && token.kind == TokenKind::kWord &&
        parse_tri_state(token.text) == TriState::kAuto) {
        return TriState::kAuto;
    }
    ValueReader reader(spec, token, diagnostics);
    switch (spec.kind) {
        case ValueKind::kBool: return reader.read_bool();
        case ValueKind::kTriState: return reader.read_tri_state();
        case ValueKind::kNumber: return reader.read_number();
        case ValueKind::kString:
        case ValueKind::kMethods:
        case ValueKind::kOptionalString: return reader.read_string();
        case ValueKind::kChoice: return reader.read_choice();
        case ValueKind::kPriority: return reader.read_priority();
        case ValueKind::kIpVersion: return reader.read_ip_version();
        case ValueKind::kNone:
        case ValueKind::kFlags: break;
    }
    return std::nullopt;
}

void store_value(const OptionSpec& spec, const OptionValue& value, Configuration& configuration) {
    std::visit(Store{value, configuration}, spec.target);
}

std::optional<std::string> value_text(const OptionSpec& spec, const Configuration& configuration) {
    return std::visit(Text{spec, configuration}, spec.target);
}

}  // namespace spread::config
