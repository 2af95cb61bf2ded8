// Daemons with names in place of addresses, whose hosts move, restart and reuse each other's
// addresses, while resolvers fail, answer late, and tell old answers or old and new ones in turns,
// and somebody repeats what he has seen from addresses of his own. What has to hold:
//
//   what resolvers say never takes a proven address away
//   a proven address is one where its daemon was; without a key, also one of its name's
//   datagrams for a daemon go to two addresses at most, and names are not asked for too often
//   once names stand for the right addresses and hosts stay where they are, all find each other

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/parse.hpp"
#include "daemon/addresses/address_book.hpp"
#include "daemon/host/host_facts.hpp"
#include "protocol/rng.hpp"

namespace spread::daemon {
namespace {

using addresses::AddressBook;
using config::IpAddress;
using protocol::Instant;
using protocol::Rng;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kTick = milliseconds(50);
constexpr auto kPatience = milliseconds(250);
constexpr std::uint16_t kPort = 4803;
constexpr int kNowhere = -1;

IpAddress address_of(int number) {
    IpAddress address;
    address.bytes = {10, 0, static_cast<std::uint8_t>(number / 256),
                     static_cast<std::uint8_t>(number % 256)};
    return address;
}
int number_of(const IpAddress& address) {
    return address.bytes[2] * 256 + address.bytes[3];
}

config::Configuration ring_of(std::size_t daemons) {
    std::string text = "Spread_Segment unicast:4803 {\n";
    for (std::size_t i = 0; i < daemons; ++i) {
        const std::string name = "d" + std::to_string(i);
        text += name + " Host = " + name + "\n";
    }
    SystemResolver resolver;
    return *config::parse(text + "}\n", "test", resolver).configuration;
}

enum class Names : std::uint8_t { kRight, kDead, kOld, kInTurns };

/// A datagram. `answers` is the life of the receiver whose challenge it answers, if any.
struct Flight {
    Instant at;
    std::size_t from = 0;
    int source = 0;
    int to = 0;
    std::uint64_t life = 0;
    std::uint64_t number = 0;
    std::vector<std::uint64_t> answers;
    bool is_repeated = false;
    bool is_resent = false;
};

struct Host {
    int address = kNowhere;
    bool is_up = true;
    std::uint64_t life = 0;
    std::uint64_t number = 0;
    std::unique_ptr<AddressBook> book;
    Names names = Names::kRight;
    std::vector<int> old_names;  ///< what kOld tells
    int turn = 0;
    // Of each other daemon:
    std::vector<std::uint64_t> heard_life;  ///< whose challenges are answered
    std::vector<std::uint64_t> proven_life;
    std::vector<std::uint64_t> highest;
    std::vector<Instant> heard_at;
    std::vector<Instant> asked_at;
};

struct Answer {
    Instant at;
    std::size_t host;
    std::uint64_t life;
    std::size_t peer;
    std::vector<IpAddress> found;
};

class World {
  public:
    World(std::uint64_t seed, bool is_sealed)
        : rng_(seed),
          is_sealed_(is_sealed),
          hosts_(2 + rng_.below(4)),
          were_at_(hosts_.size()),
          names_(hosts_.size()),
          told_(hosts_.size(), std::vector<std::vector<Told>>(hosts_.size())),
          configuration_(ring_of(hosts_.size())) {
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            move(i, ++last_address_);
            names_[i] = hosts_[i].address;
            start(i);
        }
    }

    void run_faults() {
        has_faults_ = true;
        for (std::uint64_t left = 200 + rng_.below(800); left > 0; --left) {
            if (rng_.chance(1, 12)) {
                fault();
            }
            tick();
        }
    }
    /// All names are right, and nothing happens any more.
    void make_peace() {
        has_faults_ = false;
        repeated_.clear();
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            names_[i] = hosts_[i].address;
            hosts_[i].names = Names::kRight;
            if (!hosts_[i].is_up) {
                start(i);
            }
        }
    }
    /// How long it takes until all hear all; more than `most` is a failure.
    void expect_together(protocol::Duration most, const char* when) {
        const Instant until = now_ + most;
        // Datagrams under way may still be from before.
        const Instant since = now_ + 4 * kTick;
        while (now_ < until && !are_together(since)) {
            tick();
        }
        EXPECT_TRUE(are_together(since)) << when << "\n" << picture();
    }
    void run(protocol::Duration time) {
        for (const Instant until = now_ + time; now_ < until;) {
            tick();
        }
    }

    [[nodiscard]] std::size_t any() { return rng_.below(hosts_.size()); }
    void set_names(Names names) {
        for (Host& host : hosts_) {
            tell_old(host);
            host.names = names;
        }
    }
    /// It has another address, and another life.
    void restart_elsewhere(std::size_t host) {
        move(host, ++last_address_);
        start(host);
    }
    void move_elsewhere(std::size_t host) { move(host, ++last_address_); }
    /// What its name stands for is right again.
    void rename(std::size_t host) { names_[host] = hosts_[host].address; }

  private:
    struct Told {
        Instant at;
        int address;
    };

    void tell_old(Host& host) const { host.old_names = names_; }

    void start(std::size_t index) {
        Host& host = hosts_[index];
        host.is_up = true;
        host.life = ++lives_;
        host.number = 0;
        host.book = std::make_unique<AddressBook>(configuration_, index, kPatience);
        host.heard_life.assign(hosts_.size(), 0);
        host.proven_life.assign(hosts_.size(), 0);
        host.highest.assign(hosts_.size(), 0);
        host.heard_at.assign(hosts_.size(), Instant{});
        host.asked_at.assign(hosts_.size(), Instant{});
        for (auto& told : told_[index]) {
            told.clear();
        }
    }
    /// Whoever had that address has none any more.
    void move(std::size_t index, int address) {
        for (Host& host : hosts_) {
            host.address = host.address == address ? kNowhere : host.address;
        }
        hosts_[index].address = address;
        were_at_[index].insert(address);
    }

    void fault() {
        const std::size_t index = any();
        Host& host = hosts_[index];
        switch (rng_.below(7)) {
            case 0: move(index, ++last_address_); break;
            case 1:  // an address that had, or has, another host
                if (const int address =
                        static_cast<int>(1 + rng_.below(static_cast<std::uint64_t>(last_address_)));
                    !is_taken(address)) {
                    move(index, address);
                }
                break;
            case 2: host.is_up = false; break;
            case 3: start(index); break;
            case 4: names_[index] = host.address; break;
            default: tell_old(host); host.names = static_cast<Names>(rng_.below(4));
        }
    }
    [[nodiscard]] bool is_taken(int address) const {
        return std::any_of(hosts_.begin(), hosts_.end(),
                           [address](const Host& host) { return host.address == address; });
    }

    void tick() {
        now_ += kTick;
        answer();
        deliver();
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            if (hosts_[i].is_up) {
                work(i);
                send(i);
            }
        }
    }

    void work(std::size_t index) {
        Host& host = hosts_[index];
        protocol::DaemonSet present;
        for (std::size_t peer = 0; peer < hosts_.size(); ++peer) {
            if (peer == index || now_ - host.heard_at[peer] < seconds(1)) {
                present.insert(static_cast<protocol::DaemonIndex>(peer));
            }
        }
        host.book->set_present(now_, present);
        for (const AddressBook::Wanted& wanted : host.book->take_wanted(now_)) {
            ASSERT_NE(wanted.peer, index);
            ASSERT_GE(now_ - host.asked_at[wanted.peer], AddressBook::kAtOnceEvery);
            host.asked_at[wanted.peer] = now_;
            look_up(index, wanted.peer);
        }
        static_cast<void>(host.book->tick(now_));
        for (std::size_t peer = 0; peer < hosts_.size(); ++peer) {
            ASSERT_LE(host.book->ways(static_cast<AddressBook::Peer>(peer)).size(), 2U);
        }
    }

    void look_up(std::size_t index, std::size_t peer) {
        Host& host = hosts_[index];
        Answer answer{now_ + kTick, index, host.life, peer, {}};
        const auto add = [&answer](int address) {
            if (address != kNowhere) {
                answer.found.push_back(address_of(address));
            }
        };
        switch (host.names) {
            case Names::kRight: add(names_[peer]); break;
            case Names::kDead: answer.at += seconds(rng_.below(5)); break;
            case Names::kOld: add(host.old_names[peer]); break;
            case Names::kInTurns: add(++host.turn % 2 == 0 ? names_[peer] : host.old_names[peer]);
        }
        answers_.push_back(std::move(answer));
    }

    void answer() {
        for (std::size_t i = 0; i < answers_.size();) {
            if (answers_[i].at > now_) {
                ++i;
                continue;
            }
            const Answer due = answers_[i];
            answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(i));
            Host& host = hosts_[due.host];
            if (!host.is_up || host.life != due.life) {
                continue;
            }
            const auto peer = static_cast<AddressBook::Peer>(due.peer);
            for (const IpAddress& address : due.found) {
                told_[due.host][due.peer].push_back({now_, number_of(address)});
            }
            const auto before = host.book->proven(peer);
            host.book->on_answer(now_, peer, due.found);
            static_cast<void>(host.book->tick(now_));
            ASSERT_EQ(host.book->proven(peer), before) << "a resolver took it away";
        }
    }

    void send(std::size_t index) {
        Host& host = hosts_[index];
        if (host.address == kNowhere) {
            return;
        }
        ++host.number;
        for (std::size_t peer = 0; peer < hosts_.size(); ++peer) {
            if (peer == index) {
                continue;
            }
            const auto place = static_cast<AddressBook::Peer>(peer);
            std::set<int> to;
            for (const IpAddress& way : host.book->ways(place)) {
                to.insert(number_of(way));
            }
            if (const auto& claim = host.book->claim(place); claim && is_sealed_) {
                to.insert(number_of(*claim));
            }
            for (const int address : to) {
                send_to(index, address);
            }
        }
    }
    void send_to(std::size_t from, int address) {
        if (has_faults_ && rng_.chance(1, 5)) {
            return;
        }
        Host& host = hosts_[from];
        Flight flight{now_ + kTick, from,        host.address,   address,
                      host.life,    host.number, host.heard_life};
        if (has_faults_) {
            flight.at += kTick * rng_.below(3);
            flight.is_resent = rng_.chance(1, 10);
        }
        if (has_faults_ && rng_.chance(1, 20)) {
            repeated_.push_back(flight);
        }
        flights_.push_back(std::move(flight));
        if (!repeated_.empty() && rng_.chance(1, 10)) {
            Flight again = repeated_[rng_.below(repeated_.size())];
            again.at = now_ + 3 * kTick;  // never before the first one
            again.source = 60'000 + static_cast<int>(rng_.below(3));
            again.is_repeated = true;
            flights_.push_back(std::move(again));
        }
    }

    void deliver() {
        std::vector<Flight> due;
        for (std::size_t i = 0; i < flights_.size();) {
            if (flights_[i].at <= now_) {
                due.push_back(std::move(flights_[i]));
                flights_[i] = std::move(flights_.back());
                flights_.pop_back();
            } else {
                ++i;
            }
        }
        for (const Flight& flight : due) {
            for (std::size_t to = 0; to < hosts_.size(); ++to) {
                if (hosts_[to].address == flight.to && hosts_[to].is_up && to != flight.from) {
                    is_sealed_ ? take_sealed(to, flight) : take_plain(to, flight);
                }
            }
        }
    }

    /// As the sealing layer does: a life counts when it has answered a challenge of this life.
    void take_sealed(std::size_t index, const Flight& flight) {
        Host& host = hosts_[index];
        const auto peer = static_cast<AddressBook::Peer>(flight.from);
        if (host.proven_life[flight.from] != flight.life) {
            if (flight.life < host.proven_life[flight.from]) {
                host.book->on_claim(now_, peer, address_of(flight.source));
                return;
            }
            host.heard_life[flight.from] = flight.life;
            if (flight.answers[index] != host.life) {
                host.book->on_claim(now_, peer, address_of(flight.source));
                return;
            }
            host.proven_life[flight.from] = flight.life;
            host.highest[flight.from] = 0;
        }
        if (flight.number <= host.highest[flight.from]) {
            if (!flight.is_repeated) {
                host.book->on_claim(now_, peer, address_of(flight.source));
            }
            return;
        }
        host.highest[flight.from] = flight.number;
        host.heard_at[flight.from] = now_;
        host.book->on_authentic(now_, peer, address_of(flight.source));
        // A repetition that comes before all others moves its sender, until that is heard again.
        if (!flight.is_repeated) {
            check_proven(index, flight.from);
        }
    }

    void take_plain(std::size_t index, const Flight& flight) {
        Host& host = hosts_[index];
        const auto peer = static_cast<AddressBook::Peer>(flight.from);
        const auto before = host.book->proven(peer);
        if (!host.book->on_plain(now_, peer, flight.is_resent, address_of(flight.source), kPort)) {
            return;
        }
        host.heard_at[flight.from] = flight.is_repeated ? host.heard_at[flight.from] : now_;
        const auto proven = host.book->proven(peer);
        if (proven == before) {
            return;
        }
        ASSERT_FALSE(flight.is_resent) << "what anybody may have sent proves nothing";
        const auto& told = told_[index][flight.from];
        ASSERT_TRUE(std::any_of(told.begin(), told.end(), [&](const Told& each) {
            return each.address == number_of(*proven) &&
                   now_ - each.at <= AddressBook::kAnswerCounts;
        })) << "its name did not stand for that";
        check_proven(index, flight.from);
    }

    void check_proven(std::size_t index, std::size_t peer) {
        const auto& proven = hosts_[index].book->proven(static_cast<AddressBook::Peer>(peer));
        ASSERT_TRUE(proven);
        ASSERT_TRUE(were_at_[peer].contains(number_of(*proven)))
            << "d" << peer << " never was at " << proven->to_string();
    }

    [[nodiscard]] bool are_together(Instant since) const {
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            for (std::size_t peer = 0; peer < hosts_.size(); ++peer) {
                if (i != peer && (hosts_[i].heard_at[peer] <= since ||
                                  now_ - hosts_[i].heard_at[peer] > 4 * kTick)) {
                    return false;
                }
            }
        }
        return true;
    }

    [[nodiscard]] std::string picture() const {
        std::string text;
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            text += "d" + std::to_string(i) + " at " + std::to_string(hosts_[i].address) +
                    ", its name stands for " + std::to_string(names_[i]) + "; sends";
            for (std::size_t peer = 0; peer < hosts_.size(); ++peer) {
                text += " [";
                for (const IpAddress& way :
                     hosts_[i].book->ways(static_cast<AddressBook::Peer>(peer))) {
                    text += " " + std::to_string(number_of(way));
                }
                text += " ]";
            }
            text += "\n";
        }
        return text;
    }

    Rng rng_;
    bool is_sealed_;
    bool has_faults_ = false;
    Instant now_ = Instant(std::chrono::hours(1));
    int last_address_ = 0;
    std::uint64_t lives_ = 0;
    std::vector<Host> hosts_;
    std::vector<std::set<int>> were_at_;  ///< by daemon
    std::vector<int> names_;
    std::vector<std::vector<std::vector<Told>>> told_;  ///< to whom, of whom
    const config::Configuration configuration_;
    std::vector<Flight> flights_;
    std::vector<Flight> repeated_;
    std::vector<Answer> answers_;
};

class AddressWorld : public testing::TestWithParam<bool> {
  protected:
    static constexpr std::uint64_t kSeeds = 20;

    void for_all_seeds(const std::function<void(World&)>& play) {
        for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
            SCOPED_TRACE("seed " + std::to_string(seed));
            World world(seed, GetParam());
            play(world);
        }
    }
};

/// Present daemons are looked up once a minute; on a plain ring nothing else may tell.
TEST_P(AddressWorld, AllFindEachOtherOncePeaceIsMade) {
    for_all_seeds([](World& world) {
        world.expect_together(seconds(5), "at the start");
        world.run_faults();
        world.make_peace();
        world.expect_together(seconds(15), "in peace");
    });
}

TEST_P(AddressWorld, ResolversThatDieForAMinuteChangeNothing) {
    for_all_seeds([](World& world) {
        world.expect_together(seconds(5), "at the start");
        for (const Names names : {Names::kDead, Names::kOld, Names::kInTurns}) {
            world.set_names(names);
            for (int second = 0; second < 70; ++second) {
                world.run(seconds(1));
                world.expect_together(milliseconds(500), "with bad resolvers");
            }
        }
    });
}

TEST_P(AddressWorld, WhoIsStartedElsewhereIsFoundWhenItsNameIsRight) {
    for_all_seeds([](World& world) {
        world.expect_together(seconds(5), "at the start");
        world.run(seconds(world.any() * 7));
        const std::size_t moved = world.any();
        world.restart_elsewhere(moved);
        world.rename(moved);
        world.expect_together(seconds(5), "at another address");
    });
}

INSTANTIATE_TEST_SUITE_P(Rings, AddressWorld, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "Sealed" : "Plain"; });

class SealedAddressWorld : public AddressWorld {};

TEST_P(SealedAddressWorld, WhoIsStartedElsewhereIsFoundThoughItsNameIsOld) {
    for_all_seeds([](World& world) {
        world.expect_together(seconds(5), "at the start");
        world.restart_elsewhere(world.any());
        world.expect_together(seconds(2), "at another address");
    });
}

TEST_P(SealedAddressWorld, WhoMovesIsFoundThoughNoNameCanBeLookedUp) {
    for_all_seeds([](World& world) {
        world.expect_together(seconds(5), "at the start");
        world.set_names(Names::kDead);
        for (int times = 0; times < 5; ++times) {
            world.run(seconds(3));
            world.move_elsewhere(world.any());
            world.expect_together(seconds(1), "at another address");
        }
    });
}

INSTANTIATE_TEST_SUITE_P(Rings, SealedAddressWorld, testing::Values(true),
                         [](const auto&) { return "Sealed"; });

}  // namespace
}  // namespace spread::daemon
