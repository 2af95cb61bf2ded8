#include "tests/stress/notices.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "client/codec/message_view.hpp"
#include "protocol/names.hpp"
#include "tests/stress/client.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::stress {
namespace {

constexpr std::size_t kNoticeDaemons = 3;
constexpr auto kNoticePatience = std::chrono::minutes(5);
constexpr std::string_view kNoticeGroup = "crowd";
/// Members that join at a time: each is told of all later ones.
constexpr std::size_t kJoinWindow = 10;

struct Noticed {
    std::unique_ptr<Client> client;
    std::size_t seen = 0;     ///< members of the last view
    std::size_t changes = 0;  ///< views since the restless one began
};

class NoticedCrowd {
  public:
    NoticedCrowd(const NoticesOptions& options, support::TestRing& ring)
        : options_(options), ring_(ring) {
        members_.reserve(options.members);
        for (std::size_t i = 0; i < options.members; ++i) {
            members_.push_back({make(i % kNoticeDaemons, "m" + std::to_string(i))});
            Noticed& member = members_.back();
            member.client->on_message = [this, &member](const client::MessageView& message) {
                if (!message.is_regular_membership()) {
                    return;
                }
                const auto view = client::decode_membership(message);
                member.seen = view ? view->members.size() : 0;
                ++member.changes;
                bytes_ += member.seen * protocol::kNameFieldBytes + message.body.size();
            };
        }
    }

    /// First they connect, while nobody has much to read.
    [[nodiscard]] bool join_all() {
        for (Noticed& member : members_) {
            member.client->connect();
        }
        const bool are_open = wait([this] {
            return std::ranges::all_of(members_,
                                       [](const Noticed& m) { return m.client->is_open(); });
        });
        std::size_t begun = 0;
        return are_open && wait([&] {
                   const auto joined = static_cast<std::size_t>(std::ranges::count_if(
                       members_, [](const Noticed& m) { return m.seen > 0; }));
                   while (begun < members_.size() && begun < joined + kJoinWindow) {
                       members_[begun++].client->join(kNoticeGroup);
                   }
                   return sees_all(members_.size());
               });
    }

    /// Everybody hears of every change.
    [[nodiscard]] bool be_restless() {
        for (Noticed& member : members_) {
            member.changes = 0;
        }
        bytes_ = 0;
        auto restless = make(0, "restless");
        restless->on_open = [this, client = restless.get()] {
            for (std::size_t i = 0; i < options_.times; ++i) {
                client->join(kNoticeGroup);
                client->leave(kNoticeGroup);
            }
        };
        restless->connect();
        return wait([this] {
                   return std::ranges::all_of(members_, [this](const Noticed& member) {
                       return member.changes == 2 * options_.times;
                   });
               }) &&
               sees_all(members_.size());
    }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] const std::string& problem() const { return problem_; }

  private:
    std::unique_ptr<Client> make(std::size_t daemon, const std::string& name) {
        const auto& process = ring_.daemon(daemon);
        auto client = std::make_unique<Client>(
            loop_, Door{process.spec().address, process.port(), {}}, Client::Options{.name = name});
        client->on_end = [this, name](const std::string& why) { problem_ = name + ": " + why; };
        return client;
    }

    [[nodiscard]] bool sees_all(std::size_t members) const {
        return std::ranges::all_of(
            members_, [members](const Noticed& member) { return member.seen == members; });
    }

    template <typename Condition>
    [[nodiscard]] bool wait(Condition condition) {
        return loop_.run_until([&] { return !problem_.empty() || condition(); }, kNoticePatience) &&
               problem_.empty();
    }

    const NoticesOptions& options_;
    support::TestRing& ring_;
    Loop loop_;
    std::vector<Noticed> members_;
    std::uint64_t bytes_ = 0;
    std::string problem_;
};

std::size_t rings_of(const support::DaemonProcess& daemon) {
    const std::string log = daemon.log();
    std::size_t rings = 0;
    for (auto at = log.find("ring Recovery -> Operational"); at != std::string::npos;
         at = log.find("ring Recovery -> Operational", at + 1)) {
        ++rings;
    }
    return rings;
}

}  // namespace

void run_notices(const NoticesOptions& options, Verdict& verdict) {
    verdict.note(
        fmt::format("notices: another one joins and leaves a group of {} on {} daemons "
                    "{} times",
                    options.members, kNoticeDaemons, options.times));
    // Everybody reads; what waits meanwhile is a matter of the machine.
    support::TestRing ring(kNoticeDaemons,
                           {.loopback = false,
                            .segment_address = "",
                            .extra_options = "MaxSessionMessages = 100000\nMemoryBudget = 8192\n"});
    ring.wait_formed();
    NoticedCrowd crowd(options, ring);
    verdict.check(crowd.join_all(), "the group was not formed: " + crowd.problem());
    const std::size_t before = rings_of(ring.daemon(0));
    const auto start = Clock::now();
    const bool done = verdict.passed() && crowd.be_restless();
    verdict.check(done, "not everybody heard of every change: " + crowd.problem());
    const std::size_t rings = rings_of(ring.daemon(0)) - before;
    verdict.note(fmt::format("  {:.1f} s, {} MB of notices, the ring broke {} times",
                             std::chrono::duration<double>(Clock::now() - start).count(),
                             crowd.bytes() / 1000000, rings));
    verdict.check(!options.strict || rings == 0, "the ring broke");
    for (std::size_t d = 0; d < kNoticeDaemons; ++d) {
        if (!verdict.passed()) {
            verdict.note(ring.daemon(d).log().substr(0, 4000));
        }
        verdict.check(ring.daemon(d).stop() == 0, fmt::format("d{} did not end well", d + 1));
    }
}

}  // namespace spread::stress
