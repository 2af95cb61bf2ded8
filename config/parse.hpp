#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.hpp"
#include "config/diagnostic.hpp"

namespace spread::config {

/// Finds the address of a daemon given by name only. The daemon passes the system's resolver; tests
/// a table. Returns nullopt and fills `error` when the name does not resolve.
class Resolver {
  public:
    virtual ~Resolver() = default;
    [[nodiscard]] virtual std::optional<IpAddress> resolve(std::string_view name,
                                                           std::optional<IpAddress::Family> family,
                                                           std::string& error) = 0;
};

/// A longer file is refused before it is looked at. A reader may stop at one byte more than this.
inline constexpr std::size_t kMaxFileBytes = std::size_t{4} * 1024 * 1024;

struct ParseResult {
    std::optional<Configuration> configuration;  ///< set when no diagnostic is an error
    std::vector<Diagnostic> diagnostics;         ///< in file order
};

/// Parses and checks a whole file held in memory. Reports every problem found, not only the first.
[[nodiscard]] ParseResult parse(std::string_view text, std::string_view file_name,
                                Resolver& resolver);

}  // namespace spread::config
