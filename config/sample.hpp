#pragma once

#include <string>

namespace spread::config {

/// The sample configuration file, docs/spread.conf.sample: a segment for one local daemon, and
/// every option of the table with its help. `#Name = value` shows a default: such a line changes
/// nothing when it is switched on. Where nothing is set by default, an indented example stands
/// instead.
[[nodiscard]] std::string sample_file();

}  // namespace spread::config
