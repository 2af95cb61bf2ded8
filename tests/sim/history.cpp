#include "tests/sim/history.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>

namespace spread::sim {
namespace {

using membership::ConfigurationKind;
using protocol::MemberList;
using protocol::RingId;
using protocol::Service;

using Place = std::tuple<RingId, std::uint64_t, std::uint16_t>;  // ring, seq, index

/// One configuration as one life lived through it.
struct Epoch {
    Life::Configuration configuration;
    std::vector<Life::Delivered> delivered;
};

std::string name(const Life& life) {
    return "d" + std::to_string(life.daemon.value) + "/" + std::to_string(life.number);
}

std::string name(const RingId& ring) {
    std::ostringstream text;
    text << "(d" << ring.representative.value << "," << ring.counter << "," << std::hex
         << ring.nonce << ")";
    return text.str();
}

std::string name(std::uint64_t message) {
    std::ostringstream text;
    text << "m" << std::hex << message;
    return text.str();
}

class Checker {
  public:
    Checker(const std::vector<Life>& lives, bool settled) : lives_(lives), settled_(settled) {}

    std::vector<std::string> run() {
        for (const Life& life : lives_) {
            epochs_.push_back(split(life));
        }
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            check_life(i);
        }
        check_order();
        check_transitional();
        check_atomicity();
        check_safe();
        if (settled_) {
            check_settled();
        }
        return std::move(violations_);
    }

  private:
    template <typename... Parts>
    void fail(const Parts&... parts) {
        if (violations_.size() < 20) {
            std::ostringstream line;
            (line << ... << parts);
            violations_.push_back(line.str());
        }
    }

    std::vector<Epoch> split(const Life& life) {
        std::vector<Epoch> epochs;
        for (const Life::Event& event : life.events) {
            if (const auto* configuration = std::get_if<Life::Configuration>(&event)) {
                epochs.push_back(Epoch{*configuration, {}});
            } else if (epochs.empty()) {
                fail("P1 ", name(life), " delivered before its first configuration");
            } else {
                epochs.back().delivered.push_back(std::get<Life::Delivered>(event));
            }
        }
        return epochs;
    }

    /// P1 and P2 as far as one history shows them.
    void check_life(std::size_t i) {
        const Life& life = lives_[i];
        std::set<std::uint64_t> seen;
        std::optional<RingId> regular;
        std::uint64_t last_counter = 0;
        std::pair<bool, Place> last_place{};
        for (std::size_t e = 0; e < epochs_[i].size(); ++e) {
            const auto& [configuration, delivered] = epochs_[i][e];
            const auto& all = configuration.members;
            const bool is_regular = configuration.kind == ConfigurationKind::kRegular;
            if (std::find(all.begin(), all.end(), life.daemon) == all.end()) {
                fail("P2a ", name(life), " is not a member of ", name(configuration.ring_id));
            }
            if (is_regular != (e % 2 == 1)) {
                fail("P2c ", name(life), " did not alternate configurations at ",
                     name(configuration.ring_id));
            }
            if (is_regular) {
                if (configuration.ring_id.counter <= last_counter) {
                    fail("P2 ", name(life), " ring counter did not grow at ",
                         name(configuration.ring_id));
                }
                last_counter = configuration.ring_id.counter;
                regular = configuration.ring_id;
                last_place.first = false;
                const auto [it, fresh] = rings_.emplace(configuration.ring_id, all);
                if (!fresh && it->second != all) {
                    fail("P2b members of ", name(configuration.ring_id), " differ at ", name(life));
                }
            }
            for (const Life::Delivered& d : delivered) {
                if (!seen.insert(d.message).second) {
                    fail("P1b ", name(life), " delivered ", name(d.message), " twice");
                }
                if (!regular || d.ring_id != *regular) {
                    fail("P1c ", name(life), " delivered ", name(d.message), " of ring ",
                         name(d.ring_id), " outside of it");
                }
                const Place place{d.ring_id, d.seq.value, d.index};
                if (last_place.first && place <= last_place.second) {
                    fail("P6a ", name(life), " delivered ", name(d.message), " out of order");
                }
                last_place = {true, place};
            }
        }
    }

    /// P6: one message per place and one place per message, and no holes in regular configurations.
    void check_order() {
        std::map<Place, std::uint64_t> at;
        std::map<std::uint64_t, Place> of;
        std::map<RingId, std::map<Place, std::uint64_t>> ring_order;
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            for (const Epoch& epoch : epochs_[i]) {
                for (const Life::Delivered& d : epoch.delivered) {
                    const Place place{d.ring_id, d.seq.value, d.index};
                    if (at.emplace(place, d.message).first->second != d.message) {
                        fail("P6b two messages at one place: ", name(d.message), " at ",
                             name(lives_[i]));
                    }
                    if (of.emplace(d.message, place).first->second != place) {
                        fail("P6b one message at two places: ", name(d.message), " at ",
                             name(lives_[i]));
                    }
                    ring_order[d.ring_id].emplace(place, d.message);
                }
            }
        }
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            for (const Epoch& epoch : epochs_[i]) {
                if (epoch.configuration.kind != ConfigurationKind::kRegular) {
                    continue;
                }
                auto expected = ring_order[epoch.configuration.ring_id].begin();
                for (const Life::Delivered& d : epoch.delivered) {
                    if (expected->second != d.message) {
                        fail("P6c ", name(lives_[i]), " delivered ", name(d.message), " in ",
                             name(d.ring_id), " without ", name(expected->second));
                        break;
                    }
                    ++expected;
                }
            }
        }
    }

    static bool contains(const MemberList& list, protocol::DaemonId id) {
        return std::find(list.begin(), list.end(), id) != list.end();
    }

    /// P2c, P2d, P2f: who goes from one ring to the next together. P6d: behind a hole nothing of
    /// those who came along is left out.
    void check_transitional() {
        std::map<RingId, std::map<Place, const Life::Delivered*>> ring_order;
        for (const auto& epochs : epochs_) {
            for (const Epoch& epoch : epochs) {
                for (const Life::Delivered& d : epoch.delivered) {
                    ring_order[d.ring_id].emplace(Place{d.ring_id, d.seq.value, d.index}, &d);
                }
            }
        }
        std::map<std::pair<RingId, MemberList>, RingId> came_from;
        std::map<RingId, std::map<std::size_t, MemberList>> came_with;  // by life, next ring
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            const auto& epochs = epochs_[i];
            for (std::size_t e = 0; e < epochs.size(); ++e) {
                const auto& here = epochs[e].configuration;
                if (here.kind != ConfigurationKind::kTransitional) {
                    continue;
                }
                const MemberList before =
                    e > 0 ? epochs[e - 1].configuration.members : MemberList{lives_[i].daemon};
                for (const protocol::DaemonId id : here.members) {
                    if (!contains(before, id) ||
                        (e + 1 < epochs.size() &&
                         !contains(epochs[e + 1].configuration.members, id))) {
                        fail("P2c ", name(lives_[i]), " came to ", name(here.ring_id), " with d",
                             id.value, ", who is not in both rings");
                    }
                }
                if (e + 1 < epochs.size()) {
                    came_with[here.ring_id].emplace(i, here.members);
                }
                if (e == 0) {
                    continue;
                }
                const RingId& old = epochs[e - 1].configuration.ring_id;
                if (came_from.emplace(std::pair(here.ring_id, here.members), old).first->second !=
                    old) {
                    fail("P2d ", name(lives_[i]), " shares a transitional configuration of ",
                         name(here.ring_id), " with members of another ring");
                }
                if (epochs[e].delivered.empty()) {
                    continue;
                }
                const auto& last = epochs[e].delivered.back();
                std::set<std::uint64_t> delivered;
                for (const Epoch* epoch : {&epochs[e - 1], &epochs[e]}) {
                    for (const std::uint64_t message : ids(*epoch)) {
                        delivered.insert(message);
                    }
                }
                for (const auto& [place, d] : ring_order[old]) {
                    if (place >= Place{last.ring_id, last.seq.value, last.index}) {
                        break;
                    }
                    if (contains(here.members, d->origin) && !delivered.contains(d->message)) {
                        fail("P6d ", name(lives_[i]), " left out ", name(d->message), " of ",
                             name(old), ", whose sender came along");
                    }
                }
            }
        }
        for (const auto& [ring, travellers] : came_with) {
            for (const auto& [i, together] : travellers) {
                for (const auto& [q, theirs] : travellers) {
                    if (contains(together, lives_[q].daemon) && theirs != together) {
                        fail("P2f ", name(lives_[q]), " and ", name(lives_[i]),
                             " do not agree on who came to ", name(ring), " together");
                    }
                }
            }
        }
    }

    static std::vector<std::uint64_t> ids(const Epoch& epoch) {
        std::vector<std::uint64_t> result;
        for (const Life::Delivered& d : epoch.delivered) {
            result.push_back(d.message);
        }
        return result;
    }

    /// P4: whoever goes from one configuration to the same next one delivered the same in between.
    void check_atomicity() {
        // key: this configuration and the next one; a transitional one is told apart by its
        // members.
        using Key = std::tuple<int, RingId, MemberList, RingId, MemberList>;
        std::map<Key, std::pair<std::size_t, std::vector<std::uint64_t>>> first;
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            for (std::size_t e = 0; e + 1 < epochs_[i].size(); ++e) {
                const auto& here = epochs_[i][e].configuration;
                const auto& next = epochs_[i][e + 1].configuration;
                const Key key{static_cast<int>(here.kind), here.ring_id, here.members, next.ring_id,
                              next.members};
                auto delivered = ids(epochs_[i][e]);
                const auto [it, fresh] = first.emplace(key, std::pair(i, delivered));
                if (!fresh && it->second.second != delivered) {
                    fail("P4 ", name(lives_[i]), " and ", name(lives_[it->second.first]),
                         " delivered different messages (", delivered.size(), " and ",
                         it->second.second.size(), ") in ",
                         here.kind == ConfigurationKind::kRegular ? "regular " : "transitional ",
                         name(here.ring_id), " before ", name(next.ring_id));
                }
                if (here.kind == ConfigurationKind::kTransitional && here.ring_id != next.ring_id) {
                    fail("P2 ", name(lives_[i]), " followed a transitional by another ring");
                }
            }
        }
    }

    /// P7: a safe message delivered in a configuration is delivered by all its members who live.
    void check_safe() {
        // who delivered what in com(q, c): the regular configuration and the transitional after it
        std::map<std::pair<std::size_t, RingId>, std::set<std::uint64_t>> com;
        std::map<RingId, std::vector<std::size_t>> installers;
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            std::optional<RingId> regular;
            for (const Epoch& epoch : epochs_[i]) {
                if (epoch.configuration.kind == ConfigurationKind::kRegular) {
                    regular = epoch.configuration.ring_id;
                    installers[*regular].push_back(i);
                }
                if (regular) {
                    for (const std::uint64_t message : ids(epoch)) {
                        com[{i, *regular}].insert(message);
                    }
                }
            }
        }
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            std::optional<RingId> regular;
            for (std::size_t e = 0; e < epochs_[i].size(); ++e) {
                const Epoch& epoch = epochs_[i][e];
                if (epoch.configuration.kind == ConfigurationKind::kRegular) {
                    regular = epoch.configuration.ring_id;
                }
                if (!regular) {
                    continue;
                }
                const MemberList& bound = epoch.configuration.members;
                for (const Life::Delivered& d : epoch.delivered) {
                    if (d.service != Service::kSafe) {
                        continue;
                    }
                    for (const std::size_t q : installers[*regular]) {
                        // A life that has not left the configuration may still deliver it, unless
                        // the run is over and settled.
                        const bool member =
                            std::find(bound.begin(), bound.end(), lives_[q].daemon) != bound.end();
                        const bool moved_on =
                            epochs_[q].back().configuration.ring_id != *regular || settled_;
                        if (member && moved_on && !lives_[q].crashed &&
                            !com[{q, *regular}].contains(d.message)) {
                            fail("P7 ", name(lives_[i]), " delivered safe ", name(d.message),
                                 " in ", name(*regular), ", ", name(lives_[q]), " did not");
                        }
                    }
                    if (epoch.configuration.kind == ConfigurationKind::kRegular &&
                        installers[*regular].size() < bound.size()) {
                        // Those who never installed it must have crashed.
                        for (const protocol::DaemonId id : bound) {
                            const bool accounted =
                                std::any_of(lives_.begin(), lives_.end(), [&](const Life& life) {
                                    return life.daemon == id &&
                                           (life.crashed || installed(life, *regular));
                                });
                            if (!accounted) {
                                fail("P7 ", name(lives_[i]), " delivered safe ", name(d.message),
                                     " though d", id.value, " never installed ", name(*regular));
                            }
                        }
                    }
                }
            }
        }
    }

    static bool installed(const Life& life, const RingId& ring) {
        return std::any_of(life.events.begin(), life.events.end(), [&](const Life::Event& event) {
            const auto* configuration = std::get_if<Life::Configuration>(&event);
            return configuration != nullptr && configuration->kind == ConfigurationKind::kRegular &&
                   configuration->ring_id == ring;
        });
    }

    /// Liveness: one common final configuration; P3 and completeness for all who lived.
    void check_settled() {
        const Life* first = nullptr;
        std::optional<Life::Configuration> final_configuration;
        for (std::size_t i = 0; i < lives_.size(); ++i) {
            const Life& life = lives_[i];
            if (life.crashed) {
                continue;
            }
            if (epochs_[i].empty()) {
                fail("L1 ", name(life), " never installed a configuration");
                continue;
            }
            const auto& last = epochs_[i].back().configuration;
            if (first == nullptr) {
                first = &life;
                final_configuration = last;
            } else if (last.ring_id != final_configuration->ring_id ||
                       last.kind != ConfigurationKind::kRegular) {
                fail("L1 ", name(life), " ended in ", name(last.ring_id), ", ", name(*first),
                     " in ", name(final_configuration->ring_id));
            }
            std::set<std::uint64_t> delivered;
            for (const Epoch& epoch : epochs_[i]) {
                for (const std::uint64_t message : ids(epoch)) {
                    delivered.insert(message);
                }
            }
            for (const std::uint64_t message : life.accepted) {
                if (!delivered.contains(message)) {
                    fail("P3 ", name(life), " never delivered its own ", name(message));
                }
            }
        }
    }

    const std::vector<Life>& lives_;
    bool settled_;
    std::vector<std::vector<Epoch>> epochs_;  // by life
    std::map<RingId, MemberList> rings_;
    std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> check_history(const std::vector<Life>& lives, bool settled) {
    return Checker(lives, settled).run();
}

}  // namespace spread::sim
