#include "tests/stress/rude.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "protocol/session_wire.hpp"
#include "tests/stress/client.hpp"
#include "tests/stress/worker.hpp"

namespace spread::stress {
namespace {

using std::chrono::milliseconds;

/// Behind the well-behaved clients, but not behind everything else on the machine: the daemon's
/// patience with handshakes is counted in seconds.
constexpr int kNice = 5;
/// Beyond what a behaviour may have queued: queues between the daemon's threads (delivery queue
/// 32 MiB, submit queue 4 MiB), read blocks, sockets, and what the allocator keeps.
constexpr std::size_t kSlackKib = 64 * 1024;
constexpr auto kRudePatience = std::chrono::seconds(60);
constexpr std::string_view kRudeGroup = "rude";

using Clients = std::vector<std::unique_ptr<Client>>;

Way way_of(std::size_t number) {
    return number % 2 == 0 ? Way::kTcp : Way::kUnix;
}

Client& add(Clients& clients, Loop& loop, const Door& door, Client::Options options) {
    clients.push_back(std::make_unique<Client>(loop, door, std::move(options)));
    return *clients.back();
}

/// Does `work` in a process of its own beside the well-behaved clients, and waits for it to end.
/// `meanwhile` is called again and again.
void load_by(
    Stage& stage, const std::function<int(const Worker::Say&)>& work,
    const std::function<void()>& meanwhile = [] {}) {
    stage.begin_load();
    const Worker worker(stage.loop(), kNice, work);
    while (!worker.status() && stage.is_sound()) {
        stage.loop().turn(milliseconds(20));
        meanwhile();
    }
    for (const std::string& line : worker.lines()) {
        stage.verdict().note("  " + line);
    }
    stage.verdict().check(worker.status() == 0 || !stage.is_sound(),
                          "the rude clients were not served as they should");
}

// ---- A client stops reading, and its group is flooded ----

constexpr std::size_t kFloodBytes = 100000;
constexpr std::size_t kVictims = 5;

int stop_reading(const Door& door, const Worker::Say& say) {
    Loop loop;
    Clients clients;
    std::size_t members = 0;
    for (std::size_t i = 0; i <= kVictims; ++i) {
        Client& client = add(clients, loop, door,
                             {.name = i == 0 ? "watcher" : "victim" + std::to_string(i),
                              .wants_membership = i == 0,
                              .way = way_of(i),
                              .number = i,
                              .receive_buffer = i == 0 ? 0 : 4096});
        client.on_open = [&client] { client.join(kRudeGroup); };
        client.connect();
    }
    clients.front()->on_message = [&members](const client::MessageView& message) {
        if (message.is_regular_membership()) {
            members = message.group_count();
        }
    };
    Client& flooder = add(clients, loop, door, {.name = "flooder", .wants_membership = false});
    flooder.connect();
    if (!loop.run_until([&] { return members == kVictims + 1 && flooder.is_open(); })) {
        say("the clients do not get together");
        return 1;
    }
    for (std::size_t i = 1; i <= kVictims; ++i) {
        clients[i]->set_reading(false);
    }
    const std::vector<std::byte> body(kFloodBytes);
    std::size_t sent = 0;
    const auto start = Clock::now();
    const bool dropped = loop.run_until(
        [&] {
            // The watcher must not fall behind itself.
            for (int i = 0; i < 4 && members > 1 && flooder.unsent() == 0; ++i) {
                flooder.multicast(protocol::kAgreedMess, kRudeGroup, body);
                ++sent;
            }
            return members == 1;
        },
        kRudePatience);
    say(fmt::format(
        "{} clients that do not read were {} after {:.2f} s and {} messages of {} bytes", kVictims,
        dropped ? "dropped" : "NOT DROPPED", seconds_since(start), sent, kFloodBytes));
    const bool others_stay = clients.front()->is_open() && flooder.is_open();
    return dropped && others_stay ? 0 : 1;
}

void run_stop_reading(const Settings& settings, const RudeOptions&, Verdict& verdict) {
    Stage stage(settings, verdict);
    load_by(stage,
            [&](const Worker::Say& say) { return stop_reading(stage.daemon().door(), say); });
    stage.end_load("a flooded group");
    stage.await_baseline();
    // All victims share the frames they do not take.
    stage.check_memory("clients that do not read", 1000 * kFloodBytes / 1024 + kSlackKib);
    stage.finish();
}

// ---- One byte at a time ----

constexpr std::size_t kDrippers = 100;
constexpr auto kDrip = milliseconds(50);

/// Handshakes and requests that come byte by byte, endlessly; and readers that take as little.
int drip(const Door& door, milliseconds duration, const Worker::Say& say) {
    Loop loop;
    Clients openers;
    Clients senders;
    Clients readers;
    const auto all_open = [](const Clients& clients) {
        return std::ranges::all_of(clients, &Client::is_open);
    };
    std::string ended;
    const auto in_turn = [&](Client& client) {
        client.on_end = [&ended](const std::string& why) { ended = why; };
        client.connect();
    };
    // Pair by pair: on a busy machine this process may wait long for its turn, and all at once
    // they would be late themselves, which the daemon rightly ends.
    for (std::size_t i = 0; i < kDrippers; ++i) {
        const std::string number = std::to_string(i);
        in_turn(add(senders, loop, door, {.name = "send" + number, .way = way_of(i), .number = i}));
        Client& reader =
            add(readers, loop, door,
                {.name = "read" + number, .way = way_of(i), .number = i, .receive_buffer = 4096});
        reader.on_open = [&reader] { reader.join(kRudeGroup); };
        in_turn(reader);
        if (!loop.run_until([&] { return senders.back()->is_open() && reader.is_open(); })) {
            say(fmt::format("pair {} of {} does not get in: sender {}, reader {}; last end: {}", i,
                            kDrippers, senders.back()->is_open() ? "open" : "not open",
                            reader.is_open() ? "open" : "not open",
                            ended.empty() ? "none" : ended));
            return 1;
        }
    }
    for (std::size_t i = 0; i < kDrippers; ++i) {
        add(openers, loop, door,
            {.name = "open" + std::to_string(i), .way = way_of(i), .number = i, .opening_bytes = 0})
            .connect();
    }
    // Names of bytes that are never complete: a body of 100000 bytes is announced.
    std::vector<client::Bytes> requests;
    for (const auto& sender : senders) {
        const std::array<protocol::NameField, 1> groups{protocol::NameField(kRudeGroup)};
        const std::vector<std::byte> body(kFloodBytes);
        client::Bytes request;
        static_cast<void>(client::append_multicast(
            request, protocol::NameField(std::string_view(sender->private_group())),
            {.service = protocol::kAgreedMess, .mess_type = 0, .groups = groups, .body = body}));
        requests.push_back(std::move(request));
    }
    const std::vector<std::byte> chatter(1000);
    const auto start = Clock::now();
    for (std::size_t turn = 0; Clock::now() - start < duration; ++turn) {
        for (std::size_t i = 0; i < kDrippers; ++i) {
            // The first bytes of a version 5 client with a name of ten: each alone is fine.
            constexpr std::array kOpening = {std::byte{5}, std::byte{0},  std::byte{1},
                                             std::byte{1}, std::byte{10}, std::byte{'d'}};
            if (turn % 20 == 0) {
                const std::size_t at = std::min<std::size_t>(turn / 20, kOpening.size() - 1);
                openers[i]->send_raw(std::span(kOpening).subspan(at, 1));
            }
            senders[i]->send_raw(std::span(requests[i]).subspan(turn % requests[i].size(), 1));
            readers[i]->set_reading(turn % 4 == 0);
        }
        if (turn % 2 == 0) {
            readers.front()->multicast(protocol::kAgreedMess, kRudeGroup, chatter);
        }
        loop.run_for(kDrip);
    }
    const auto open_openers = std::ranges::count_if(
        openers, [](const auto& client) { return client->state() != Client::State::kClosed; });
    const bool patient = all_open(senders) && all_open(readers);
    say(fmt::format(
        "after {:.1f} s {} of {} unfinished handshakes are still open; slow senders and readers {}",
        seconds_since(start), open_openers, kDrippers,
        patient ? "are all served" : "were DROPPED: " + ended));
    return patient ? 0 : 1;
}

void run_drip(const Settings& settings, const RudeOptions& options, Verdict& verdict) {
    Stage stage(settings, verdict);
    load_by(stage, [&](const Worker::Say& say) {
        return drip(stage.daemon().door(), options.duration, say);
    });
    stage.end_load("bytes one by one");
    stage.await_baseline();
    stage.check_memory("bytes one by one", kSlackKib);
    stage.finish();
}

// ---- Half-closed connections ----

constexpr std::size_t kHalfClosers = 400;

int half_close(const Door& door, const Worker::Say& say) {
    Loop loop;
    Clients clients;
    std::size_t ended = 0;
    std::size_t served = 0;
    for (std::size_t i = 0; i < kHalfClosers; ++i) {
        // Before the first byte, amid the opening, open, and with requests made.
        const std::size_t stage = i % 4;
        Client::Options options{
            .name = "half" + std::to_string(i), .way = way_of(i / 4), .number = i};
        if (stage < 2) {
            options.opening_bytes = stage * 4;
        }
        Client& client = add(clients, loop, door, options);
        client.on_end = [&ended](const std::string&) { ++ended; };
        client.on_open = [&client, stage] {
            if (stage == 3) {
                client.join("half");
                client.multicast(protocol::kSafeMess, "half", {});
            }
            client.finish_sending();
        };
        client.on_message = [&served](const client::MessageView&) { ++served; };
        client.connect();
        if (stage < 2) {
            client.finish_sending();
        }
    }
    const auto start = Clock::now();
    const bool all_ended = loop.run_until([&] { return ended == kHalfClosers; }, kRudePatience);
    say(
        fmt::format("{} of {} half-closed connections were closed by the daemon within {:.2f} s; "
                    "{} messages reached those who were still listening",
                    ended, kHalfClosers, seconds_since(start), served));
    return all_ended ? 0 : 1;
}

void run_half_close(const Settings& settings, const RudeOptions&, Verdict& verdict) {
    Stage stage(settings, verdict);
    load_by(stage, [&](const Worker::Say& say) { return half_close(stage.daemon().door(), say); });
    stage.end_load("half-closed connections");
    stage.await_baseline();
    stage.check_memory("half-closed connections", kSlackKib);
    stage.finish();
}

// ---- Floods of connections ----

constexpr std::size_t kFloodPlaces = 64;

int flood_connections(const Door& door, milliseconds duration, const Worker::Say& say) {
    Loop loop;
    Clients clients;
    std::uint64_t made = 0;
    for (std::size_t i = 0; i < kFloodPlaces; ++i) {
        // Silent ones, openings cut off, and whole handshakes.
        Client::Options options{.name = "flood" + std::to_string(i), .way = way_of(i), .number = i};
        if (i % 3 != 0) {
            options.opening_bytes = i % 3 == 1 ? 0 : 6;
        }
        add(clients, loop, door, options);
    }
    const auto start = Clock::now();
    for (std::size_t at = 0; Clock::now() - start < duration; ++at) {
        Client& client = *clients[at % kFloodPlaces];
        if (client.state() != Client::State::kConnecting) {  // else the backlog is full
            if (client.state() != Client::State::kClosed) {
                if (made % 2 == 0) {
                    client.reset();
                } else {
                    client.close();
                }
            }
            client.connect();
            ++made;
        }
        loop.turn(Clock::duration(0));
    }
    say(fmt::format("{} connections in {:.1f} s", made, seconds_since(start)));
    return 0;
}

void run_connect_flood(const Settings& settings, const RudeOptions& options, Verdict& verdict) {
    Stage stage(settings, verdict);
    const double cpu = stage.daemon().usage().cpu_seconds;
    load_by(stage, [&](const Worker::Say& say) {
        return flood_connections(stage.daemon().door(), options.duration, say);
    });
    verdict.note(
        fmt::format("  the daemon used {:.1f} s", stage.daemon().usage().cpu_seconds - cpu));
    stage.end_load("a flood of connections");
    stage.await_baseline();
    stage.check_memory("a flood of connections", kSlackKib);
    stage.finish();
}

// ---- Sockets that say nothing, or not all ----

/// Each says so many bytes of its handshake: one of these numbers, in turn.
using Openings = std::vector<std::size_t>;

int idle_sockets(const Door& door, std::size_t count, const Openings& openings,
                 const Worker::Say& say) {
    Loop loop;
    Clients clients;
    std::size_t ended = 0;
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
        Client& client = add(clients, loop, door,
                             {.name = "idle" + std::to_string(i),
                              .way = way_of(i / openings.size()),
                              .number = i,
                              .opening_bytes = openings[i % openings.size()]});
        client.on_end = [&ended](const std::string&) { ++ended; };
        client.connect();
        loop.turn(Clock::duration(0));
    }
    const double opened = seconds_since(start);
    const bool all_ended = loop.run_until([&] { return ended == count; }, kRudePatience);
    say(fmt::format(
        "{} sockets were opened within {:.2f} s; the last was closed by the daemon after {:.2f} s",
        count, opened, seconds_since(start)));
    if (!all_ended) {
        say(fmt::format("{} were NOT CLOSED", count - ended));
    }
    return all_ended ? 0 : 1;
}

/// Somebody who wants in, again and again.
class Newcomer {
  public:
    Newcomer(Loop& loop, const Door& door) : client_(loop, door, {.name = "newcomer"}) {
        client_.on_open = [this] { ++admitted_; };
        client_.on_end = [this](const std::string&) {
            ++refused_;
            last_refused_ = seconds_since(start_);
        };
    }

    void knock() {
        const bool idle = client_.is_open() || client_.state() == Client::State::kClosed;
        if (idle && Clock::now() >= next_) {
            client_.close();
            client_.connect();
            next_ = Clock::now() + milliseconds(100);
        }
    }

    [[nodiscard]] std::string summary() const {
        return fmt::format(
            "a newcomer was let in {} times and refused {} times, the last time after {:.1f} s",
            admitted_, refused_, last_refused_);
    }
    [[nodiscard]] std::size_t admitted() const { return admitted_; }

  private:
    Client client_;
    Clock::time_point start_ = Clock::now();
    Clock::time_point next_ = Clock::now();
    std::size_t admitted_ = 0;
    std::size_t refused_ = 0;
    double last_refused_ = 0;
};

void hold_sockets(const Settings& settings, const RudeOptions& options, const Openings& openings,
                  Verdict& verdict) {
    Stage stage(settings, verdict);
    {
        Newcomer newcomer(stage.loop(), stage.daemon().door());
        load_by(
            stage,
            [&](const Worker::Say& say) {
                return idle_sockets(stage.daemon().door(), options.sockets, openings, say);
            },
            [&newcomer] { newcomer.knock(); });
        verdict.note("  " + newcomer.summary());
        const std::size_t before = newcomer.admitted();
        verdict.check(stage.loop().run_until([&] {
            newcomer.knock();
            return newcomer.admitted() > before;
        }),
                      "nobody gets in any more");
    }
    stage.end_load("idle sockets");
    stage.await_baseline();
    stage.check_memory("idle sockets", kSlackKib);
    stage.finish();
}

void run_idle_sockets(const Settings& settings, const RudeOptions& options, Verdict& verdict) {
    hold_sockets(settings, options, {0}, verdict);
}

/// The daemon is more patient with those who have begun.
void run_half_handshakes(const Settings& settings, const RudeOptions& options, Verdict& verdict) {
    hold_sockets(settings, options, {1, 5, 15}, verdict);
}

using Behaviour = void (*)(const Settings&, const RudeOptions&, Verdict&);

const std::vector<std::pair<std::string, Behaviour>>& behaviours() {
    static const std::vector<std::pair<std::string, Behaviour>> all = {
        {"stop-reading", run_stop_reading}, {"drip", run_drip},
        {"half-close", run_half_close},     {"connect-flood", run_connect_flood},
        {"idle-sockets", run_idle_sockets}, {"half-handshakes", run_half_handshakes}};
    return all;
}

}  // namespace

std::vector<std::string> rude_behaviours() {
    std::vector<std::string> names;
    for (const auto& [name, run] : behaviours()) {
        names.push_back(name);
    }
    return names;
}

void run_rude(const Settings& settings, const RudeOptions& options, Verdict& verdict) {
    for (const auto& [name, run] : behaviours()) {
        if (options.only.empty() || std::ranges::find(options.only, name) != options.only.end()) {
            verdict.note(name);
            run(settings, options, verdict);
        }
    }
}

}  // namespace spread::stress
