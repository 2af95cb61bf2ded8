#include "config/parse.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "config/diagnostics.hpp"
#include "config/parser.hpp"
#include "config/validate.hpp"

namespace spread::config {

namespace {

/// What a file is that cannot be a configuration, or an empty text.
std::string foreign_format(std::string_view text) {
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        return "UTF-16 text";
    }
    // A stray control byte is reported where it stands; with many of them it is no text file.
    constexpr std::ptrdiff_t kStrayMax = 3;
    constexpr std::ptrdiff_t kTextBytesPerStray = 16;
    const auto count = std::count_if(text.begin(), text.end(), [](char c) {
        return c >= 0 && c < ' ' && (c < '\t' || c > '\r');
    });
    if (count > kStrayMax &&
        count * kTextBytesPerStray > static_cast<std::ptrdiff_t>(text.size())) {
        return "binary data";
    }
    return {};
}

}  // namespace

std::string format(const Diagnostic& diagnostic, std::string_view file_name) {
    return std::string(file_name) + ":" + std::to_string(diagnostic.at.line) + ":" +
           std::to_string(diagnostic.at.column) +
           (diagnostic.severity == Severity::kError ? ": error: " : ": warning: ") +
           diagnostic.message;
}

ParseResult parse(std::string_view text, std::string_view file_name, Resolver& resolver) {
    ParseResult result;
    Diagnostics diagnostics;
    if (text.size() > kMaxFileBytes) {
        diagnostics.error(Position{1, 1}, "the file is larger than " +
                                              std::to_string(kMaxFileBytes) +
                                              " bytes; this cannot be a configuration");
    } else if (const std::string found = foreign_format(text); !found.empty()) {
        diagnostics.error(Position{1, 1}, "this is not a configuration file but " + found +
                                              "; a configuration is plain text in ASCII or UTF-8");
    } else {
        const SyntaxTree tree = parse_syntax(text, diagnostics);
        result.configuration = build_configuration(tree, file_name, resolver, diagnostics);
    }
    result.diagnostics = diagnostics.take();
    return result;
}

}  // namespace spread::config
