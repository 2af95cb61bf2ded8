#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/buffered_session.hpp"
#include "spread/options.hpp"
#include "tools/spbench/clock.hpp"
#include "tools/spbench/cpu_meter.hpp"

namespace spread::spbench {

enum class Mode : std::uint8_t {
    kLoad,      ///< senders and receivers on every daemon
    kFanout,    ///< one sender in all, many receivers
    kPingpong,  ///< one message at a time between the first and the last daemon
    kJoins,     ///< clients join and leave
    kConnects,  ///< clients connect and disconnect
    kIdle,      ///< clients that do nothing
    kViews      ///< a client per daemon that says when which view comes
};

struct Options {
    Mode mode = Mode::kLoad;
    std::vector<std::string> daemons;
    std::size_t senders = 1;    ///< per daemon; in all for kFanout
    std::size_t receivers = 1;  ///< per daemon
    std::size_t clients = 1;    ///< per daemon, of kJoins and kConnects
    std::size_t members = 0;    ///< of kJoins: clients that stay in each group
    std::size_t payload = 200;  ///< bytes
    std::string service_name = "agreed";
    std::uint32_t service = 0;  ///< service bit of service_name
    std::size_t groups = 1;
    std::size_t window = 0;  ///< messages under way per sender; 0 chooses by payload
    double rate = 0;         ///< messages per second of all senders together; 0: closed loop
    bool has_random_arrivals = false;  ///< with `rate`: at any time, in any order
    Nanoseconds duration = 0;
    Nanoseconds warmup = 0;
    std::uint64_t messages = 0;  ///< per sender (or rounds per client); 0: by time
    Nanoseconds drain_timeout = 0;
    std::optional<Tls> tls;
    client::IoStyle style = client::IoStyle::kBuffered;
    std::size_t threads = 0;  ///< 0 chooses
    Watched watched;
    bool checks_bodies = false;
    bool tolerates_disconnects = false;
    bool is_json = false;
    bool is_quiet = false;

    [[nodiscard]] std::size_t window_or_default() const;
};

struct ParsedOptions {
    Options options;
    /// Set when there is nothing left to do: 0 after --help and --version, 2 after a usage error,
    /// which has been printed.
    std::optional<int> exit_status;
};
[[nodiscard]] ParsedOptions parse_options(int argc, const char* const* argv);

[[nodiscard]] std::string_view to_string(Mode mode);
[[nodiscard]] std::string_view to_string(client::IoStyle style);

}  // namespace spread::spbench
