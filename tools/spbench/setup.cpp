#include "tools/spbench/setup.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <spdlog/fmt/fmt.h>

#include "client/connection.hpp"
#include "protocol/session_wire.hpp"
#include "tools/spbench/clock.hpp"

namespace spread::spbench {

namespace {

constexpr std::chrono::seconds kSetupTimeout{30};

RunResult<void> send_join(client::BufferedSession& session, std::string_view group) {
    client::Multicast fence;
    fence.service = protocol::kAgreedMess;
    fence.groups = std::span(&session.private_group(), 1);
    auto sent = session.join(group);
    if (sent) {
        sent = session.multicast(fence);
    }
    if (!sent) {
        return failed(sent.error().text);
    }
    const client::Deadline deadline = client::Clock::now() + kSetupTimeout;
    while (true) {
        const auto left = session.flush();
        if (!left) {
            return failed(left.error().text);
        }
        if (*left == 0) {
            return {};
        }
        if (auto ready = client::wait_writable(session.descriptor(), deadline); !ready) {
            return failed("joining: " + ready.error().text);
        }
    }
}

RunResult<void> await_fence(client::BufferedSession& session) {
    const client::Deadline deadline = client::Clock::now() + kSetupTimeout;
    bool is_back = false;
    while (!is_back) {
        const auto count = session.receive([&](const client::MessageView& message) {
            is_back = is_back || (message.is_regular() && message.body.empty() &&
                                  message.sender() == session.private_group().view());
        });
        if (!count) {
            return failed("joining: " + count.error().text);
        }
        if (*count == 0) {
            if (auto ready = client::wait_readable(session.descriptor(), deadline); !ready) {
                return failed("the daemon did not confirm a join in time");
            }
        }
    }
    return {};
}

}  // namespace

std::uint16_t make_run_id() {
    const auto seed =
        static_cast<std::uint64_t>(now_ns()) / 1000U + static_cast<std::uint64_t>(getpid()) * 7919U;
    return static_cast<std::uint16_t>(seed ^ (seed >> 16U));
}

std::string make_user_name(char role, std::size_t number, std::uint16_t run) {
    constexpr std::uint16_t kShown = 0xfff;
    return fmt::format("{}{}-{:03x}", role, number, run & kShown);
}

std::string make_group_name(std::size_t number, std::uint16_t run) {
    return fmt::format("bench-{:04x}-{}", run, number);
}

RunResult<client::BufferedSession> open_session(const Options& options, std::size_t daemon,
                                                const std::string& user, bool wants_membership) {
    client::ConnectOptions wanted;
    wanted.address = options.daemons[daemon];
    wanted.private_name = user;
    wanted.wants_membership = wants_membership;
    wanted.tls = options.tls;
    wanted.timeout = std::chrono::seconds(10);
    auto connection = client::connect(wanted);
    if (!connection) {
        return failed(connection.error().text);
    }
    return client::BufferedSession(std::move(*connection), options.style);
}

RunResult<void> join_and_wait(client::BufferedSession& session, std::string_view group) {
    return join_and_wait_all({{&session, std::string(group)}});
}

RunResult<void> join_and_wait_all(
    const std::vector<std::pair<client::BufferedSession*, std::string>>& joins) {
    for (const auto& [session, group] : joins) {
        if (auto sent = send_join(*session, group); !sent) {
            return sent;
        }
    }
    for (const auto& [session, group] : joins) {
        if (auto back = await_fence(*session); !back) {
            return back;
        }
    }
    return {};
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
    }
}

}  // namespace spread::spbench
