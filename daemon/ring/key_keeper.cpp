#include "daemon/ring/key_keeper.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/ring/ring_keys.hpp"

namespace spread::daemon {
namespace {

constexpr auto kLookAtKeysEvery = std::chrono::seconds(10);
constexpr auto kKeysPatience = std::chrono::seconds(1);

}  // namespace

struct KeyKeeper::Shared {
    class KeyFileOnDisk final : public sealing::KeyStore::File {
      public:
        KeyFileOnDisk(std::string path, std::string user)
            : path_(std::move(path)), user_(std::move(user)) {}

        protocol::Result<sealing::KeyRing, std::string> read() override {
            return read_keys(path_, user_);
        }
        std::string write(const sealing::KeyRing& keys) override {
            return save_keys(path_, keys, false);
        }

      private:
        std::string path_;
        std::string user_;
    };

    explicit Shared(Setup from)
        : setup(std::move(from)), file(setup.file, setup.user), store(setup.keys, file) {}

    struct Reload {
        sealing::Mode mode;
    };
    using Task = std::variant<sealing::KeyOrder, Reload>;

    // The thread's.
    Setup setup;
    KeyFileOnDisk file;
    sealing::KeyStore store;
    std::string told_problem;
    std::string told_reading_problem;

    std::mutex mutex;
    std::condition_variable wake;
    std::condition_variable ended_changed;
    std::vector<Task> tasks;
    bool ending = false;
    bool ended = false;
    /// Held while somebody is told; beside the other one, so that nobody waits for that who orders.
    std::mutex telling;
    bool is_gone = false;
    std::atomic<bool> is_read{true};  ///< the file, when it was looked at last

    void run() {
        for (bool last = false; !last;) {
            std::unique_lock<std::mutex> lock(mutex);
            wake.wait_for(lock, kLookAtKeysEvery, [this] { return ending || !tasks.empty(); });
            last = ending;
            const auto todo = std::exchange(tasks, {});
            lock.unlock();
            if (todo.empty() && !last) {
                look();
            }
            for (const Task& task : todo) {
                std::visit([this](const auto& each) { act(each); }, task);
            }
        }
        const std::lock_guard<std::mutex> lock(mutex);
        ended = true;
        ended_changed.notify_all();
    }

    void post(Task task) {
        const std::lock_guard<std::mutex> lock(mutex);
        tasks.push_back(std::move(task));
        wake.notify_all();
    }

    void act(const sealing::KeyOrder& order) {
        const std::string from = setup.roster.describe(order.from);
        const sealing::KeyRing before = store.keys();
        store.carry_out(order,
                        fmt::format("{:%Y-%m-%d} {}", fmt::gmtime(std::time(nullptr)), from));
        if (before != store.keys()) {
            log_change(order, from);
        }
        tell_problem();
        tell(std::nullopt);
    }

    void log_change(const sealing::KeyOrder& order, const std::string& from) const {
        const char* what = "";
        switch (order.kind) {
            case sealing::KeyOrder::Kind::kAdd: what = "is kept until it is put into use"; break;
            case sealing::KeyOrder::Kind::kUse: what = "is in use"; break;
            case sealing::KeyOrder::Kind::kRemove: what = "is removed"; break;
            case sealing::KeyOrder::Kind::kTakeOver:
            case sealing::KeyOrder::Kind::kUnderstand: return;  // the ring's thread has said so
        }
        log_event_with(LogEvent::kRingKeys, {{"key", to_string(order.id)}},
                       "ring key {} {}, ordered by {}; {} known", to_string(order.id), what, from,
                       store.keys().keys().size());
    }

    void act(const Reload& reload) {
        if (read_file() == sealing::KeyStore::Look::kUnreadable) {
            log_event(LogEvent::kRingKeysFailed, "{}; the ring's keys stay as they were",
                      store.reading_problem());
        } else {
            log_event_with(LogEvent::kRingKeys, {{"key", to_string(store.keys().in_use().id)}},
                           "SIGHUP: ring key {} in use, {} known, RingSealing = {}",
                           to_string(store.keys().in_use().id), store.keys().keys().size(),
                           word_of(reload.mode));
        }
        tell_problem();
        tell(reload.mode);
    }

    sealing::KeyStore::Look read_file() {
        const sealing::KeyStore::Look found = store.look();
        is_read = found != sealing::KeyStore::Look::kUnreadable;
        return found;
    }

    void look() {
        switch (read_file()) {
            case sealing::KeyStore::Look::kSame:
                if (told_problem == store.problem()) {
                    return;
                }
                break;
            case sealing::KeyStore::Look::kUnreadable:
                if (told_reading_problem != store.reading_problem()) {
                    told_reading_problem = store.reading_problem();
                    log_event(LogEvent::kRingKeysFailed, "{}; the ring's keys stay as they were",
                              told_reading_problem);
                }
                return;
            case sealing::KeyStore::Look::kChanged:
                log_event_with(LogEvent::kRingKeys, {{"key", to_string(store.keys().in_use().id)}},
                               "{} has changed: ring key {} in use, {} known", setup.file,
                               to_string(store.keys().in_use().id), store.keys().keys().size());
                break;
        }
        told_reading_problem.clear();
        tell_problem();
        tell(std::nullopt);
    }

    void tell_problem() {
        if (told_problem == store.problem()) {
            return;
        }
        told_problem = store.problem();
        if (told_problem.empty()) {
            log_event(LogEvent::kRingKeys, "the ring's keys are in {} again", setup.file);
        } else {
            log_event(LogEvent::kRingKeysUnsaved,
                      "{}; ring key {} is in use, {} known, and after a restart what the file says",
                      told_problem, to_string(store.keys().in_use().id),
                      store.keys().keys().size());
        }
    }

    void tell(std::optional<sealing::Mode> mode) {
        const std::lock_guard<std::mutex> lock(telling);
        if (!is_gone) {
            setup.changed(store.state(), mode);
        }
    }
};

KeyKeeper::KeyKeeper(Setup setup) : shared_(std::make_shared<Shared>(std::move(setup))) {
    const BlockedSignals blocked;
    std::thread thread([shared = shared_] {
        const SignalStack stack;
        shared->run();
    });
    ::pthread_setname_np(thread.native_handle(), "keys");
    thread.detach();
}

KeyKeeper::~KeyKeeper() {
    {
        const std::lock_guard<std::mutex> lock(shared_->telling);
        shared_->is_gone = true;
    }
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->ending = true;
    shared_->wake.notify_all();
    shared_->ended_changed.wait_for(lock, kKeysPatience, [this] { return shared_->ended; });
}

void KeyKeeper::carry_out(sealing::KeyOrder order) {
    shared_->post(std::move(order));
}

bool KeyKeeper::is_read() const {
    return shared_->is_read.load();
}

void KeyKeeper::reload(sealing::Mode mode) {
    shared_->post(Shared::Reload{mode});
}

}  // namespace spread::daemon
