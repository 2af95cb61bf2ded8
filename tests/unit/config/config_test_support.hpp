#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/configuration.hpp"
#include "config/parse.hpp"
#include "tests/support/read_file.hpp"

namespace spread::config {

/// A resolver that knows what the test tells it and remembers what it was asked.
class TableResolver final : public Resolver {
  public:
    TableResolver() : TableResolver({{"localhost", "127.0.0.1"}}) {}
    TableResolver(std::initializer_list<std::pair<const std::string, std::string>> table)
        : table_(table) {}

    std::optional<IpAddress> resolve(std::string_view name, std::optional<IpAddress::Family> family,
                                     std::string& error) override {
        asked.emplace_back(name);
        asked_family = family;
        const auto found = table_.find(std::string(name));
        if (found == table_.end()) {
            error = "no such host in the table";
            return std::nullopt;
        }
        return parse_ip(found->second);
    }

    std::vector<std::string> asked;
    std::optional<IpAddress::Family> asked_family;

  private:
    std::map<std::string, std::string> table_;
};

inline ParseResult parse_text(std::string_view text) {
    TableResolver resolver;
    return parse(text, "test.conf", resolver);
}

/// One line per problem, without the file name.
inline std::vector<std::string> problems(const ParseResult& result) {
    std::vector<std::string> lines;
    for (const Diagnostic& diagnostic : result.diagnostics) {
        lines.push_back(format(diagnostic, "").substr(1));
    }
    return lines;
}

inline std::vector<std::string> problems_of(std::string_view text) {
    return problems(parse_text(text));
}

/// A segment that is in order, so that a test can add what it is about.
inline constexpr std::string_view kGoodSegment =
    "Spread_Segment 239.0.0.96:4803 {\n  d1 10.96.0.1\n  d2 10.96.0.2\n}\n";

/// The configuration of a good segment preceded by `options`; throws when it is not free of errors.
inline std::optional<Configuration> with_options(std::string_view options) {
    auto result = parse_text(std::string(options) + "\n" + std::string(kGoodSegment));
    if (!result.configuration) {
        throw std::runtime_error(problems(result).front());
    }
    return std::move(result.configuration);
}

/// The configuration of one segment with these daemons.
inline ParseResult with_daemons(std::string_view daemons) {
    return parse_text("Spread_Segment 239.0.0.96:4803 {\n" + std::string(daemons) + "\n}\n");
}

using support::read_file;

}  // namespace spread::config
