#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

/// Exit statuses, as `spreadctl --help` lists them.
enum ExitStatus : int { kGood = 0, kBad = 1, kUsage = 2, kNoDaemon = 3 };

/// What the command line chose. One function for each command; each writes to stdout and returns
/// the exit status; Unreachable passes through.
class Commands {
  public:
    Commands(HttpClient client, bool json) : client_(std::move(client)), json_(json) {}

    [[nodiscard]] int status() const;
    /// What each configured daemon says of itself: 1 when one does not answer, or the ring is not
    /// whole.
    [[nodiscard]] int status_of_all() const;
    [[nodiscard]] int peers() const;
    struct ClientFilter {
        std::string sort = "queue";  ///< queue, in, out, groups, name
        bool only_slow = false;
        std::string group;  ///< its members only; empty: all
    };
    [[nodiscard]] int clients(const ClientFilter& filter) const;
    /// The members of the group named; without a name all groups, those first to which most
    /// messages per second are sent (`sort` rate, which takes a second), with most members, or by
    /// name.
    [[nodiscard]] int groups(const std::string& name, const std::string& sort) const;
    /// `follow`: goes on until interrupted. `since`: none that are older, by their text.
    [[nodiscard]] int events(std::size_t most, bool follow, const std::string& since) const;
    /// Of all configured daemons, in the order of their hosts' clocks; 3 when one cannot be asked.
    [[nodiscard]] int events_of_all(std::size_t most, const std::string& since) const;
    /// Shows status and clients again and again; `rounds` 0: until interrupted.
    [[nodiscard]] int top(std::chrono::milliseconds pause, std::size_t rounds) const;
    /// A monitoring plugin's: 0 ok, 1 warning, 2 critical, 3 unknown. `expected` 0: all configured.
    /// `age_max`: what the ring says of itself must not be older.
    [[nodiscard]] int check(std::size_t expected,
                            std::optional<std::chrono::duration<double>> age_max) const;
    /// For probes: whether clients are served by a ring of at least `expected` daemons;
    [[nodiscard]] int ready(std::size_t expected) const;
    /// and whether the daemon's threads turn, however its ring is.
    [[nodiscard]] int alive() const;
    [[nodiscard]] int bans() const;
    /// `only_set`: options that are not at their defaults.
    [[nodiscard]] int config_show(bool only_set) const;
    [[nodiscard]] int config_hash() const;
    /// `others`: names of configured daemons, servers as for -s, or files with what config_show
    /// prints as JSON ("-": standard input); none: all other configured daemons. 1 when what must
    /// be the same is not, or, with `all`, anything is not; 3 when nothing is known to differ, but
    /// one could not be asked.
    [[nodiscard]] int config_diff(const std::vector<std::string>& others, bool all) const;
    /// A command that changes something: prints what the daemon says of it.
    [[nodiscard]] int change(const std::string& target) const;
    /// The same again and again, until that fails.
    [[nodiscard]] int keep_changing(const std::string& target,
                                    std::chrono::milliseconds pause) const;
    /// Has the daemon stop by `target`, and waits until it is gone.
    [[nodiscard]] int stop(const std::string& target, std::chrono::milliseconds patience) const;

  private:
    [[nodiscard]] int probe(const std::string& target) const;
    /// Prints the daemon's own JSON, or what `text` makes of it.
    template <typename Text>
    [[nodiscard]] int show(const std::string& target, Text text) const;

    /// Page by page.
    [[nodiscard]] nlohmann::json all_groups() const;

    HttpClient client_;
    bool json_;
};

}  // namespace spread::spreadctl
