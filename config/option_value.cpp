#include "config/option_value.hpp"

#include <algorithm>
#include <string_view>

#include "config/text.hpp"

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
    Value read_priority();
    Value read_ip_version();

  private:
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

Value ValueReader::read_string() {
    const std::string_view text = token_.text;
    const bool is_bracketed = is(TokenKind::kBadAddress) && text.front() == '[';
    if (is(TokenKind::kNumber) || is(TokenKind::kAddress) || is_bracketed ||
        (is(TokenKind::kWord) && is_reserved(text))) {
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
    // A time stamp is only printed; paths and names with a line break are a forgotten quote.
    if (has_control && spec_.id != OptionId::kEventTimeStamp) {
        return refuse(name_ + " contains a line break or another control character: " +
                      in_quotes(text) + "; is a closing quote missing?");
    }
    return std::string(text);
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

}  // namespace

std::optional<OptionValue> read_value(const OptionSpec& spec, const Token& token,
                                      Diagnostics& diagnostics) {
    if (token.kind == TokenKind::kInvalid) {
        return std::nullopt;
    }
    ValueReader reader(spec, token, diagnostics);
    switch (spec.kind) {
        case ValueKind::kBool: return reader.read_bool();
        case ValueKind::kTriState: return reader.read_tri_state();
        case ValueKind::kNumber: return reader.read_number();
        case ValueKind::kString:
        case ValueKind::kOptionalString: return reader.read_string();
        case ValueKind::kPriority: return reader.read_priority();
        case ValueKind::kIpVersion: return reader.read_ip_version();
        case ValueKind::kNone:
        case ValueKind::kFlags: break;
    }
    return std::nullopt;
}

}  // namespace spread::config
