#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/scenario.hpp"

/// Changes of a scenario as a whole that leave it legal: steps that have lost what they were about
/// go, numbers that others used keep their meaning.
namespace spread::sim {

[[nodiscard]] bool is_about_daemons(Action action);  ///< its `who` are daemons
[[nodiscard]] bool is_about_client(Action action);   ///< its who[0] is a client

/// Whether no fault is left at any settle step, so that what it asks for is due. Links that were
/// broken or clogged count as faults until a heal step.
[[nodiscard]] bool settles_in_peace(const Scenario& scenario);

/// Those that steps name, ascending.
[[nodiscard]] std::vector<ClientIndex> clients_of(const Scenario& scenario);
[[nodiscard]] std::vector<std::uint16_t> groups_of(const Scenario& scenario);

/// A cluster with one daemon less; later ones move up by one number. Its clients connect to `heir`
/// instead, or not at all. There must be another daemon.
[[nodiscard]] Scenario without_daemon(const Scenario& scenario, DaemonIndex daemon,
                                      std::optional<DaemonIndex> heir);
[[nodiscard]] Scenario without_client(const Scenario& scenario, ClientIndex client);
[[nodiscard]] Scenario with_group_renamed(Scenario scenario, std::uint16_t from, std::uint16_t to);
/// Clients and groups numbered from the first without gaps.
[[nodiscard]] Scenario renumbered(Scenario scenario, bool clients, bool groups);

/// Step `first` and all later ones happen `by_us` earlier, as far as they have a time.
[[nodiscard]] Scenario with_later_steps_earlier(Scenario scenario, std::size_t first,
                                                std::uint64_t by_us);
/// No step has an earlier time than one before it: it would be taken at once anyway.
[[nodiscard]] Scenario with_times_in_order(Scenario scenario);
/// All times are multiples of `grain_us`.
[[nodiscard]] Scenario with_rounded_times(Scenario scenario, std::uint64_t grain_us);

}  // namespace spread::sim
