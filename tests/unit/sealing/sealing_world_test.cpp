#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/rng.hpp"
#include "sealing/ring_seal.hpp"
#include "tests/unit/sealing/bytes.hpp"

// Some daemons under an adversary who sees, drops, delays, repeats and redirects every datagram, on
// hosts that restart, or are put back to a snapshot. What has to hold:
//
//   S1 every text that is taken was sealed by a holder of the key, byte for byte
//   S2 at most once per life
//   S3 of a stream that was in use after the life of its receiver began
//   S4 no key and nonce seal two texts
//   S7 in peace all hear each other

namespace spread::sealing {
namespace {

using protocol::DaemonId;
using protocol::Instant;
using protocol::Rng;
using test::Bytes;

constexpr std::chrono::milliseconds kTick{100};

/// Repeats itself when it is put back, as a generator in a snapshot does, unless the host's kernel
/// notices.
class HostEntropy final : public Entropy {
  public:
    explicit HostEntropy(std::uint64_t seed) : rng_(seed) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(rng_.next());
        }
    }

  private:
    Rng rng_;
};

struct Datagram {
    std::size_t to = 0;
    Bytes bytes;
};

class World;

/// One daemon. What it does follows from its seed and from what is asked of it, so a snapshot is
/// the list of that, and to be put back is to do it all again.
class Daemon {
  public:
    Daemon(World& world, std::size_t index);

    void send();
    void receive(const Bytes& datagram);
    void restart();
    [[nodiscard]] std::size_t index() const { return index_; }
    [[nodiscard]] StreamId stream() const { return seal_->stream(); }

    struct Snapshot;
    [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
    void restore(const Snapshot& from);

    /// What was asked: to seal this text at that time, or to open this datagram.
    struct Call {
        Instant at;
        Bytes text;
        Bytes datagram;
    };
    struct Snapshot {
        std::uint64_t seed;
        std::int64_t born;
        std::vector<Call> calls;
        std::set<std::string> taken;
    };

  private:
    void begin(std::uint64_t seed);
    void run(const Call& call, bool is_replay);
    void take(const protocol::Slice& text, const Envelope& envelope);

    World& world_;
    std::size_t index_;
    std::uint64_t seed_ = 0;
    std::int64_t born_ = 0;
    protocol::Duration skew_{};
    std::vector<Call> calls_;
    std::set<std::string> taken_;
    std::unique_ptr<HostEntropy> entropy_;
    std::unique_ptr<RingSeal> seal_;
};

class World {
  public:
    World(std::uint64_t seed, bool entropy_repeats)
        : rng_(seed), count_(2 + rng_.below(3)), entropy_repeats(entropy_repeats) {
        crashes_often_ = rng_.chance(1, 2);
        for (std::size_t i = 0; i < count_; ++i) {
            daemons_.push_back(std::make_unique<Daemon>(*this, i));
        }
        snapshots_.resize(count_);
    }

    void run() {
        constexpr std::array kSteps{300U, 800U, 1500U};
        const std::uint64_t steps = kSteps[rng_.below(kSteps.size())];
        for (std::uint64_t i = 0; i < steps; ++i) {
            step();
        }
        settle();
    }

    // What daemons tell.

    [[nodiscard]] Instant now() const { return Instant(std::chrono::hours(1)) + tick_ * kTick; }
    [[nodiscard]] std::int64_t tick() const { return tick_; }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::uint64_t seed_of_new_life() { return rng_.next(); }
    /// No two machines look at the clock in the same nanosecond.
    [[nodiscard]] protocol::Duration next_skew() { return protocol::Duration(++skews_); }
    [[nodiscard]] Rng& rng() { return rng_; }

    /// `fate` of a sealed datagram: who seals it is known by its stream.
    void on_sealed(const Bytes& datagram, const Bytes& text) {
        const auto envelope = read_envelope(datagram);
        ASSERT_TRUE(envelope);
        const auto name =
            std::tuple(envelope->stream, envelope->epoch(), envelope->number, envelope->hedge);
        const auto [at, is_new] = nonces_.emplace(name, text);
        if (!is_new && at->second != text) {
            throw std::runtime_error("S4: a nonce seals two texts");
        }
        sealed_.emplace(to_string(text));
        last_use_[envelope->stream] = tick_;
    }
    void send(std::size_t to, const Bytes& datagram) {
        queue_.push_back({to, datagram});
        archive_.push_back({to, datagram});
        if (archive_.size() > 3000) {
            archive_.erase(archive_.begin() + static_cast<std::ptrdiff_t>(rng_.below(1000)));
        }
    }
    void send_to_all(std::size_t from, const Bytes& datagram) {
        for (std::size_t to = 0; to < count_; ++to) {
            if (to != from) {
                send(to, datagram);
            }
        }
    }
    void on_taken(std::size_t by, std::int64_t born, const std::string& text,
                  const Envelope& envelope) {
        if (sealed_.count(text) == 0) {
            throw std::runtime_error("S1: nobody sealed this");
        }
        if (last_use_.at(envelope.stream) < born) {
            throw std::runtime_error("S3: of a stream that had ended before");
        }
        heard_[{by, envelope.sender.value - 1}] = tick_;
    }

    static std::string to_string(std::span<const std::byte> bytes) {
        std::string out;
        for (const std::byte byte : bytes) {
            out += static_cast<char>(byte);
        }
        return out;
    }

  private:
    /// To all machines of that name.
    void deliver(std::size_t to, const Bytes& datagram) {
        daemons_[to]->receive(datagram);
        for (std::size_t i = 0; i < extra_.size(); ++i) {
            if (extra_[i]->index() == to) {
                extra_[i]->receive(datagram);
            }
        }
    }

    Bytes damaged(Bytes bytes) {
        const std::size_t at = rng_.below(bytes.size());
        bytes[at] ^= static_cast<std::byte>(1U << rng_.below(8));
        if (rng_.chance(1, 4)) {
            bytes.resize(rng_.below(bytes.size()) + 1);
        }
        if (rng_.chance(1, 4) && !archive_.empty()) {  // one's head on another's body
            const Bytes& other = archive_[rng_.below(archive_.size())].bytes;
            std::copy_n(other.begin(), std::min(kEnvelopeBytes, bytes.size()), bytes.begin());
        }
        return bytes;
    }

    void step() {
        ++tick_;
        const std::uint64_t luck = rng_.below(1000);
        if (luck < 350) {
            const std::size_t who = rng_.below(count_ + extra_.size());
            (who < count_ ? daemons_[who] : extra_[who - count_])->send();
        } else if (luck < 750) {
            if (!queue_.empty()) {
                const auto at = rng_.below(std::min<std::size_t>(queue_.size(), 30));
                const Datagram one = queue_[at];
                queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(at));
                const std::uint64_t fate = rng_.below(100);
                for (int i = 0; i < (fate < 75 ? 1 : fate < 80 ? 2 : 0); ++i) {
                    deliver(one.to, one.bytes);
                }
            }
        } else if (luck < 950) {
            if (!archive_.empty()) {
                const std::size_t recent = std::min<std::size_t>(archive_.size(), 150);
                const std::size_t back =
                    rng_.chance(2, 5) ? rng_.below(archive_.size()) : rng_.below(recent);
                Bytes old = archive_[archive_.size() - 1 - back].bytes;
                deliver(rng_.below(count_), rng_.chance(1, 5) ? damaged(std::move(old)) : old);
            }
        } else {
            trouble_host(luck);
        }
        if (queue_.size() > 200) {
            queue_.erase(queue_.begin(), queue_.begin() + 100);
        }
    }

    void trouble_host(std::uint64_t luck) {
        const std::size_t who = rng_.below(count_);
        if (luck < 965) {
            if (crashes_often_ || rng_.chance(1, 50)) {
                daemons_[who]->restart();
            }
        } else if (luck < 985) {
            if (!snapshots_[who] || rng_.chance(1, 10)) {
                snapshots_[who] = daemons_[who]->snapshot();
            }
        } else if (luck < 993) {
            if (snapshots_[who]) {
                daemons_[who]->restore(*snapshots_[who]);
            }
        } else if (!extra_.empty() && rng_.chance(1, 2)) {
            extra_.pop_back();
        } else {  // a second daemon under a name: a fresh one, or the copy of a machine
            extra_.push_back(std::make_unique<Daemon>(*this, who));
            if (snapshots_[who] && rng_.chance(1, 2)) {
                extra_.back()->restore(*snapshots_[who]);
            }
        }
    }

    void settle() {
        queue_.clear();
        extra_.clear();
        for (int round = 0; round < 60; ++round) {
            ++tick_;
            for (const auto& daemon : daemons_) {
                daemon->send();
            }
            for (const Datagram& one : std::exchange(queue_, {})) {
                deliver(one.to, one.bytes);
            }
        }
        for (std::size_t by = 0; by < count_; ++by) {
            for (std::size_t from = 0; from < count_; ++from) {
                const auto heard = heard_.find({by, from});
                if (by != from && (heard == heard_.end() || heard->second < tick_ - 5)) {
                    throw std::runtime_error("S7: deaf in peace");
                }
            }
        }
    }

    Rng rng_;
    std::size_t count_;

  public:
    const bool entropy_repeats;

  private:
    bool crashes_often_ = false;
    std::int64_t skews_ = 0;
    std::int64_t tick_ = 0;
    std::vector<std::unique_ptr<Daemon>> daemons_;
    std::vector<std::unique_ptr<Daemon>> extra_;
    std::vector<std::shared_ptr<const Daemon::Snapshot>> snapshots_;
    std::vector<Datagram> queue_;
    std::vector<Datagram> archive_;
    std::set<std::string> sealed_;
    std::map<std::tuple<StreamId, std::uint64_t, std::uint64_t, std::uint32_t>, Bytes> nonces_;
    std::map<StreamId, std::int64_t> last_use_;
    std::map<std::pair<std::size_t, std::size_t>, std::int64_t> heard_;
};

Daemon::Daemon(World& world, std::size_t index) : world_(world), index_(index) {
    restart();
}

void Daemon::restart() {
    born_ = world_.tick();
    calls_.clear();
    taken_.clear();
    skew_ = world_.next_skew();
    begin(world_.seed_of_new_life());
}

void Daemon::begin(std::uint64_t seed) {
    seed_ = seed;
    entropy_ = std::make_unique<HostEntropy>(seed);
    RingSeal::Setup setup;
    for (std::size_t i = 0; i < world_.count(); ++i) {
        setup.daemons.push_back(DaemonId{static_cast<std::uint32_t>(i + 1)});
    }
    setup.self = setup.daemons[index_];
    setup.keys = KeyRing({RingKey::of(test::key_from(0), KeyRole::kUse)});
    setup.backend = best_backend();
    seal_ = std::make_unique<RingSeal>(std::move(setup), *entropy_);
}

void Daemon::send() {
    Bytes text(16);
    protocol::ByteWriter writer(text);
    writer.write_le(world_.rng().next());
    writer.write_le(world_.rng().next());
    run({world_.now() + skew_, text, {}}, false);
}

void Daemon::receive(const Bytes& datagram) {
    run({world_.now() + skew_, {}, datagram}, false);
}

void Daemon::run(const Call& call, bool is_replay) {
    if (!is_replay) {
        calls_.push_back(call);
    }
    if (!call.text.empty()) {
        Bytes out(call.text.size() + kSealRoomBytes);
        seal_->begin_batch(call.at);
        seal_->seal(call.text, out);
        if (!is_replay) {
            world_.on_sealed(out, call.text);
            world_.send_to_all(index_, out);
        }
    } else {
        protocol::Slice slice{protocol::BufferRef::allocate(call.datagram.size()), 0,
                              static_cast<std::uint32_t>(call.datagram.size())};
        std::copy(call.datagram.begin(), call.datagram.end(), slice.buffer->data());
        const auto opened = seal_->open(call.at, slice, 0);
        if (opened.datagram && !is_replay) {
            take(opened.datagram->text, seal_->last_envelope());
        }
    }
    const auto hellos = seal_->hellos();
    seal_->clear_hellos();
    bool was_put_back = false;
    for (const SealEvent& event : seal_->take_events()) {
        was_put_back = was_put_back || event.kind == SealEvent::Kind::kPutBack;
    }
    if (is_replay) {
        return;
    }
    for (const auto& hello : hellos) {
        const Bytes bytes(hello.bytes.begin(), hello.bytes.end());
        world_.on_sealed(bytes, Bytes(bytes.begin() + kEnvelopeBytes, bytes.end()));
        world_.send(hello.to.value - 1, bytes);
    }
    if (was_put_back) {
        restart();  // as good as crashed, so a new life
    }
}

void Daemon::take(const protocol::Slice& text, const Envelope& envelope) {
    const std::string bytes = World::to_string(text.bytes());
    if (!taken_.insert(bytes).second) {
        throw std::runtime_error("S2: taken twice");
    }
    world_.on_taken(index_, born_, bytes, envelope);
}

std::shared_ptr<const Daemon::Snapshot> Daemon::snapshot() const {
    return std::make_shared<const Snapshot>(Snapshot{seed_, born_, calls_, taken_});
}

/// The process does not know that time has passed.
void Daemon::restore(const Snapshot& from) {
    begin(from.seed);
    skew_ = world_.next_skew();
    born_ = from.born;
    calls_ = from.calls;
    taken_ = from.taken;
    for (const Call& call : calls_) {
        run(call, true);
    }
    if (!world_.entropy_repeats) {
        *entropy_ = HostEntropy(world_.seed_of_new_life());  // the kernel has noticed
    }
}

std::string outcome(std::uint64_t seed, bool entropy_repeats) {
    try {
        World(seed, entropy_repeats).run();
        return "good";
    } catch (const std::runtime_error& violation) {
        return violation.what();
    }
}

TEST(SealingWorld, AnAdversaryAndRestoredHostsBreakNothing) {
    for (std::uint64_t seed = 1; seed <= 15; ++seed) {
        ASSERT_EQ(outcome(seed, false), "good") << "seed " << seed;
    }
}

/// Even the hedge repeats then but for the clock, which is in it.
TEST(SealingWorld, AClonedGeneratorRepeatsNoNonceWhileTheClockRuns) {
    for (std::uint64_t seed = 1001; seed <= 1012; ++seed) {
        ASSERT_EQ(outcome(seed, true), "good") << "seed " << seed;
    }
}

}  // namespace
}  // namespace spread::sealing
