#include "tests/stress/hostile_load.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace spread::stress {
namespace {

constexpr auto kRefillAfter = std::chrono::milliseconds(2);
/// A byte-by-byte client sends that many single bytes and the rest in pieces.
constexpr std::size_t kSingleBytesMax = 400;
constexpr std::size_t kPieceMax = 300;

}  // namespace

protocol::Rng rng_of(std::uint64_t seed, std::uint64_t number) {
    protocol::Rng mixed(seed ^ (number * 0x9e3779b97f4a7c15U));
    return protocol::Rng(mixed.next());
}

/// One conversation on its way.
class HostileLoad::Attack {
  public:
    Attack(HostileLoad& load, std::uint64_t number)
        : load_(load),
          number_(number),
          rng_(rng_of(load.plan_.seed, number)),
          plan_(draw_conversation(rng_, load.recordings_)) {}

    ~Attack() { close(); }
    Attack(const Attack&) = delete;
    Attack& operator=(const Attack&) = delete;

    [[nodiscard]] const Conversation& plan() const { return plan_; }

    /// False when there is no connection to be had.
    bool begin() {
        socket_ = open_socket(load_.door_, plan_.way, number_);
        if (!socket_) {
            return false;
        }
        if (!plan_.reads) {
            const int small = 4096;
            setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        }
        interest_ = EPOLLOUT | (plan_.reads ? std::uint32_t{EPOLLIN} : 0U);
        load_.loop_.watch(socket_.get(), interest_,
                          [this](std::uint32_t events) { on_ready(events); });
        timer_ = load_.loop_.after(plan_.lifetime, [this] {
            timer_ = 0;
            end();
        });
        return true;
    }

  private:
    void on_ready(std::uint32_t events) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            end();
            return;
        }
        if ((events & EPOLLIN) != 0 && !read()) {
            end();
            return;
        }
        if ((events & EPOLLOUT) != 0) {
            write();
        }
    }

    bool read() {
        std::array<std::byte, 16384> scrap{};
        const ssize_t count = recv(socket_.get(), scrap.data(), scrap.size(), MSG_DONTWAIT);
        if (count > 0) {
            load_.counts_.bytes_received += static_cast<std::uint64_t>(count);
        }
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
    }

    [[nodiscard]] std::size_t next_piece() {
        const std::size_t left = plan_.bytes.size() - sent_;
        switch (plan_.pace) {
            case Pace::kAtOnce: return left;
            case Pace::kByteByByte:
                if (sent_ < kSingleBytesMax) {
                    return std::min<std::size_t>(left, 1);
                }
                [[fallthrough]];
            case Pace::kPieces: return std::min<std::size_t>(left, 1 + rng_.below(kPieceMax));
        }
        return left;
    }

    /// One piece per turn of the loop, so that the daemon has a chance to see them one by one.
    void write() {
        const std::size_t size = next_piece();
        if (size > 0) {
            const ssize_t count =
                send(socket_.get(), plan_.bytes.data() + sent_, size, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
                    end();
                }
                return;
            }
            sent_ += static_cast<std::size_t>(count);
            load_.counts_.bytes_sent += static_cast<std::uint64_t>(count);
        }
        if (sent_ == plan_.bytes.size()) {
            said_all();
        }
    }

    void said_all() {
        if (plan_.ending == Ending::kClose || plan_.ending == Ending::kReset) {
            end();
            return;
        }
        if (plan_.ending == Ending::kHalfClose) {
            shutdown(socket_.get(), SHUT_WR);
        }
        interest_ &= ~std::uint32_t{EPOLLOUT};
        load_.loop_.change(socket_.get(), interest_);
    }

    void end() {
        if (plan_.ending == Ending::kReset) {
            const linger at_once{.l_onoff = 1, .l_linger = 0};
            setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        close();
        load_.on_end(number_);
    }

    void close() {
        if (timer_ != 0) {
            load_.loop_.cancel(std::exchange(timer_, 0));
        }
        if (socket_) {
            load_.loop_.forget(socket_.get());
            socket_.reset();
        }
    }

    HostileLoad& load_;
    std::uint64_t number_;
    protocol::Rng rng_;
    Conversation plan_;
    client::FileDescriptor socket_;
    std::size_t sent_ = 0;
    std::uint32_t interest_ = 0;
    Loop::Timer timer_ = 0;
};

HostileLoad::HostileLoad(Loop& loop, Door door, const std::vector<Recording>& recordings, Plan plan)
    : loop_(loop),
      door_(std::move(door)),
      recordings_(recordings),
      plan_(plan),
      next_(plan.first) {}

HostileLoad::~HostileLoad() {
    loop_.cancel(filling_);
    loop_.cancel(burying_);
}

void HostileLoad::start() {
    started_ = Clock::now();
    fill();
}

void HostileLoad::fill() {
    filling_ = 0;
    const std::uint64_t end = plan_.first + plan_.count;
    std::uint64_t may_begin = end;
    if (plan_.rate > 0) {
        const auto elapsed = std::chrono::duration<double>(Clock::now() - started_).count();
        may_begin =
            plan_.first + 1 + static_cast<std::uint64_t>(elapsed * static_cast<double>(plan_.rate));
    }
    while (next_ < std::min(end, may_begin) && attacks_.size() < plan_.parallel) {
        if (!begin(next_)) {
            break;  // the backlog is full
        }
        ++next_;
    }
    if (next_ < end) {
        filling_ = loop_.after(kRefillAfter, [this] { fill(); });
    }
}

bool HostileLoad::begin(std::uint64_t number) {
    auto attack = std::make_unique<Attack>(*this, number);
    if (attack->begin()) {
        ++counts_.of_kind[static_cast<std::size_t>(attack->plan().kind)];
        attacks_.emplace(number, std::move(attack));
        return true;
    }
    if (errno == EAGAIN) {
        return false;
    }
    ++counts_.not_connected;
    return true;
}

void HostileLoad::on_end(std::uint64_t number) {
    ++counts_.held;
    const auto found = attacks_.find(number);
    ended_.push_back(std::move(found->second));  // it is still on the stack
    attacks_.erase(found);
    if (burying_ == 0) {
        burying_ = loop_.after(Clock::duration(0), [this] {
            burying_ = 0;
            ended_.clear();
        });
    }
}

bool HostileLoad::is_done() const {
    return next_ == plan_.first + plan_.count && attacks_.empty();
}

std::vector<std::uint64_t> HostileLoad::open() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, attack] : attacks_) {
        numbers.push_back(number);
    }
    return numbers;
}

}  // namespace spread::stress
