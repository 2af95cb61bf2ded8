#pragma once

#include <string>
#include <string_view>

#include "config/configuration.hpp"
#include "membership/ring_config.hpp"

namespace spread::daemon {

/// What the daemons of a ring should agree on, one thing a line: the daemons and where they are,
/// and the settings of the ring, those that the configuration's hash does not cover among them.
[[nodiscard]] std::string settings_text(const config::Configuration& configuration,
                                        const membership::RingConfig& ring);

/// "'TokenTimeout 5000 ms' there, 'TokenTimeout 250 ms' here": the first few lines in which
/// such a text of another daemon differs from ours; empty when it does not. What comes from there
/// is escaped.
[[nodiscard]] std::string describe_difference(std::string_view ours, std::string_view theirs);

/// The same in short: "TokenTimeout is 5000 ms there, 250 ms here; also HurryTimeout, JoinTimeout".
[[nodiscard]] std::string summarize_difference(std::string_view ours, std::string_view theirs);

}  // namespace spread::daemon
