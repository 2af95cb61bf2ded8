#pragma once

#include <string>
#include <utility>

#include "daemon/host/logging.hpp"
#include "temporary_directory.hpp"
#include "tests/support/read_file.hpp"

namespace spread::daemon {

/// As long as this lives, or until it is read, the log goes to a file.
class LogToFile {
  public:
    LogToFile() {
        LogSettings settings;
        settings.file = directory_ / "log";
        start_logging(settings);
    }
    LogToFile(const LogToFile&) = delete;
    LogToFile& operator=(const LogToFile&) = delete;
    ~LogToFile() { end(); }

    /// All lines so far; ends the log.
    [[nodiscard]] std::string lines() {
        end();
        return support::read_file(directory_ / "log");
    }

  private:
    void end() {
        if (std::exchange(logs_, false)) {
            stop_logging();
        }
    }

    TemporaryDirectory directory_;
    bool logs_ = true;
};

}  // namespace spread::daemon
