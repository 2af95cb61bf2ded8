#include <sys/epoll.h>

#include <array>
#include <memory>

#include <spdlog/fmt/fmt.h>

#include "client/socket.hpp"
#include "protocol/session_wire.hpp"
#include "tools/spbench/modes.hpp"
#include "tools/spbench/progress.hpp"
#include "tools/spbench/setup.hpp"

namespace spread::spbench {

namespace {

constexpr int kWaitMs = 10'000;

/// In a membership message for one joiner the only vs-set holds the joiner (CP 7.2):
/// five integers and the set's count stand before the name.
constexpr std::size_t kChangedMemberOffset = 24;

bool is_join_of(const client::MessageView& message, const protocol::NameField& who) {
    if (!message.is_regular_membership() || (message.header.type & protocol::kCausedByJoin) == 0 ||
        message.body.size() < kChangedMemberOffset + protocol::kNameFieldBytes) {
        return false;
    }
    return protocol::NameField(
               message.body.subspan(kChangedMemberOffset).first<protocol::kNameFieldBytes>()) ==
           who;
}

/// A client that joins, waits for its own membership message, leaves, waits for its self-leave
/// notice, and so on; or, as a member that stays, only reads what that costs everybody.
struct Joiner {
    Joiner(client::BufferedSession connected, std::string group_name, bool is_staying)
        : session(std::move(connected)), group(std::move(group_name)), stays(is_staying) {}

    client::BufferedSession session;
    std::string group;
    bool stays = false;
    bool is_in = false;  // the pending request is the leave
    Nanoseconds requested = 0;
    std::uint64_t rounds = 0;
};

class JoinRun {
  public:
    explicit JoinRun(const Options& options)
        : options_(options), run_(make_run_id()), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

    RunResult<Outcome> run() {
        auto meter = CpuMeter::create(options_.watched);
        if (!meter) {
            return failed(meter.error());
        }
        if (auto connected = connect_all(); !connected) {
            return failed(connected.error());
        }
        for (auto& joiner : joiners_) {
            if (!joiner->stays) {
                if (auto sent = request(*joiner); !sent) {
                    return failed(sent.error());
                }
            }
        }
        if (auto driven = drive(*meter); !driven) {
            return failed(driven.error());
        }
        return conclude();
    }

  private:
    RunResult<void> connect_all() {
        raise_descriptor_limit();
        const std::size_t daemons = options_.daemons.size();
        std::vector<std::pair<client::BufferedSession*, std::string>> members;
        for (std::size_t i = 0; i < options_.members * options_.groups; ++i) {
            if (auto added = add('m', i, i % daemons, i % options_.groups, true); !added) {
                return added;
            }
            members.emplace_back(&joiners_.back()->session, joiners_.back()->group);
        }
        for (std::size_t i = 0; i < options_.clients * daemons; ++i) {
            if (auto added = add('j', i, i % daemons, i % options_.groups, false); !added) {
                return added;
            }
        }
        return join_and_wait_all(members);
    }

    RunResult<void> add(char role, std::size_t number, std::size_t daemon, std::size_t group,
                        bool stays) {
        auto session = open_session(options_, daemon, make_user_name(role, number, run_), true);
        if (!session) {
            return failed(session.error());
        }
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = joiners_.size();
        static_cast<void>(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, session->descriptor(), &event));
        joiners_.push_back(
            std::make_unique<Joiner>(std::move(*session), make_group_name(group, run_), stays));
        return {};
    }

    RunResult<void> request(Joiner& joiner) {
        joiner.requested = now_ns();
        auto sent =
            joiner.is_in ? joiner.session.leave(joiner.group) : joiner.session.join(joiner.group);
        if (sent) {
            // One small request: it fits, or the connection is dead and the next read says so.
            const auto left = joiner.session.flush();
            sent = left ? sent : client::Result<void>(tl::unexpected(left.error()));
        }
        return sent ? RunResult<void>() : failed(sent.error().text);
    }

    RunResult<void> drive(CpuMeter& meter) {
        Progress progress(!options_.is_quiet);
        const Nanoseconds warm_at = now_ns() + options_.warmup;
        while (true) {
            const Nanoseconds now = now_ns();
            if (measure_from_ == 0 && now >= warm_at) {
                measure_from_ = now;
                meter.start();
            }
            if (measure_from_ != 0 && is_over(now)) {
                break;
            }
            if (auto read = read_all(); !read) {
                return read;
            }
            progress.update(joins_.count() + leaves_.count(), "joins and leaves", 0);
        }
        seconds_ = to_seconds(now_ns() - measure_from_);
        cpu_ = meter.stop();
        return {};
    }

    [[nodiscard]] bool is_over(Nanoseconds now) const {
        if (options_.messages == 0) {
            return now - measure_from_ >= options_.duration;
        }
        return std::all_of(joiners_.begin(), joiners_.end(), [&](const auto& joiner) {
            return joiner->stays || joiner->rounds >= options_.messages;
        });
    }

    RunResult<void> read_all() {
        std::array<epoll_event, 64> events{};
        const int count =
            epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kWaitMs);
        if (count == 0) {
            return failed(
                fmt::format("no join or leave was confirmed for {} seconds", kWaitMs / 1000));
        }
        for (int i = 0; i < count; ++i) {
            if (auto read = read_one(*joiners_[events[static_cast<std::size_t>(i)].data.u64]);
                !read) {
                return read;
            }
        }
        return {};
    }

    RunResult<void> read_one(Joiner& joiner) {
        while (true) {
            bool is_confirmed = false;
            const auto count = joiner.session.receive([&](const client::MessageView& message) {
                ++notices_;
                if (joiner.stays) {
                    return;
                }
                is_confirmed = is_confirmed ||
                               (joiner.is_in ? message.is_self_leave()
                                             : is_join_of(message, joiner.session.private_group()));
            });
            if (!count) {
                return failed(count.error().text);
            }
            if (*count == 0) {
                return {};
            }
            if (is_confirmed) {
                confirm(joiner);
                if (options_.messages > 0 && joiner.rounds >= options_.messages) {
                    return {};
                }
                if (auto sent = request(joiner); !sent) {
                    return sent;
                }
            }
        }
    }

    void confirm(Joiner& joiner) {
        if (measure_from_ != 0) {
            const auto time = static_cast<std::uint64_t>(now_ns() - joiner.requested);
            (joiner.is_in ? leaves_ : joins_).record(time);
        }
        joiner.rounds += joiner.is_in ? 1 : 0;
        joiner.is_in = !joiner.is_in;
    }

    [[nodiscard]] Outcome conclude() const {
        const auto changes = static_cast<double>(joins_.count() + leaves_.count());
        const std::vector<Work> work{{"join or leave", "per_change_us", changes}};
        Outcome outcome;
        outcome.text =
            fmt::format("joins: daemons {}, clients {}, groups {}, members that stay in each {}\n",
                        options_.daemons.size(), options_.clients * options_.daemons.size(),
                        options_.groups, options_.members);
        outcome.text += fmt::format(
            "rate        {:.0f} joins and leaves/s over {:.2f} s, {} "
            "notices received in all\n",
            changes / seconds_, seconds_, notices_);
        outcome.text += "join        " + latency_text(joins_) + '\n';
        outcome.text += "leave       " + latency_text(leaves_) + '\n';
        outcome.text += cpu_text(cpu_, options_, work);
        Json& json = outcome.json;
        json = setup_json(options_);
        json["clients"] = options_.clients * options_.daemons.size();
        json["groups"] = options_.groups;
        json["members"] = options_.members;
        json["seconds"] = seconds_;
        json["changes_per_s"] = changes / seconds_;
        json["join"] = latency_json(joins_);
        json["leave"] = latency_json(leaves_);
        json["cpu"] = cpu_json(cpu_, options_, work);
        json["ok"] = true;
        return outcome;
    }

    const Options& options_;
    std::uint16_t run_;
    client::FileDescriptor epoll_;
    std::vector<std::unique_ptr<Joiner>> joiners_;
    Histogram joins_;
    Histogram leaves_;
    std::uint64_t notices_ = 0;
    Nanoseconds measure_from_ = 0;
    double seconds_ = 0;
    CpuUse cpu_;
};

}  // namespace

RunResult<Outcome> run_joins(const Options& options) {
    return JoinRun(options).run();
}

}  // namespace spread::spbench
