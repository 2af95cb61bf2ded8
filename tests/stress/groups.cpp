#include "tests/stress/groups.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "client/codec/message_view.hpp"
#include "protocol/session_wire.hpp"
#include "tests/stress/client.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::stress {
namespace {

using support::DaemonKind;

constexpr std::size_t kDaemons = 3;
constexpr std::size_t kVictim = 2;
/// Behind all other groups in the order in which a client leaves them.
constexpr std::string_view kWatched = "~watched";
/// Requests that are written at once; what is unsent takes memory here.
constexpr std::size_t kJoinsAtOnce = 500;

/// What one kind of daemon takes; seconds.
struct Times {
    double joining = 0;
    double loss = 0;         ///< from the kill until both others serve again
    double back = 0;         ///< from the start until all three serve again
    double closing = 0;      ///< from a client's end until it is known
    double longest_gap = 0;  ///< between messages while that goes on
};

/// A client in `kWatched`, one per daemon, that hears of everything.
struct Watcher {
    std::unique_ptr<Client> client;
    std::size_t members = 0;  ///< of its last view
    std::uint64_t last_echo = 0;
    Clock::time_point last_at{};
    double longest_gap = 0;
};

class Cast {
  public:
    Cast(const GroupsOptions& options, support::TestRing& ring) : options_(options), ring_(ring) {
        for (std::size_t d = 0; d < kDaemons; ++d) {
            watchers_.push_back(make_watcher(d));
        }
        for (std::size_t i = 0; i < options.clients; ++i) {
            holders_.push_back(make(i % kDaemons, "holder" + std::to_string(i), false));
        }
    }

    [[nodiscard]] bool join_all() {
        for (Watcher& watcher : watchers_) {
            open(*watcher.client);
        }
        for (std::size_t i = 0; i < holders_.size(); ++i) {
            Client& holder = *holders_[i];
            holder.on_open = [this, &holder, i] { join_many(holder, i, 0, options_.groups); };
            holder.connect();
        }
        const bool done = wait([this] { return holders_ready_ == holders_.size(); });
        return done && is_served({0, 1, 2});
    }

    /// A message of each of these daemons reaches all of them, and their view is theirs alone.
    [[nodiscard]] bool is_served(const std::vector<std::size_t>& daemons) {
        return wait([&] {
                   return std::ranges::all_of(daemons, [&](std::size_t d) {
                       return watchers_[d].members == daemons.size() + closing_members_;
                   });
               }) &&
               echo(daemons);
    }

    void lose(std::size_t daemon) {
        watchers_[daemon].client->close();
        for (std::size_t i = daemon; i < holders_.size(); i += kDaemons) {
            holders_[i]->close();
        }
    }

    void return_to(std::size_t daemon) {
        watchers_[daemon] = make_watcher(daemon);
        open(*watchers_[daemon].client);
    }

    /// Opens a client in very many groups.
    [[nodiscard]] bool open_closer() {
        closer_ = make(0, "closer", false);
        closer_->on_open = [this] { join_many(*closer_, holders_.size(), 0, options_.closing); };
        holders_ready_ = 0;
        closing_members_ = 1;
        closer_->connect();
        return wait([this] { return holders_ready_ > 0; }) && is_served({0, 1, 2});
    }
    void close_closer() {
        closing_members_ = 0;
        for (Watcher& watcher : watchers_) {
            watcher.longest_gap = 0;
            watcher.last_at = Clock::now();
        }
        closer_->close();
    }
    [[nodiscard]] double longest_gap() const {
        double longest = 0;
        for (const Watcher& watcher : watchers_) {
            longest = std::max(longest, watcher.longest_gap);
        }
        return longest;
    }

    /// Sends from the first daemon's watcher from now on.
    void begin_traffic(std::size_t rate) {
        if (rate > 0) {
            tick(Clock::now(), std::chrono::nanoseconds(1000000000 / rate));
        }
    }

    Loop& loop() { return loop_; }
    [[nodiscard]] const std::string& problem() const { return problem_; }

  private:
    std::unique_ptr<Client> make(std::size_t daemon, const std::string& name,
                                 bool wants_membership) {
        return make_client(loop_, ring_.daemon(daemon), name, wants_membership, problem_);
    }

    Watcher make_watcher(std::size_t daemon) {
        Watcher watcher{.client = make(daemon, "watch", true)};
        watcher.client->on_message = [this, daemon](const client::MessageView& message) {
            on_message(watchers_[daemon], message);
        };
        return watcher;
    }

    static void open(Client& client) {
        client.on_open = [&client] { client.join(kWatched); };
        client.connect();
    }

    /// In parts, as the daemon reads them.
    void join_many(Client& client, std::size_t holder, std::size_t from, std::size_t count) {
        std::size_t next = from;
        while (next < count && client.is_open() && client.unsent() == 0 &&
               next < from + kJoinsAtOnce) {
            client.join(fmt::format("h{}-{}", holder, next++));
        }
        if (next < count) {
            loop_.after(std::chrono::milliseconds(1), [this, &client, holder, next, count] {
                join_many(client, holder, next, count);
            });
            return;
        }
        if (holder == holders_.size()) {
            client.join(kWatched);
        }
        // What it sends last comes back last.
        client.on_message = [this](const client::MessageView&) { ++holders_ready_; };
        const std::array<std::byte, 1> body{};
        client.multicast(protocol::kAgreedMess, client.private_group(), body);
    }

    void on_message(Watcher& watcher, const client::MessageView& message) {
        if (message.is_regular_membership()) {
            if (const auto view = client::decode_membership(message)) {
                watcher.members = view->members.size();
            }
            return;
        }
        std::uint64_t number = 0;
        if (message.is_transitional() || message.body.size() != sizeof number) {
            return;
        }
        std::memcpy(&number, message.body.data(), sizeof number);
        if ((number & kEcho) != 0) {
            watcher.last_echo = number;
        }
        watcher.longest_gap = std::max(watcher.longest_gap, seconds_since(watcher.last_at));
        watcher.last_at = Clock::now();
    }

    void send(std::size_t daemon, std::uint64_t number) {
        std::array<std::byte, sizeof number> body{};
        std::memcpy(body.data(), &number, sizeof number);
        watchers_[daemon].client->multicast(protocol::kAgreedMess, kWatched, body);
    }

    bool echo(const std::vector<std::size_t>& daemons) {
        return std::ranges::all_of(daemons, [&](std::size_t from) {
            const std::uint64_t number = ++echoes_ | kEcho;
            send(from, number);
            std::vector<bool> seen(kDaemons);
            return wait([&] {
                for (const std::size_t d : daemons) {
                    seen[d] = seen[d] || watchers_[d].last_echo == number;
                }
                return std::ranges::all_of(daemons, [&](std::size_t d) { return seen[d]; });
            });
        });
    }

    void tick(Clock::time_point due, Clock::duration pause) {
        if (watchers_[0].client->is_open()) {
            send(0, ++sent_);
        }
        const auto next = due + pause;
        loop_.after(std::max(Clock::duration(0), next - Clock::now()),
                    [this, next, pause] { tick(next, pause); });
    }

    [[nodiscard]] bool wait(const std::function<bool()>& condition) {
        return loop_.run_until([&] { return !problem_.empty() || condition(); }, kPatience) &&
               problem_.empty();
    }

    static constexpr std::uint64_t kEcho = std::uint64_t{1} << 63U;

    GroupsOptions options_;
    support::TestRing& ring_;
    Loop loop_;
    std::vector<Watcher> watchers_;
    std::vector<std::unique_ptr<Client>> holders_;
    std::unique_ptr<Client> closer_;
    std::size_t holders_ready_ = 0;
    std::size_t closing_members_ = 0;
    std::uint64_t echoes_ = 0;
    std::uint64_t sent_ = 0;
    std::string problem_;
};

std::size_t configurations_of(const std::string& log) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("installed configuration", at)) != std::string::npos;
         ++at) {
        ++count;
    }
    return count;
}

std::optional<Times> measure(DaemonKind kind, const GroupsOptions& options, Verdict& verdict) {
    const bool ours = kind == DaemonKind::kOurs;
    verdict.note(fmt::format(" {}", ours ? "ours" : "stock"));
    support::TestRing::Options ring_options;
    ring_options.kind = kind;
    support::TestRing ring(kDaemons, ring_options);
    ring.wait_formed();
    Cast cast(options, ring);
    Times times;
    bool sound = true;
    const auto step = [&](const std::string& what, double& time, const std::function<bool()>& act) {
        const auto start = Clock::now();
        sound = sound && act();
        time = seconds_since(start);
        verdict.note(fmt::format("  {}: {:.2f} s{}{}", what, time, sound ? "" : " FAILED ",
                                 sound ? "" : cast.problem()));
    };
    const auto configurations = [&] { return configurations_of(ring.daemon(0).log()); };

    step("joining", times.joining, [&] { return cast.join_all(); });
    const std::size_t before = configurations();
    cast.begin_traffic(options.rate);
    cast.loop().run_for(std::chrono::seconds(1));
    step("a daemon is killed, the others serve again", times.loss, [&] {
        cast.lose(kVictim);
        ring.daemon(kVictim).crash();
        return cast.is_served({0, 1});
    });
    step("it is started again, all serve again", times.back, [&] {
        ring.daemon(kVictim).restart();
        cast.return_to(kVictim);
        return cast.is_served({0, 1, 2});
    });
    double joining = 0;
    step("a client joins very many groups", joining, [&] { return cast.open_closer(); });
    cast.begin_traffic(options.rate > 0 ? 0 : 100);
    cast.loop().run_for(std::chrono::seconds(1));
    step("it closes, and everybody knows", times.closing, [&] {
        cast.close_closer();
        return cast.is_served({0, 1, 2});
    });
    times.longest_gap = cast.longest_gap();
    verdict.note(fmt::format("  longest pause between messages meanwhile: {:.0f} ms",
                             1000 * times.longest_gap));
    if (ours && sound) {
        const std::size_t count = configurations() - before;
        verdict.note(fmt::format("  {} configurations, for the kill and the start", count));
        verdict.check(!options.strict || count == 2,
                      "the ring broke without a fault:\n" + ring.logs());
    }
    for (std::size_t d = 0; d < kDaemons; ++d) {
        verdict.note(fmt::format("  d{}: {} at most", d + 1,
                                 mib(usage_of(ring.daemon(d).process().pid()).peak_rss_kib)));
    }
    return sound ? std::optional(times) : std::nullopt;
}

}  // namespace

void run_groups(const GroupsOptions& options, Verdict& verdict) {
    verdict.note(
        fmt::format("groups: {} clients in {} groups each, {} messages a second, a client "
                    "in {} groups closes",
                    options.clients, options.groups, options.rate, options.closing));
    const auto ours = measure(DaemonKind::kOurs, options, verdict);
    verdict.check(ours.has_value(), "our daemons did not come to rest");
    if (!ours || !options.strict || !support::stock_directory()) {
        return;
    }
    const auto stock = measure(DaemonKind::kStock, options, verdict);
    if (!stock) {
        verdict.note("  stock did not come to rest");
        return;
    }
    constexpr double kSlack = 0.5;
    verdict.check(ours->loss <= stock->loss + kSlack, "stock is back sooner after the kill");
    verdict.check(ours->back <= stock->back + kSlack, "stock is back sooner after the start");
    verdict.check(ours->closing <= stock->closing + kSlack, "stock is sooner done with the client");
}

}  // namespace spread::stress
