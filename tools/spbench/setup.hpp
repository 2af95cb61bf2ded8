#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/buffered_session.hpp"
#include "tools/spbench/options.hpp"
#include "tools/spbench/outcome.hpp"

namespace spread::spbench {

/// Tells this run from others on the same daemons: in stamps, user names and group names.
[[nodiscard]] std::uint16_t make_run_id();

/// "s12-0af": role, number, run; at most 10 bytes.
[[nodiscard]] std::string make_user_name(char role, std::size_t number, std::uint16_t run);
[[nodiscard]] std::string make_group_name(std::size_t number, std::uint16_t run);

/// A session with daemon number `daemon`.
[[nodiscard]] RunResult<client::BufferedSession> open_session(const Options& options,
                                                              std::size_t daemon,
                                                              const std::string& user,
                                                              bool wants_membership);

/// Joins and waits until the daemons have ordered it: a message of ours to ourselves, sent behind
/// the join, has come back. What anybody multicasts after that reaches this member.
[[nodiscard]] RunResult<void> join_and_wait(client::BufferedSession& session,
                                            std::string_view group);

/// The same for many, all under way at once: connecting and joining is not what we measure.
[[nodiscard]] RunResult<void> join_and_wait_all(
    const std::vector<std::pair<client::BufferedSession*, std::string>>& joins);

/// As many descriptors as the system lets us have.
void raise_descriptor_limit();

}  // namespace spread::spbench
