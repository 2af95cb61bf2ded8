// Random histories, checked against the client-visible properties G2 to G8, G11, G13 and G14 of
// docs/correctness.md. Failures print their seed.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/names.hpp"
#include "protocol/rng.hpp"
#include "protocol/session_wire.hpp"
#include "total_order_bus.hpp"

namespace spread::membership::testing {
namespace {

using Client = TotalOrderBus::Client;

constexpr std::size_t kDaemons = 5;
const std::vector<std::string> kGroups = {"a", "b", "c"};

using ViewKey = std::tuple<std::string, std::int32_t, std::int32_t, std::int32_t>;

ViewKey key_of(const Seen& view) {
    return {view.group, view.id.proc_id, view.id.time, view.id.index};
}

std::vector<std::string> sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
}

class Checker {
  public:
    /// `anchored`: no group is ever emptied, so a view's id is never used twice.
    Checker(const TotalOrderBus& bus, bool anchored) : bus_(bus), anchored_(anchored) {}

    void check() {
        for (const Client& client : bus_.clients()) {
            std::map<std::string, Group> groups;
            for (const Seen& seen : client.seen) {
                if (seen.kind == Seen::Kind::kData) {
                    on_data(client, seen, groups);
                } else {
                    on_membership(client, seen, groups[seen.group]);
                }
            }
        }
    }

    [[nodiscard]] std::size_t views() const { return views_; }
    [[nodiscard]] std::size_t pairs() const { return pairs_; }
    [[nodiscard]] std::size_t signals() const { return signals_; }

  private:
    /// What one client has seen of one group since it joined.
    struct Group {
        std::optional<Seen> view;
        bool signalled = false;
        bool interim = false;            ///< the view must be followed by another signal
        std::vector<std::string> since;  ///< messages and signal since that view
    };
    struct Passage {
        ViewKey from;
        std::vector<std::string> between;
        std::string who;
    };

    void on_data(const Client& client, const Seen& seen, std::map<std::string, Group>& groups) {
        if (client.wants_membership) {
            // G1: data of a group only between join and leave.
            EXPECT_TRUE(groups[seen.group].view.has_value())
                << client.user << " is not in the group of " << seen.text();
        }
        groups[seen.group].since.push_back(seen.body);
        // G13: senders number their messages.
        const std::size_t colon = seen.body.find(':');
        const std::string sender = seen.body.substr(0, colon);
        const int number = std::stoi(seen.body.substr(colon + 1));
        int& last = numbers_[{client.session.value, sender, seen.group}];
        EXPECT_GT(number, last) << client.user << " gets " << seen.text();
        last = number;
    }

    void on_membership(const Client& client, const Seen& seen, Group& group) {
        SCOPED_TRACE(client.user + ": " + seen.text() +
                     (group.view ? " after " + group.view->text() : ""));
        if (seen.kind == Seen::Kind::kSelfLeave) {
            EXPECT_TRUE(group.view.has_value());
            group = Group{};
            return;
        }
        if (seen.kind == Seen::Kind::kTransitional) {
            on_signal(seen, group);
            return;
        }
        ++views_;
        agreement(seen);
        lists(client, seen);
        if (group.view) {
            chain(seen, group);
        } else {
            EXPECT_TRUE(seen.kind == Seen::Kind::kJoin || seen.kind == Seen::Kind::kNetwork);
        }
        passage(client, seen, group);
        EXPECT_FALSE(group.interim) << "an interim view without its signal";
        group.interim = seen.kind == Seen::Kind::kNetwork && seen.id.index > 1;
        group.view = seen;
        group.signalled = false;
        group.since.clear();
    }

    // G11
    void on_signal(const Seen& seen, Group& group) {
        ++signals_;
        ASSERT_TRUE(group.view.has_value());
        EXPECT_FALSE(group.signalled) << "two signals for one view";
        EXPECT_EQ(seen.id, group.view->id);
        const bool lost = std::any_of(
            group.view->members.begin(), group.view->members.end(), [&](const std::string& name) {
                const auto daemon =
                    bus_.index_of_daemon(protocol::parse_private_group(name)->daemon);
                return std::find(seen.transitional.begin(), seen.transitional.end(), daemon) ==
                       seen.transitional.end();
            });
        EXPECT_TRUE(lost || group.interim) << "nobody was lost";
        group.signalled = true;
        group.interim = false;
        group.since.emplace_back("signal");
    }

    // G2
    void agreement(const Seen& seen) {
        const std::string place = anchored_ ? "" : seen.place;
        const auto [at, is_new] = by_id_.emplace(std::pair(key_of(seen), place), seen);
        if (!is_new) {
            EXPECT_EQ(at->second.kind, seen.kind);
            EXPECT_EQ(at->second.members, seen.members) << at->second.text();
            EXPECT_EQ(at->second.sets, seen.sets) << at->second.text();
        }
    }

    // G3, G5, G6
    void lists(const Client& client, const Seen& seen) {
        EXPECT_EQ(std::count(seen.members.begin(), seen.members.end(), client.private_name), 1);
        const auto order = [&](const std::string& name) {
            return std::pair(bus_.index_of_daemon(protocol::parse_private_group(name)->daemon),
                             name);
        };
        EXPECT_TRUE(std::is_sorted(
            seen.members.begin(), seen.members.end(),
            [&](const std::string& x, const std::string& y) { return order(x) < order(y); }));
        if (seen.kind != Seen::Kind::kNetwork) {
            ASSERT_EQ(seen.sets.size(), 1U);
            ASSERT_EQ(seen.sets.front().size(), 1U);
            EXPECT_EQ(std::count(seen.members.begin(), seen.members.end(), seen.sets[0][0]),
                      seen.kind == Seen::Kind::kJoin ? 1 : 0);
            return;
        }
        std::vector<std::string> all;
        for (const auto& set : seen.sets) {
            all.insert(all.end(), set.begin(), set.end());
        }
        EXPECT_EQ(sorted(all), sorted(seen.members));
        ASSERT_LT(seen.own_set, seen.sets.size());
        const auto& own = seen.sets[seen.own_set];
        EXPECT_EQ(std::count(own.begin(), own.end(), client.private_name), 1);
    }

    // G4, G11, G14
    void chain(const Seen& seen, const Group& group) {
        const Seen& before = *group.view;
        std::vector<std::string> expected = before.members;
        switch (seen.kind) {
            case Seen::Kind::kJoin: expected.push_back(seen.sets[0][0]); break;
            case Seen::Kind::kLeave:
            case Seen::Kind::kDisconnect: std::erase(expected, seen.sets[0][0]); break;
            default: break;
        }
        if (seen.kind != Seen::Kind::kNetwork) {
            // An id counts on within its configuration only.
            EXPECT_EQ(seen.id.index, seen.id.same_membership(before.id) ? before.id.index + 1 : 1);
            EXPECT_EQ(sorted(expected), sorted(seen.members));
            EXPECT_FALSE(group.signalled);
            return;
        }
        if (seen.id.index > 1) {
            return;  // interim: the next signal is checked to follow
        }
        EXPECT_FALSE(seen.id.same_membership(before.id));
        const bool shrinks =
            std::any_of(before.members.begin(), before.members.end(), [&](const std::string& name) {
                return std::find(seen.members.begin(), seen.members.end(), name) ==
                       seen.members.end();
            });
        EXPECT_TRUE(group.signalled || !shrinks) << "members lost without a signal";
        EXPECT_TRUE(group.signalled || seen.sets.size() > 1 ||
                    sorted(seen.members) != sorted(before.members))
            << "a view that says nothing";
    }

    // G7, G8
    void passage(const Client& client, const Seen& seen, const Group& group) {
        if (!group.view) {
            return;
        }
        const std::string set =
            seen.kind == Seen::Kind::kNetwork ? std::to_string(seen.own_set) : "";
        Passage mine{.from = key_of(*group.view), .between = group.since, .who = client.user};
        const auto [at, is_new] =
            passages_.emplace(std::tuple(key_of(seen), seen.place, set), mine);
        if (!is_new) {
            ++pairs_;
            EXPECT_EQ(at->second.from, mine.from) << "another past than " << at->second.who;
            EXPECT_EQ(at->second.between, mine.between) << "other messages than " << at->second.who;
        }
    }

    const TotalOrderBus& bus_;
    bool anchored_;
    std::map<std::pair<ViewKey, std::string>, Seen> by_id_;
    std::map<std::tuple<ViewKey, std::string, std::string>, Passage> passages_;
    std::map<std::tuple<std::uint64_t, std::string, std::string>, int> numbers_;
    std::size_t views_ = 0;
    std::size_t pairs_ = 0;
    std::size_t signals_ = 0;
};

/// One random history.
class Churn {
  public:
    Churn(std::uint64_t seed, bool anchored)
        : rng_(seed),
          anchored_(anchored),
          bus_({"d1", "d2", "d3", "d4", "d5"}, {0x5C8D7AEF, 0x14C565A0, 7, 0xD5C30851, 9}, 0) {
        bus_.set_turn(rng_.below(4));  // all at once, or step by step
        for (std::size_t d = 0; d < kDaemons; ++d) {
            populate(d);
        }
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
        }
        finish();
    }

    Checker& check() {
        checker_.emplace(bus_, anchored_);
        checker_->check();
        return *checker_;
    }

  private:
    void populate(std::size_t daemon) {
        if (anchored_) {
            // Its lives have different names, since the old one may still be listed elsewhere.
            Client& anchor = open(daemon);
            for (const auto& group : kGroups) {
                request_join(anchor, group);
            }
            anchors_.insert(&anchor);
        }
        open(daemon);
        open(daemon);
    }

    Client& open(std::size_t daemon) {
        return bus_.connect(daemon, "c" + std::to_string(next_client_++), rng_.chance(9, 10));
    }

    void request_join(Client& client, const std::string& group) {
        bus_.join(client, group);
        wanted_[&client].insert(group);
    }

    /// A random client that is alive, or null.
    Client* pick() {
        std::vector<Client*> alive;
        for (Client& client : bus_.clients()) {
            if (client.alive) {
                alive.push_back(&client);
            }
        }
        return alive.empty() ? nullptr : alive[rng_.below(alive.size())];
    }

    void step() {
        const std::uint64_t dice = rng_.below(100);
        Client* client = pick();
        const std::string& group = kGroups[rng_.below(kGroups.size())];
        const std::size_t daemon = rng_.below(kDaemons);
        if (dice < 12 && client != nullptr) {
            request_join(*client, group);
        } else if (dice < 18 && client != nullptr && !anchors_.contains(client)) {
            bus_.leave(*client, group);
            wanted_[client].erase(group);
        } else if (dice < 40 && client != nullptr) {
            bus_.send(*client, {group}, client->user + ":" + std::to_string(++next_message_));
        } else if (dice < 43 && client != nullptr && !anchors_.contains(client)) {
            bus_.disconnect(*client, rng_.chance(1, 2));
            wanted_.erase(client);
            open(client->daemon);
        } else if (dice < 65) {
            bus_.stamp_one(daemon);
            if (rng_.chance(1, 6)) {
                lose(daemon);
            }
        } else if (dice < 85) {
            for (std::uint64_t n = rng_.below(8); n > 0; --n) {
                bus_.deliver_one(daemon);
            }
        } else if (dice < 89) {
            bus_.settle();
        } else if (dice < 98) {
            reform();
        } else {
            bus_.crash(daemon);
            for (auto at = wanted_.begin(); at != wanted_.end();) {
                at = at->first->alive ? std::next(at) : wanted_.erase(at);
            }
            bus_.restart(daemon);
            populate(daemon);
            reform();
        }
    }

    /// The newest message of this daemon's ring does not reach some of the members.
    void lose(std::size_t daemon) {
        std::vector<std::size_t> who;
        for (std::size_t d = 0; d < kDaemons; ++d) {
            if (rng_.chance(1, 2)) {
                who.push_back(d);
            }
        }
        bus_.lose_newest(daemon, who);
    }

    void reform() {
        std::vector<std::vector<std::size_t>> components(1 + rng_.below(3));
        for (std::size_t d = 0; d < kDaemons; ++d) {
            components[rng_.below(components.size())].push_back(d);
        }
        std::erase_if(components, [](const auto& component) { return component.empty(); });
        bus_.reform(components, rng_.below(6));
    }

    /// All daemons on one ring, everything delivered: the tables say what the clients asked for.
    void finish() {
        bus_.reform({{0, 1, 2, 3, 4}}, rng_.below(6));
        bus_.settle();
        for (const auto& group : kGroups) {
            std::vector<std::string> expected;
            for (std::size_t d = 0; d < kDaemons; ++d) {
                std::vector<std::string> here;
                for (const auto& [client, groups] : wanted_) {
                    if (client->daemon == d && groups.contains(group)) {
                        here.push_back(client->private_name);
                    }
                }
                std::sort(here.begin(), here.end());
                expected.insert(expected.end(), here.begin(), here.end());
            }
            for (std::size_t d = 0; d < kDaemons; ++d) {
                EXPECT_EQ(bus_.engine(d).members(group), expected) << group << " at " << d;
            }
        }
        for (std::size_t d = 0; d < kDaemons; ++d) {
            EXPECT_EQ(bus_.engine(d).phase(), GroupPhase::kStable);
            EXPECT_TRUE(bus_.is_resumed(d));
            EXPECT_EQ(bus_.engine(d).stats().malformed_messages, 0U);
        }
        for (const Client& client : bus_.clients()) {
            if (client.alive) {
                last_view_is_the_table(client);
            }
        }
    }

    void last_view_is_the_table(const Client& client) {
        std::map<std::string, std::vector<std::string>> last;
        for (const Seen& seen : client.seen) {
            if (seen.is_view()) {
                last[seen.group] = seen.members;
            } else if (seen.kind == Seen::Kind::kSelfLeave) {
                last.erase(seen.group);
            }
        }
        for (const auto& [group, members] : last) {
            EXPECT_EQ(members, bus_.engine(client.daemon).members(group)) << client.user;
        }
        if (client.wants_membership) {
            EXPECT_EQ(last.size(), wanted_[&client].size()) << client.user;
        }
    }

    protocol::Rng rng_;
    bool anchored_;
    TotalOrderBus bus_;
    std::map<const Client*, std::set<std::string>> wanted_;
    std::set<const Client*> anchors_;
    std::optional<Checker> checker_;
    int next_client_ = 0;
    int next_message_ = 0;
};

class GroupChurn : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(GroupChurn, DaemonsAndClientsAgreeWhateverHappens) {
    constexpr std::uint64_t kHistories = 10;
    std::size_t views = 0;
    std::size_t pairs = 0;
    std::size_t signals = 0;
    for (std::uint64_t i = 0; i < kHistories && !HasFailure(); ++i) {
        const std::uint64_t seed = GetParam() * kHistories + i;
        SCOPED_TRACE("seed " + std::to_string(seed));
        Churn churn(seed, seed % 2 == 0);
        churn.run(600);
        const Checker& checker = churn.check();
        views += checker.views();
        pairs += checker.pairs();
        signals += checker.signals();
    }
    // The histories must have something in them to be worth the name.
    EXPECT_GT(views, 1000U);
    EXPECT_GT(pairs, 300U);
    EXPECT_GT(signals, 100U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, GroupChurn, ::testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace spread::membership::testing
