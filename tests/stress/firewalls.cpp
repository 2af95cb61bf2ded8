#include "tests/stress/firewalls.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "protocol/session_wire.hpp"
#include "tests/stress/client.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::stress {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kGroupAddress = "239.77.0.2";
constexpr auto kBeforeTheFault = milliseconds(1000);
constexpr auto kBetweenMessages = milliseconds(50);
constexpr std::size_t kMessageBytes = 200;
constexpr std::string_view kTalkGroup = "talk";

// What is asked for; see the strict mode.
constexpr double kTogetherMin = 0.95;
constexpr std::size_t kConfigurationsMax = 4;
constexpr std::size_t kLinesMax = 30;
constexpr auto kBackMax = milliseconds(2000);
/// A ring that flaps makes hundreds.
constexpr std::size_t kConfigurationsOfALoadedMachine = 20;

const std::string kTokenPort = "token port";
const std::string kDataPort = "data port";
const std::string kTokenFromOne = "token port from one";
const std::string kMulticast = "multicast";

/// One line of a daemon's log.
struct LogLine {
    std::int64_t ms = 0;  ///< since 1970
    std::string text;
};

std::int64_t wall_ms() {
    using std::chrono::system_clock;
    return std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// "2026-12-01T09:52:57.123+00:00 info ...".
std::optional<LogLine> parse_line(const std::string& line) {
    constexpr std::size_t kStampBytes = 23;
    std::tm time{};
    int ms = 0;
    if (line.size() < kStampBytes ||
        strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) {
        return std::nullopt;
    }
    std::from_chars(&line[kStampBytes - 3], &line[kStampBytes], ms);
    time.tm_isdst = -1;
    return LogLine{static_cast<std::int64_t>(std::mktime(&time)) * 1000 + ms,
                   line.substr(line.find(' ') + 1)};
}

std::vector<LogLine> lines_since(const support::DaemonProcess& daemon, std::int64_t since) {
    std::vector<LogLine> out;
    std::istringstream log(daemon.log());
    for (std::string text; std::getline(log, text);) {
        auto line = parse_line(text);
        if (line && line->ms >= since) {
            out.push_back(*std::move(line));
        }
    }
    return out;
}

/// How many installed configurations a line tells of.
std::size_t configurations_in(const std::string& text) {
    if (text.find("installed configuration of") == std::string::npos) {
        return 0;
    }
    const auto more = text.find("(the last of ");
    return more == std::string::npos ? 1 : std::stoul(text.substr(more + 13));
}

/// The daemons' own account of when they were all in one ring.
double share_together(const std::vector<std::vector<LogLine>>& logs, std::int64_t from,
                      std::int64_t to) {
    struct Change {
        std::int64_t ms;
        std::size_t daemon;
        bool together;
    };
    std::vector<Change> changes;
    for (std::size_t i = 0; i < logs.size(); ++i) {
        for (const LogLine& line : logs[i]) {
            if (line.text.find("-> Gather") != std::string::npos) {
                changes.push_back({line.ms, i, false});
            } else if (configurations_in(line.text) > 0) {
                bool all = true;
                for (std::size_t other = 0; other < logs.size(); ++other) {
                    all = all && line.text.substr(0, line.text.find(". Missing"))
                                         .find(fmt::format("d{}", other + 1)) != std::string::npos;
                }
                changes.push_back({line.ms, i, all});
            }
        }
    }
    std::ranges::stable_sort(changes, {}, &Change::ms);
    std::vector<bool> together(logs.size(), true);
    std::int64_t apart = 0;
    std::int64_t since = from;
    const auto are_all = [&] { return std::ranges::find(together, false) == together.end(); };
    for (const Change& change : changes) {
        const std::int64_t at = std::clamp(change.ms, from, to);
        apart += are_all() ? 0 : at - since;
        since = at;
        together[change.daemon] = change.together;
    }
    apart += are_all() ? 0 : to - since;
    return 1 - static_cast<double>(apart) / static_cast<double>(to - from);
}

/// Somebody who talks on a daemon all the time.
class Talker {
  public:
    Talker(Loop& loop, const support::DaemonProcess& daemon, Verdict& verdict)
        : loop_(loop),
          client_(loop, Door{daemon.spec().address, daemon.port(), {}},
                  Client::Options{.name = "talk"}) {
        client_.on_open = [this] {
            client_.join(kTalkGroup);
            talk();
        };
        client_.on_end = [name = daemon.spec().name, &verdict](const std::string& why) {
            verdict.fail("the client of " + name + " lost its connection: " + why);
        };
        client_.connect();
    }
    void stop() { loop_.cancel(next_); }

  private:
    void talk() {
        const std::vector<std::byte> body(kMessageBytes);
        client_.multicast(protocol::kAgreedMess, kTalkGroup, body);
        next_ = loop_.after(kBetweenMessages, [this] { talk(); });
    }

    Loop& loop_;
    Client client_;
    Loop::Timer next_ = 0;
};

class FirewallTrial {
  public:
    FirewallTrial(std::size_t daemons, std::string variant, const FirewallsOptions& options,
                  Verdict& verdict)
        : variant_(std::move(variant)),
          options_(options),
          verdict_(verdict),
          ring_(daemons, {.loopback = false,
                          .segment_address = std::string(kGroupAddress),
                          .extra_options = {}}) {}

    void run() {
        ring_.wait_formed();
        std::vector<std::unique_ptr<Talker>> talkers;
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            talkers.push_back(std::make_unique<Talker>(loop_, ring_.daemon(i), verdict_));
        }
        loop_.run_for(kBeforeTheFault);
        const std::int64_t closed = wall_ms();
        ring_.links().filter(last(), rule());
        loop_.run_for(options_.closed);
        const std::int64_t opened = wall_ms();
        judge(closed, opened);
        const auto start = Clock::now();
        ring_.links().heal();
        const bool is_back = loop_.run_until([this] { return is_complete(); });
        const auto back = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
        verdict_.note(fmt::format("    back after {} ms", back.count()));
        check(is_back, "not together again");
        check(!options_.strict || back <= kBackMax, "together again too late");
        for (const auto& talker : talkers) {
            talker->stop();
        }
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            if (!good_) {
                verdict_.note("--- " + ring_.daemon(i).spec().name + "\n" +
                              ring_.daemon(i).log().substr(0, 6000));
            }
        }
    }

  private:
    [[nodiscard]] std::size_t last() const { return ring_.size() - 1; }
    [[nodiscard]] std::uint16_t port() {
        return static_cast<std::uint16_t>(ring_.daemon(0).port() + (names_token_port() ? 1 : 0));
    }
    [[nodiscard]] bool names_token_port() const {
        return variant_ == kTokenPort || variant_ == kTokenFromOne;
    }

    [[nodiscard]] std::string rule() {
        if (variant_ == kMulticast) {
            return fmt::format("ip daddr {} drop", kGroupAddress);
        }
        // Of the one before it: a busy ring may never need another one's way to it.
        const std::string from = variant_ == kTokenFromOne
                                     ? "ip saddr " + support::NetworkLab::address(last() - 1) + " "
                                     : "";
        return fmt::format("{}udp dport {} drop", from, port());
    }

    void judge(std::int64_t closed, std::int64_t opened) {
        std::vector<std::vector<LogLine>> logs;
        std::size_t configurations = 0;
        std::size_t lines = 0;
        bool is_named = false;
        // Where only the group address is closed, nobody is left out.
        const std::size_t healthy = variant_ == kMulticast ? ring_.size() : last();
        const std::string wanted =
            variant_ == kMulticast ? std::string(kGroupAddress) : fmt::format(":{}", port());
        for (std::size_t i = 0; i < healthy; ++i) {
            logs.push_back(lines_since(ring_.daemon(i), closed));
            std::size_t installed = 0;
            for (const LogLine& line : logs.back()) {
                installed += configurations_in(line.text);
                is_named = is_named || (line.text.starts_with("warning") &&
                                        line.text.find(wanted) != std::string::npos);
            }
            configurations = std::max(configurations, installed);
            lines = std::max(lines, logs.back().size());
        }
        const double together = share_together(logs, closed, opened);
        verdict_.note(fmt::format(
            "  {} of {}: healthy together {:.1f} %, at most {} configurations and {} lines a "
            "daemon, {}",
            variant_, ring_.size(), 100 * together, configurations, lines,
            is_named ? "named" : "NOT NAMED"));
        check(is_named, "nobody names " + wanted);
        check(configurations <= kConfigurationsOfALoadedMachine, "too many configurations");
        if (options_.strict) {
            check(together >= kTogetherMin, "healthy daemons were apart for too long");
            check(configurations <= kConfigurationsMax, "too many configurations");
            check(lines <= kLinesMax, "too many log lines");
        }
    }

    /// The last configuration that every daemon tells of has all of them.
    [[nodiscard]] bool is_complete() {
        const std::string complete =
            fmt::format("installed configuration of {} of {}", ring_.size(), ring_.size());
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            const std::string log = ring_.daemon(i).log();
            const auto at = log.rfind("installed configuration of");
            if (at == std::string::npos || log.compare(at, complete.size(), complete) != 0) {
                return false;
            }
        }
        return true;
    }

    void check(bool holds, const std::string& problem) {
        good_ = good_ && holds;
        verdict_.check(holds, fmt::format("{} of {}: {}", variant_, ring_.size(), problem));
    }

    std::string variant_;
    const FirewallsOptions& options_;
    Verdict& verdict_;
    support::TestRing ring_;
    Loop loop_;
    bool good_ = true;
};

}  // namespace

const std::vector<std::string>& firewall_variants() {
    static const std::vector<std::string> kVariants{kTokenPort, kDataPort, kTokenFromOne,
                                                    kMulticast};
    return kVariants;
}

void run_firewalls(const FirewallsOptions& options, Verdict& verdict) {
    verdict.note(fmt::format("firewalls: closed for {} s at the last daemon of a ring that runs",
                             options.closed.count() / 1000));
    for (const std::size_t daemons : options.daemons) {
        for (const std::string& variant : firewall_variants()) {
            if (options.only.empty() ||
                std::ranges::find(options.only, variant) != options.only.end()) {
                FirewallTrial(daemons, variant, options, verdict).run();
            }
        }
    }
}

}  // namespace spread::stress
