#pragma once

#include <string_view>

#include "daemon/host/log_event.hpp"
#include "daemon/host/log_format.hpp"

namespace spread::daemon {

/// What a start has to say while there is no log, or when it has ended: on standard error, as text
/// for people without time and event, with a priority where that is the journal, or as JSON in the
/// form of all lines. May have several lines as text.
void say_at_start(LogEvent event, std::string_view text, LogStyle::Format format);

}  // namespace spread::daemon
