#include "daemon/log_settings.hpp"

#include <cstdint>
#include <string>

#include "config/configuration.hpp"
#include "daemon/privileges.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

LogLevel level_of(config::LogPriority priority) {
    switch (priority) {
        case config::LogPriority::kDebug: return LogLevel::kDebug;
        case config::LogPriority::kInfo: return LogLevel::kInfo;
        case config::LogPriority::kWarning: return LogLevel::kWarning;
        case config::LogPriority::kError: return LogLevel::kError;
        case config::LogPriority::kCritical:
        case config::LogPriority::kFatal: return LogLevel::kCritical;
    }
    return LogLevel::kInfo;
}

}  // namespace

LogStyle::Format log_format_of(const Loaded& loaded, const Options& options) {
    return options.log_format.value_or(loaded.configuration.log_format) == "json"
               ? LogStyle::Format::kJson
               : LogStyle::Format::kText;
}

LogSettings log_settings(const Loaded& loaded, const Options& options) {
    const config::Configuration& configuration = loaded.configuration;
    LogSettings settings;
    settings.level = level_of(configuration.event_priority);
    if (configuration.debug_flags != config::Configuration{}.debug_flags) {
        // Stock prints these whatever its flags say.
        settings.types = configuration.debug_flags | static_cast<std::uint32_t>(LogType::kExit) |
                         static_cast<std::uint32_t>(LogType::kMembership);
    }
    if (options.log_level) {
        settings.level = log_level_of(*options.log_level).value_or(settings.level);
        settings.types = 0xffffffff;
    }
    if (options.log_file) {
        settings.file = *options.log_file == "-" ? std::string() : *options.log_file;
    } else if (configuration.event_log_file) {
        settings.file = expand_host(*configuration.event_log_file);
    }
    LogStyle& style = settings.style;
    style.format = log_format_of(loaded, options);
    style.time_stamp = configuration.event_time_stamp;
    style.precise_time_stamp = configuration.event_precise_time_stamp;
    style.names_daemon = configuration.log_name;
    style.to_journal = settings.file.empty() && is_stderr_journal();
    style.daemon = protocol::escaped(configuration.daemons[*loaded.self.daemon].name);
    settings.thread_start = [stays_root = stays_root(configuration)] {
        if (stays_root) {
            keep_file_capabilities();
        }
    };
    return settings;
}

}  // namespace spread::daemon
