#include "tests/stress/members.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "client/codec/message_view.hpp"
#include "protocol/session_wire.hpp"
#include "tests/stress/client.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::stress {
namespace {

constexpr std::size_t kCrowdDaemons = 3;
constexpr std::size_t kObserversEach = 2;
/// Joins under way at any time. Every view names everybody: an observer has a megabyte to read for
/// six of them.
constexpr std::size_t kJoinsUnderWay = 50;
constexpr std::string_view kCrowdGroup = "crowd";

using Names = std::vector<std::string>;
using Sets = std::set<Names>;

struct Observer {
    std::unique_ptr<Client> client;
    std::size_t daemon = 0;
    std::optional<client::Membership> view = std::nullopt;  ///< the last
    std::size_t views = 0;
    std::size_t signals = 0;  ///< transitional
};

class Crowd {
  public:
    Crowd(std::size_t count, support::TestRing& ring, Verdict& verdict)
        : ring_(ring), verdict_(verdict), got_(count) {
        for (std::size_t d = 0; d < kCrowdDaemons; ++d) {
            for (std::size_t i = 0; i < kObserversEach; ++i) {
                observers_.push_back(
                    {.client = make(d, "watch" + std::to_string(i), true), .daemon = d});
            }
        }
        for (std::size_t i = 0; i < count; ++i) {
            members_.push_back(make(i % kCrowdDaemons, "m" + std::to_string(i), false));
            members_.back()->on_message = [this, i](const client::MessageView&) { ++got_[i]; };
        }
        for (Observer& observer : observers_) {
            observer.client->on_message = [this, &observer](const client::MessageView& message) {
                on_message(observer, message);
            };
        }
    }

    [[nodiscard]] std::size_t size() const { return observers_.size() + members_.size(); }

    /// Joins that all observers have seen, plus those under way, are few: joins come as fast as
    /// views are read.
    bool join_all() {
        for (Observer& observer : observers_) {
            open(*observer.client);
        }
        if (!wait([this] { return seen_by_all(observers_.size()); })) {
            return false;
        }
        std::size_t begun = 0;
        return wait([&] {
            while (begun < members_.size() &&
                   begun < least_seen() - observers_.size() + kJoinsUnderWay) {
                open(*members_[begun++]);
            }
            return seen_by_all(size());
        });
    }

    /// Waits until the observers of `daemons` have a view, caused by the network, of their members.
    bool await_network_view(const std::vector<std::size_t>& daemons) {
        const std::size_t expected = names_on(daemons).size();
        return wait([&] {
            return std::ranges::all_of(observers_, [&](const Observer& observer) {
                return std::ranges::find(daemons, observer.daemon) == daemons.end() ||
                       (observer.view && observer.view->cause == protocol::kCausedByNetwork &&
                        observer.view->members.size() == expected);
            });
        });
    }

    /// The last view of every observer of `daemons`: exactly their members, in the order of daemons
    /// and then of names, and exactly these sets of those who came together, its own marked.
    void check_views(const std::vector<std::size_t>& daemons,
                     const std::vector<std::vector<std::size_t>>& sides) {
        const Names expected = names_on(daemons);
        Sets sets;
        for (const auto& side : sides) {
            sets.insert(names_on(side));
        }
        for (const Observer& observer : observers_) {
            if (std::ranges::find(daemons, observer.daemon) == daemons.end()) {
                continue;
            }
            const client::Membership& view = *observer.view;
            const std::string who = observer.client->private_group();
            verdict_.check(view.members == expected, who + ": the list of members is not right");
            verdict_.check(view.vs_sets.size() == sets.size() &&
                               Sets(view.vs_sets.begin(), view.vs_sets.end()) == sets,
                           who + ": the sets of those who came together are not right");
            const auto own = std::ranges::find_if(sides, [&](const auto& side) {
                return std::ranges::find(side, observer.daemon) != side.end();
            });
            verdict_.check(view.own_vs_set < view.vs_sets.size() &&
                               view.vs_sets[view.own_vs_set] == names_on(*own),
                           who + ": its own set is not right");
        }
        const auto& first = *std::ranges::find_if(observers_, [&](const Observer& observer) {
            return observer.daemon == daemons.front();
        });
        std::string sizes;
        for (const auto& set : first.view->vs_sets) {
            sizes += fmt::format(" {}", set.size());
        }
        verdict_.note(fmt::format("  d{} sees {} members; sets of{}", daemons.front() + 1,
                                  first.view->members.size(), sizes));
    }

    void check_all_joined() {
        const Names expected = names_on({0, 1, 2});
        for (const Observer& observer : observers_) {
            verdict_.check(observer.view->members == expected,
                           observer.client->private_group() + ": the list of members is not right");
        }
    }

    /// Every observer in `daemons` has had so many transitional signals.
    void check_signals(const std::vector<std::size_t>& daemons, std::size_t expected) {
        for (const Observer& observer : observers_) {
            if (std::ranges::find(daemons, observer.daemon) != daemons.end()) {
                verdict_.check(
                    observer.signals == expected,
                    fmt::format("{} had {} transitional signals instead of {}",
                                observer.client->private_group(), observer.signals, expected));
            }
        }
    }

    /// A message from one member reaches every other and itself, once.
    bool send_to_all() {
        std::ranges::fill(got_, 0);
        const std::vector<std::byte> body(100);
        members_.front()->multicast(protocol::kSafeMess, kCrowdGroup, body);
        const bool reached =
            wait([this] { return std::ranges::all_of(got_, [](auto got) { return got >= 1; }); });
        return reached && std::ranges::all_of(got_, [](auto got) { return got == 1; });
    }

    [[nodiscard]] const std::string& problem() const { return problem_; }

  private:
    std::unique_ptr<Client> make(std::size_t daemon, const std::string& name,
                                 bool wants_membership) {
        return make_client(loop_, ring_.daemon(daemon), name, wants_membership, problem_);
    }

    static void open(Client& client) {
        client.on_open = [&client] { client.join(kCrowdGroup); };
        client.connect();
    }

    void on_message(Observer& observer, const client::MessageView& message) {
        if (message.is_transitional()) {
            ++observer.signals;
        }
        if (!message.is_regular_membership()) {
            return;
        }
        auto view = client::decode_membership(message);
        if (!view) {
            problem_ = observer.client->private_group() + ": " + view.error().text;
            return;
        }
        if (view->cause == protocol::kCausedByJoin) {
            // One at a time, in the same order for all.
            const std::size_t before = observer.view ? observer.view->members.size() : 0;
            if (observer.view && view->members.size() != before + 1) {
                problem_ =
                    fmt::format("{}: a join made {} members of {}",
                                observer.client->private_group(), view->members.size(), before);
            }
        }
        ++observer.views;
        observer.view = *std::move(view);
    }

    [[nodiscard]] bool wait(const std::function<bool()>& condition) {
        return loop_.run_until([&] { return !problem_.empty() || condition(); }, kPatience) &&
               problem_.empty();
    }

    [[nodiscard]] std::size_t least_seen() const {
        std::size_t least = SIZE_MAX;
        for (const Observer& observer : observers_) {
            least = std::min(least, observer.view ? observer.view->members.size() : 0);
        }
        return least;
    }

    [[nodiscard]] bool seen_by_all(std::size_t members) const { return least_seen() == members; }

    /// Private groups on these daemons, in the order of views (CP 7.2).
    [[nodiscard]] Names names_on(const std::vector<std::size_t>& daemons) const {
        Names all;
        for (std::size_t d = 0; d < kCrowdDaemons; ++d) {
            if (std::ranges::find(daemons, d) == daemons.end()) {
                continue;
            }
            Names names;
            for (const Observer& observer : observers_) {
                if (observer.daemon == d) {
                    names.push_back(observer.client->private_group());
                }
            }
            for (std::size_t i = d; i < members_.size(); i += kCrowdDaemons) {
                names.push_back(members_[i]->private_group());
            }
            std::ranges::sort(names);
            all.insert(all.end(), names.begin(), names.end());
        }
        return all;
    }

    support::TestRing& ring_;
    Verdict& verdict_;
    Loop loop_;
    std::vector<Observer> observers_;
    std::vector<std::unique_ptr<Client>> members_;
    std::vector<std::size_t> got_;  ///< messages, of each member
    std::string problem_;
};

}  // namespace

void run_members(std::size_t count, Verdict& verdict) {
    verdict.note(fmt::format("members: {} and {} observers on {} daemons", count,
                             kCrowdDaemons * kObserversEach, kCrowdDaemons));
    support::TestRing::Options options;
    const std::size_t sessions = count / kCrowdDaemons + 1 + kObserversEach + 10;
    if (sessions > 997) {
        options.extra_options = fmt::format("MaxSessions = {}\n", sessions);
    }
    support::TestRing ring(kCrowdDaemons, options);
    ring.wait_formed();
    Crowd crowd(count, ring, verdict);
    const auto show_memory = [&] {
        std::string line = "  memory of the daemons:";
        for (std::size_t d = 0; d < kCrowdDaemons; ++d) {
            const Usage usage = usage_of(ring.daemon(d).process().pid());
            line += fmt::format(" {} (peak {})", mib(usage.rss_kib), mib(usage.peak_rss_kib));
        }
        verdict.note(line);
    };
    const auto step = [&](const std::string& what, const std::function<bool()>& act) {
        const auto start = Clock::now();
        const bool done = verdict.passed() && act();
        if (!done) {
            verdict.fail(what + " failed" +
                         (crowd.problem().empty() ? "" : ": " + crowd.problem()));
            return;
        }
        verdict.note(fmt::format("  {}: {:.2f} s", what, seconds_since(start)));
    };

    show_memory();
    step("joining one by one, each with a view for every observer",
         [&] { return crowd.join_all(); });
    if (verdict.passed()) {
        crowd.check_all_joined();
        show_memory();
    }
    step("a message to all", [&] { return crowd.send_to_all(); });
    step("partition into d1, d2 and d3", [&] {
        ring.links().partition({{0, 1}, {2}});
        return crowd.await_network_view({0, 1}) && crowd.await_network_view({2});
    });
    if (verdict.passed()) {
        crowd.check_views({0, 1}, {{0, 1}});
        crowd.check_views({2}, {{2}});
        crowd.check_signals({0, 1, 2}, 1);
    }
    step("merge", [&] {
        ring.links().heal();
        return crowd.await_network_view({0, 1, 2});
    });
    if (verdict.passed()) {
        crowd.check_views({0, 1, 2}, {{0, 1}, {2}});
        crowd.check_signals({0, 1, 2}, 1);
        show_memory();
    }
    step("a message to all", [&] { return crowd.send_to_all(); });
    for (std::size_t d = 0; d < kCrowdDaemons; ++d) {
        if (!verdict.passed()) {
            verdict.note(ring.daemon(d).log().substr(0, 4000));
        }
        verdict.check(ring.daemon(d).stop() == 0, fmt::format("d{} did not end well", d + 1));
    }
}

}  // namespace spread::stress
