#include "tests/stress/strangers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "protocol/session_wire.hpp"
#include "tests/stress/client.hpp"
#include "tests/stress/worker.hpp"
#include "tests/support/admin_page.hpp"
#include "tests/support/datagram_recorder.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/ring_probe.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::stress {
namespace {

using std::chrono::milliseconds;
using support::DaemonProcess;
using support::NetworkLab;
using support::SeenDatagram;

constexpr std::size_t kDaemons = 3;
constexpr std::size_t kStranger = kDaemons;  // its host and its place in the file
constexpr std::size_t kRecordedMost = 400'000;
constexpr std::size_t kUnderWay = 50;  // messages of each client
constexpr std::size_t kBodyBytes = 1000;
constexpr std::string_view kGroup = "load";
constexpr auto kBetweenRecorded = milliseconds(5);
constexpr std::string_view kKeys =
    "spreadd-keys 1\nuse AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
constexpr std::string_view kOtherKeys =
    "spreadd-keys 1\nuse ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM\n";

// What is asked for in the strict mode.
constexpr double kBesideDaemonMin = 0.9;
constexpr double kReplayToNoiseMin = 0.8;

const std::string kAlone = "alone";
const std::string kDaemon = "daemon";
const std::string kNoise = "noise";
const std::string kReplay = "replay";
const std::string kNames = "names";

/// Names are used once: a daemon learns of an end a moment later.
std::size_t clients_made = 0;

/// Clients, one on each daemon, that send to all as fast as their messages come back, or now and
/// then. Each has to get every message of each of them, in the order of its sender, and no view.
class Load {
  public:
    Load(Loop& loop, const std::vector<DaemonProcess*>& daemons, Clock::duration pause)
        : loop_(loop), pause_(pause), members_(daemons.size()) {
        for (std::size_t i = 0; i < daemons.size(); ++i) {
            Member& member = members_[i];
            member.last.resize(daemons.size());
            member.client = make_client(loop, *daemons[i], "l" + std::to_string(++clients_made),
                                        true, problem_);
            member.client->on_open = [&member] { member.client->join(kGroup); };
            member.client->on_message = [this, i](const client::MessageView& message) {
                on_message(i, message);
            };
            member.client->connect();
        }
        if (!loop_.run_until([this] { return are_all_in(); })) {
            throw std::runtime_error("the clients do not come together: " + problem_);
        }
        is_running_ = true;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            for (std::size_t left = pause_.count() > 0 ? 1 : kUnderWay; left > 0; --left) {
                send(i);
            }
        }
    }

    ~Load() { stop_sending(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Messages that the first client has got.
    [[nodiscard]] std::uint64_t received() const { return members_[0].received; }
    /// Ends it; what is missing is a problem.
    [[nodiscard]] std::string finish() {
        stop_sending();
        const auto is_done = [this] {
            std::uint64_t sent = 0;
            for (const Member& member : members_) {
                sent += member.sent;
            }
            return !problem_.empty() || std::ranges::all_of(members_, [&](const Member& member) {
                return member.received == sent;
            });
        };
        const bool done = loop_.run_until(is_done);
        for (Member& member : members_) {
            member.client->on_end = nullptr;
            member.client->close();
        }
        return done ? problem_ : "messages are missing";
    }

  private:
    struct Member {
        std::unique_ptr<Client> client;
        std::size_t view = 0;
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        std::vector<std::uint64_t> last;  ///< by sender
        Loop::Timer next = 0;             ///< when it sends again, where it pauses
    };
    struct Body {
        std::uint64_t sender;
        std::uint64_t number;
    };

    [[nodiscard]] bool are_all_in() const {
        return std::ranges::all_of(
            members_, [this](const Member& member) { return member.view == members_.size(); });
    }
    /// The loop outlives this object.
    void stop_sending() {
        is_sending_ = false;
        for (Member& member : members_) {
            if (member.next != 0) {
                loop_.cancel(std::exchange(member.next, 0));
            }
        }
    }
    void send(std::size_t index) {
        Member& member = members_[index];
        const Body body{index, ++member.sent};
        std::vector<std::byte> bytes(kBodyBytes);
        std::memcpy(bytes.data(), &body, sizeof body);
        member.client->multicast(protocol::kAgreedMess, kGroup, bytes);
    }
    void on_message(std::size_t index, const client::MessageView& message) {
        Member& member = members_[index];
        if (!message.is_regular()) {
            member.view = message.group_count();
            if (is_running_ && problem_.empty()) {
                problem_ = member.client->name() + " is told of a view";
            }
            return;
        }
        Body body{};
        if (message.body.size() != kBodyBytes) {
            problem_ = "a message of a stranger";
            return;
        }
        std::memcpy(&body, message.body.data(), sizeof body);
        if (body.sender >= member.last.size() || body.number != ++member.last[body.sender]) {
            problem_ = member.client->name() + " misses messages";
            return;
        }
        ++member.received;
        if (body.sender == index && is_sending_) {
            if (pause_.count() > 0) {
                member.next = loop_.after(pause_, [this, index] {
                    members_[index].next = 0;
                    send(index);
                });
            } else {
                send(index);
            }
        }
    }

    Loop& loop_;
    Clock::duration pause_;
    std::vector<Member> members_;
    std::string problem_;
    bool is_running_ = false;
    bool is_sending_ = true;
};

/// Sends `datagrams` over and over to all daemons, for so long; returns how many it sent.
std::uint64_t play(const std::vector<SeenDatagram>& datagrams, std::uint16_t port, std::size_t rate,
                   milliseconds time) {
    constexpr std::size_t kAtOnce = 64;
    const client::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::array<sockaddr_in, kAtOnce> to{};
    std::array<iovec, kAtOnce> slices{};
    std::array<mmsghdr, kAtOnce> messages{};
    const auto start = Clock::now();
    std::uint64_t tried = 0;
    std::uint64_t sent = 0;
    std::size_t next = 0;
    while (Clock::now() - start < time) {
        const auto due =
            static_cast<std::uint64_t>(seconds_since(start) * static_cast<double>(rate * kDaemons));
        if (tried >= due) {
            std::this_thread::sleep_for(milliseconds(1));
            continue;
        }
        for (std::size_t i = 0; i < kAtOnce; ++i) {
            const SeenDatagram& datagram = datagrams[next / kDaemons % datagrams.size()];
            to[i].sin_family = AF_INET;
            to[i].sin_port = htons(static_cast<std::uint16_t>(port + datagram.port));
            ::inet_pton(AF_INET, NetworkLab::address(next % kDaemons).c_str(), &to[i].sin_addr);
            slices[i] = {const_cast<std::byte*>(datagram.bytes.data()), datagram.bytes.size()};
            messages[i].msg_hdr = {};
            messages[i].msg_hdr.msg_name = &to[i];
            messages[i].msg_hdr.msg_namelen = sizeof to[i];
            messages[i].msg_hdr.msg_iov = &slices[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            ++next;
        }
        const int taken = ::sendmmsg(socket.get(), messages.data(), kAtOnce, 0);
        // What does not fit into a socket is not made up for.
        tried += kAtOnce;
        sent += static_cast<std::uint64_t>(std::max(taken, 0));
    }
    return sent;
}

class StrangersTrial {
  public:
    StrangersTrial(const StrangersOptions& options, Verdict& verdict)
        : options_(options), verdict_(verdict), port_(support::pick_port()) {
        for (std::size_t i = 0; i <= kStranger; ++i) {
            const std::string name = "d" + std::to_string(i + 1);
            const auto etc = directory_.path() / ("etc" + std::to_string(i));
            std::filesystem::create_directory(etc);
            specs_.push_back({.name = name,
                              .address = NetworkLab::address(i),
                              .network_namespace = lab_.namespace_of(i),
                              .etc = etc});
            lab_.split_bursts(i);
            lab_.filter(i, "ip daddr 224.0.0.0/4 drop");
        }
        resolve_by("files");
        write_keys("ring.keys", kKeys);
        write_keys("other.keys", kOtherKeys);
        for (std::size_t i = 0; i < kDaemons; ++i) {
            daemons_.push_back(start(i, "ring.keys"));
        }
        for (const auto& daemon : daemons_) {
            daemon->wait_listening();
        }
        support::wait_for_ring(all());
    }

    void run() {
        std::vector<std::string> variants = options_.only;
        if (variants.empty()) {
            variants = stranger_variants();
        }
        if (std::ranges::find(variants, kNoise) != variants.end() ||
            std::ranges::find(variants, kReplay) != variants.end()) {
            record();
        }
        variants.insert(variants.begin(), kAlone);
        for (std::size_t round = 0; round < options_.rounds; ++round) {
            for (const std::string& variant : variants) {
                rates_[variant].push_back(measure(variant));
            }
        }
        judge(variants);
    }

  private:
    void write_keys(const std::string& file, std::string_view text) {
        const auto path = directory_.write(file, std::string(text));
        if (::chmod(path.c_str(), 0600) != 0) {
            throw std::runtime_error("cannot protect " + path.string());
        }
    }
    /// "files", or "dns", of a server that never answers.
    void resolve_by(const std::string& way) {
        for (const auto& spec : specs_) {
            std::ofstream(spec.etc / "nsswitch.conf") << "hosts: " << way << "\n";
            std::ofstream(spec.etc / "resolv.conf")
                << "nameserver 10.77.0.250\noptions timeout:1 attempts:1\n";
            std::ofstream hosts(spec.etc / "hosts");
            hosts << "127.0.0.1 localhost\n";
            for (const auto& other : specs_) {
                hosts << other.address << " " << other.name << ".ring\n";
            }
        }
    }
    std::unique_ptr<DaemonProcess> start(std::size_t index, const std::string& keys) {
        const auto file = directory_.write(
            specs_[index].name + ".conf",
            fmt::format("Spread_Segment unicast:{} {{\n d* Count = {} Host = \"d*.ring\"\n}}\n"
                        "RingKeyFile = \"{}\"\n",
                        port_, kStranger + 2, (directory_.path() / keys).string()));
        return std::make_unique<DaemonProcess>(support::DaemonKind::kOurs, specs_[index], file,
                                               port_, directory_.path());
    }
    [[nodiscard]] std::vector<DaemonProcess*> all() const {
        std::vector<DaemonProcess*> out;
        for (const auto& daemon : daemons_) {
            out.push_back(daemon.get());
        }
        return out;
    }
    [[nodiscard]] std::uint64_t configurations() const {
        std::uint64_t count = 0;
        for (const auto& daemon : daemons_) {
            count += support::configurations_of(*daemon);
        }
        return count;
    }

    /// What an adversary on all links sees, two ends of lives and two beginnings among it.
    void record() {
        support::DatagramRecorder recorder(port_, kRecordedMost);
        if (!recorder.works()) {
            throw std::runtime_error("no packet sockets here");
        }
        for (int part = 0; part < 3; ++part) {
            Load load(loop_, all(), kBetweenRecorded);
            loop_.run_for(options_.recorded / 3);
            if (const std::string problem = load.finish(); !problem.empty()) {
                verdict_.fail("while it is recorded: " + problem);
            }
            if (part == 0) {
                daemons_[1]->crash();
            } else if (part == 1) {
                verdict_.check(daemons_[2]->stop() == 0, "d3 does not stop in order");
            } else {
                break;
            }
            daemons_[part == 0 ? 1 : 2]->restart();
            support::wait_for_ring(all());
        }
        recorded_ = recorder.stop();
        verdict_.note(fmt::format("  {} datagrams recorded", recorded_.size()));
        if (recorded_.empty()) {
            throw std::runtime_error("nothing was recorded");
        }
        std::mt19937_64 random(1);
        noise_ = recorded_;
        for (SeenDatagram& datagram : noise_) {
            std::ranges::generate(datagram.bytes, [&] { return static_cast<std::byte>(random()); });
        }
    }

    static std::string last_lines(std::string_view log) {
        constexpr int kLines = 12;
        std::size_t begin = log.size();
        for (int i = 0; i <= kLines && begin != std::string_view::npos && begin != 0; ++i) {
            begin = log.rfind('\n', begin - 1);
        }
        return std::string(begin == std::string_view::npos ? log : log.substr(begin + 1));
    }

    /// Messages a second beside `variant`.
    double measure(const std::string& variant) {
        const milliseconds time = options_.each / options_.rounds;
        const std::uint64_t before = configurations();
        std::unique_ptr<DaemonProcess> stranger;
        std::unique_ptr<Worker> attacker;
        if (variant == kDaemon) {
            stranger = start(kStranger, "other.keys");
            stranger->wait_listening();
        } else if (variant == kNoise || variant == kReplay) {
            const auto& datagrams = variant == kNoise ? noise_ : recorded_;
            attacker = std::make_unique<Worker>(loop_, 0, [&](const Worker::Say& say) {
                say(std::to_string(play(datagrams, port_, options_.rate, time)));
                return 0;
            });
        } else if (variant == kNames) {
            resolve_by("dns");
        }
        Load load(loop_, all(), Clock::duration(0));
        const auto start = Clock::now();
        loop_.run_for(time);
        const double rate = static_cast<double>(load.received()) / seconds_since(start);
        std::string more;
        if (attacker) {
            verdict_.check(loop_.run_until([&] { return attacker->status().has_value(); }),
                           "the attacker does not end");
            const auto& lines = attacker->lines();
            const double sent = lines.empty() ? 0 : std::stod(lines.front());
            more = fmt::format(
                ", {:.0f} datagrams a second at each daemon",
                sent / static_cast<double>(kDaemons) / (static_cast<double>(time.count()) / 1000));
        }
        const std::string problem = load.finish();
        verdict_.note(fmt::format("  {}: {:.0f} messages/s{}", variant, rate, more));
        verdict_.check(problem.empty(), variant + ": " + problem);
        if (configurations() != before) {
            verdict_.fail(variant + ": the ring is formed anew");
            for (const auto& daemon : daemons_) {
                verdict_.note(daemon->spec().name + ":\n" + last_lines(daemon->log()));
            }
        }
        if (stranger) {
            check_logs(*stranger);
        } else if (variant == kNames) {
            resolve_by("files");
        }
        return rate;
    }

    /// Both sides name both keys.
    void check_logs(const DaemonProcess& stranger) {
        verdict_.check(stranger.log().find("seals with ring key f841a6b1, which is not in") !=
                           std::string::npos,
                       "the stranger does not say which key the others have");
        for (const auto& daemon : daemons_) {
            const std::string log = daemon->log();
            verdict_.check(
                log.find("seals with ring key 8d31ab2b, which is not in") != std::string::npos,
                daemon->spec().name + " does not say which key the stranger has");
        }
    }

    [[nodiscard]] double median(const std::string& variant) {
        std::vector<double> values = rates_[variant];
        std::ranges::sort(values);
        const std::size_t half = values.size() / 2;
        return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    }
    void judge(const std::vector<std::string>& variants) {
        for (const std::string& variant : variants) {
            verdict_.note(fmt::format("  {}: {:.2f} of the throughput alone (medians of {})",
                                      variant, median(variant) / median(kAlone), options_.rounds));
        }
        if (!options_.strict) {
            return;
        }
        const auto is_there = [&](const std::string& variant) { return rates_.contains(variant); };
        verdict_.check(!is_there(kDaemon) || median(kDaemon) >= kBesideDaemonMin * median(kAlone),
                       "a daemon with another key costs throughput");
        verdict_.check(!is_there(kNoise) || !is_there(kReplay) ||
                           median(kReplay) >= kReplayToNoiseMin * median(kNoise),
                       "recordings cost more than random datagrams");
    }

    const StrangersOptions& options_;
    Verdict& verdict_;
    support::TempDir directory_;
    NetworkLab lab_{kStranger + 1};
    std::uint16_t port_;
    std::vector<support::DaemonSpec> specs_;
    std::vector<std::unique_ptr<DaemonProcess>> daemons_;
    Loop loop_;
    std::vector<SeenDatagram> recorded_;
    std::vector<SeenDatagram> noise_;  ///< of the same sizes
    std::map<std::string, std::vector<double>> rates_;
};

}  // namespace

const std::vector<std::string>& stranger_variants() {
    static const std::vector<std::string> kVariants{kDaemon, kNoise, kReplay, kNames};
    return kVariants;
}

void run_strangers(const StrangersOptions& options, Verdict& verdict) {
    verdict.note("strangers: a sealed ring of three daemons under load");
    StrangersTrial(options, verdict).run();
}

}  // namespace spread::stress
