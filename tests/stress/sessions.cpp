#include "tests/stress/sessions.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "protocol/session_wire.hpp"
#include "tests/stress/client.hpp"

namespace spread::stress {
namespace {

/// Stock's number, and the default.
constexpr std::size_t kSessionsDefault = 997;
/// What daemon and this program need besides their clients.
constexpr std::size_t kOtherDescriptors = 40;
/// Sessions on their way at any time.
constexpr std::size_t kOpeningsUnderWay = 200;
constexpr std::string_view kAudienceGroup = "everybody";

class Audience {
  public:
    Audience(Loop& loop, const Door& door, std::size_t count) : loop_(loop), got_(count) {
        for (std::size_t i = 0; i < count; ++i) {
            auto client =
                std::make_unique<Client>(loop, door,
                                         Client::Options{.name = "s" + std::to_string(i),
                                                         .wants_membership = false,
                                                         .way = i % 2 == 0 ? Way::kTcp : Way::kUnix,
                                                         .number = i});
            client->on_open = [this] { ++open_; };
            client->on_message = [this, i](const client::MessageView&) {
                ++got_[i];
                ++messages_;
            };
            client->on_end = [this](const std::string& why) { problem_ = why; };
            clients_.push_back(std::move(client));
        }
    }

    [[nodiscard]] bool open_all() {
        std::size_t begun = 0;
        return loop_.run_until(
                   [&] {
                       while (begun < clients_.size() && begun < open_ + kOpeningsUnderWay) {
                           clients_[begun++]->connect();
                       }
                       return !problem_.empty() || open_ == clients_.size();
                   },
                   kPatience) &&
               problem_.empty();
    }

    /// Each joins, and then sends itself a message, which stands behind the join in the order.
    [[nodiscard]] bool join_all() {
        std::size_t begun = 0;
        return await([&] {
            while (begun < clients_.size() && begun < messages_ + kOpeningsUnderWay) {
                Client& client = *clients_[begun++];
                client.join(kAudienceGroup);
                client.multicast(protocol::kAgreedMess, client.private_group(), {});
            }
        });
    }

    /// Waits until everybody has one message, and no more than one.
    [[nodiscard]] bool await(const std::function<void()>& meanwhile = [] {}) {
        const bool all = loop_.run_until(
            [&] {
                meanwhile();
                return !problem_.empty() || messages_ >= clients_.size();
            },
            kPatience);
        const bool one_each = std::ranges::all_of(got_, [](std::size_t got) { return got == 1; });
        messages_ = 0;
        std::ranges::fill(got_, 0);
        return all && one_each && problem_.empty();
    }

    [[nodiscard]] const std::string& problem() const { return problem_; }
    void close_all() { clients_.clear(); }

  private:
    Loop& loop_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::size_t> got_;
    std::size_t messages_ = 0;
    std::size_t open_ = 0;
    std::string problem_;
};

/// Somebody with the membership flag comes to the group: one view names everybody.
bool see_all(Loop& loop, Client& outsider, std::size_t expected) {
    std::vector<std::string> members;
    outsider.on_message = [&members](const client::MessageView& message) {
        if (message.is_regular_membership()) {
            members.clear();
            for (std::size_t i = 0; i < message.group_count(); ++i) {
                members.push_back(message.group(i).string());
            }
        }
    };
    outsider.join(kAudienceGroup);
    const bool seen = loop.run_until([&] { return !members.empty(); });
    outsider.on_message = nullptr;
    return seen && members.size() == expected && std::ranges::is_sorted(members) &&
           std::ranges::adjacent_find(members) == members.end();
}

}  // namespace

std::size_t sessions_possible() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max - std::min<std::size_t>(limit.rlim_max, kOtherDescriptors);
}

void run_sessions(const Settings& settings, std::size_t count, Verdict& verdict) {
    if (count > sessions_possible()) {
        verdict.note(
            fmt::format("NOT TESTED: {} sessions; the system allows a process {} descriptors "
                        "here (ulimit -Hn), enough for {}",
                        count, sessions_possible() + kOtherDescriptors, sessions_possible()));
        count = sessions_possible();
    }
    std::string options = settings.daemon_options;
    if (count + 1 > kSessionsDefault) {
        options += fmt::format("MaxSessions = {}\n", count + 1);
    }
    verdict.note(fmt::format("sessions: {}", count));
    Loop loop;
    Daemon daemon(settings.program, options);
    // The first session's handshake makes the daemon allocate what all share.
    Client outsider(loop, daemon.door(), {.name = "outsider"});
    outsider.connect();
    if (!loop.run_until([&] { return outsider.is_open(); })) {
        verdict.fail("nobody gets in");
        return;
    }
    const Usage before = daemon.usage();
    Audience audience(loop, daemon.door(), count);
    const auto fail = [&](const std::string& what) {
        verdict.fail(what + (audience.problem().empty() ? "" : ": " + audience.problem()));
        verdict.note(daemon.last_words());
    };

    auto start = Clock::now();
    if (!audience.open_all()) {
        fail("not all sessions could be opened");
        return;
    }
    const double opening = seconds_since(start);
    const Usage open = daemon.usage();
    verdict.note(fmt::format("  opened in {:.2f} s, {:.0f} a second", opening,
                             static_cast<double>(count) / opening));
    verdict.note(fmt::format(
        "  memory of the daemon: before {}, with all sessions idle {}: {:.2f} KiB "
        "per session",
        mib(before.rss_kib), mib(open.rss_kib),
        static_cast<double>(open.rss_kib - before.rss_kib) / static_cast<double>(count)));
    start = Clock::now();
    if (!audience.join_all()) {
        fail("not all could join");
        return;
    }
    verdict.note(fmt::format("  all joined one group in {:.2f} s; memory {}", seconds_since(start),
                             mib(daemon.usage().rss_kib)));
    start = Clock::now();
    outsider.multicast(protocol::kAgreedMess, kAudienceGroup, {});
    if (!audience.await()) {
        fail("a message to all did not reach everybody once");
        return;
    }
    verdict.note(fmt::format("  a message reached all in {:.3f} s", seconds_since(start)));
    start = Clock::now();
    verdict.check(see_all(loop, outsider, count + 1), "the view of a newcomer is not right");
    verdict.note(fmt::format("  a newcomer saw a sorted view of {} members after {:.3f} s",
                             count + 1, seconds_since(start)));
    outsider.close();
    start = Clock::now();
    audience.close_all();
    const bool closed =
        loop.run_until([&] { return daemon.usage().descriptors < before.descriptors; }, kPatience);
    verdict.check(closed, "the daemon did not close all sessions");
    verdict.note(fmt::format("  all closed in {:.2f} s; memory {}", seconds_since(start),
                             mib(daemon.usage().rss_kib)));
    const std::string problem = daemon.stop();
    verdict.check(problem.empty(), problem);
}

}  // namespace spread::stress
