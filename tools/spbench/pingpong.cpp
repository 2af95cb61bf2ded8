#include <poll.h>

#include <array>

#include <spdlog/fmt/fmt.h>

#include "tools/spbench/modes.hpp"
#include "tools/spbench/progress.hpp"
#include "tools/spbench/setup.hpp"
#include "tools/spbench/stamp.hpp"

namespace spread::spbench {

namespace {

constexpr int kAnswerWaitMs = 10'000;

/// Two clients, one message under way: the first asks, the second answers.
class PingPong {
  public:
    PingPong(const Options& options, client::BufferedSession& asking,
             client::BufferedSession& answering, std::uint16_t run)
        : options_(options),
          asking_(asking),
          answering_(answering),
          run_(run),
          question_group_(make_group_name(0, run)),
          answer_group_(make_group_name(1, run)),
          questions_(std::string_view(question_group_)),
          answers_(std::string_view(answer_group_)),
          body_(options.payload) {}

    RunResult<void> join() {
        return join_and_wait_all({{&answering_, question_group_}, {&asking_, answer_group_}});
    }

    /// One round trip; returns its time.
    RunResult<Nanoseconds> round_trip(std::uint32_t number) {
        const Nanoseconds start = now_ns();
        write_stamp(Stamp{run_, 0, number, start}, body_);
        if (auto sent = send(asking_, questions_); !sent) {
            return failed(sent.error());
        }
        bool is_back = false;
        while (!is_back) {
            if (auto waited = wait(); !waited) {
                return failed(waited.error());
            }
            bool is_asked = false;
            if (auto got = receive(answering_, number, is_asked); !got) {
                return failed(got.error());
            }
            if (is_asked) {
                if (auto sent = send(answering_, answers_); !sent) {
                    return failed(sent.error());
                }
            }
            if (auto got = receive(asking_, number, is_back); !got) {
                return failed(got.error());
            }
        }
        return now_ns() - start;
    }

  private:
    RunResult<void> send(client::BufferedSession& from, const protocol::NameField& to) {
        client::Multicast multicast;
        multicast.service = options_.service;
        multicast.groups = std::span(&to, 1);
        multicast.body = body_;
        auto queued = from.multicast(multicast);
        if (!queued) {
            return failed(queued.error().text);
        }
        const client::Deadline deadline =
            client::Clock::now() + std::chrono::milliseconds(kAnswerWaitMs);
        while (true) {
            const auto left = from.flush();
            if (!left) {
                return failed(left.error().text);
            }
            if (*left == 0) {
                return {};
            }
            if (auto ready = client::wait_writable(from.descriptor(), deadline); !ready) {
                return failed("the daemon takes no more data");
            }
        }
    }

    RunResult<void> wait() const {
        std::array<pollfd, 2> entries{pollfd{asking_.descriptor(), POLLIN, 0},
                                      pollfd{answering_.descriptor(), POLLIN, 0}};
        if (poll(entries.data(), entries.size(), kAnswerWaitMs) == 0) {
            return failed(
                fmt::format("no answer for {} seconds: a message was lost", kAnswerWaitMs / 1000));
        }
        return {};
    }

    RunResult<void> receive(client::BufferedSession& session, std::uint32_t number, bool& found) {
        while (true) {
            const auto count = session.receive([&](const client::MessageView& message) {
                const auto stamp = read_stamp(message.body);
                found = found || (stamp && stamp->run == run_ && stamp->number == number &&
                                  message.body.size() == body_.size());
            });
            if (!count) {
                return failed(count.error().text);
            }
            if (*count == 0 || found) {
                return {};
            }
        }
    }

    const Options& options_;
    client::BufferedSession& asking_;
    client::BufferedSession& answering_;
    std::uint16_t run_;
    std::string question_group_;
    std::string answer_group_;
    protocol::NameField questions_;
    protocol::NameField answers_;
    std::vector<std::byte> body_;
};

}  // namespace

RunResult<Outcome> run_pingpong(const Options& options) {
    auto meter = CpuMeter::create(options.watched);
    if (!meter) {
        return failed(meter.error());
    }
    const std::uint16_t run = make_run_id();
    auto asking = open_session(options, 0, make_user_name('a', 0, run), false);
    if (!asking) {
        return failed(asking.error());
    }
    auto answering =
        open_session(options, options.daemons.size() - 1, make_user_name('b', 1, run), false);
    if (!answering) {
        return failed(answering.error());
    }
    PingPong game(options, *asking, *answering, run);
    if (auto joined = game.join(); !joined) {
        return failed(joined.error());
    }

    Histogram round_trips;
    Progress progress(!options.is_quiet);
    const Nanoseconds warm_at = now_ns() + options.warmup;
    Nanoseconds measure_from = 0;
    for (std::uint32_t number = 0;; ++number) {
        const Nanoseconds now = now_ns();
        if (measure_from == 0 && now >= warm_at) {
            measure_from = now;
            meter->start();
        }
        const bool is_over = options.messages > 0 ? round_trips.count() >= options.messages
                                                  : now - measure_from >= options.duration;
        if (measure_from != 0 && is_over) {
            break;
        }
        const auto time = game.round_trip(number);
        if (!time) {
            return failed(time.error());
        }
        if (measure_from != 0) {
            round_trips.record(static_cast<std::uint64_t>(*time));
        }
        progress.update(number, "round trips", 0);
    }
    const double seconds = to_seconds(now_ns() - measure_from);
    const CpuUse cpu = meter->stop();
    const auto trips = static_cast<double>(round_trips.count());
    const std::vector<Work> work{{"round trip", "per_round_trip_us", trips},
                                 {"message", "per_ordered_us", 2 * trips}};

    Outcome outcome;
    outcome.text = fmt::format("pingpong: {} and {}, {} bytes, {}, {} client\n",
                               options.daemons.front(), options.daemons.back(), options.payload,
                               options.service_name, to_string(options.style));
    outcome.text +=
        fmt::format("rate        {:.0f} round trips/s over {:.2f} s\n", trips / seconds, seconds);
    outcome.text += "round trip  " + latency_text(round_trips) + '\n';
    outcome.text += cpu_text(cpu, options, work);
    Json& json = outcome.json;
    json = setup_json(options);
    json["payload_bytes"] = options.payload;
    json["service"] = options.service_name;
    json["seconds"] = seconds;
    json["round_trips_per_s"] = trips / seconds;
    json["latency"] = latency_json(round_trips);
    json["cpu"] = cpu_json(cpu, options, work);
    json["ok"] = true;
    return outcome;
}

}  // namespace spread::spbench
