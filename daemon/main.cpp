#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "daemon/daemon.hpp"
#include "daemon/host/startup_lines.hpp"
#include "daemon/options.hpp"

int main(int argc, char** argv) {
    using namespace spread::daemon;  // NOLINT(google-build-using-namespace): main has no namespace
    auto format = LogStyle::Format::kText;
    try {
        const auto parsed = parse_options(std::vector<std::string>(argv + 1, argv + argc));
        if (const auto* stop = std::get_if<OptionsExit>(&parsed)) {
            if (stop->status == 0) {
                std::fputs(stop->text.c_str(), stdout);
            } else {
                say_at_start(LogEvent::kFailed, stop->text, format);
            }
            return stop->status;
        }
        const auto& options = std::get<Options>(parsed);
        if (options.log_format == "json") {
            format = LogStyle::Format::kJson;
        }
        return run_daemon(options);
    } catch (const std::exception& error) {
        say_at_start(LogEvent::kFailed, std::string("spreadd: ") + error.what(), format);
        return 1;
    }
}
