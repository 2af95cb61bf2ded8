#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "client/socket.hpp"
#include "protocol/rng.hpp"

namespace spread::chaos {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

/// How one directed link treats frames. Chances are per mille.
struct LinkQuality {
    bool cut = false;
    std::uint32_t loss = 0;
    std::uint32_t burst = 1;      ///< frames lost in a row, at most
    std::uint32_t duplicate = 0;  ///< sent twice, the second copy a little later
    std::uint32_t late = 0;       ///< sent again after up to three seconds
    std::uint32_t corrupt = 0;    ///< a bit flipped where only the daemon's own checksum sees it
    microseconds delay{0};
    microseconds jitter{0};     ///< exponential, so that frames overtake each other
    Clock::time_point clogged;  ///< until then frames wait, then they come at once
};

/// The network between the hosts: an Ethernet switch in this program, on the outer ends of their
/// links, with a quality of its own for each pair of hosts and direction. Works alike on every
/// kernel, also on those without netem, and each receiver of a broadcast has its own luck.
///
/// UDP checksums are removed on the way: they would hide damaged packets from the daemons, and
/// virtual links leave them unfinished anyway.
class LinkEmulator {
  public:
    struct Counts {
        std::uint64_t forwarded = 0;
        std::uint64_t cut = 0;
        std::uint64_t lost = 0;
        std::uint64_t duplicated = 0;
        std::uint64_t delayed = 0;
        std::uint64_t corrupted = 0;
        std::uint64_t overflowed = 0;  ///< the emulator could not hold or send them
        std::uint64_t oversized = 0;   ///< longer than a link can carry: hosts must segment
    };

    /// Interfaces of this process's network namespace, one per host.
    LinkEmulator(const std::vector<std::string>& interfaces, std::uint64_t seed);
    ~LinkEmulator();
    LinkEmulator(const LinkEmulator&) = delete;
    LinkEmulator& operator=(const LinkEmulator&) = delete;

    /// The interface of port `port` was made anew.
    void reopen(std::size_t port, const std::string& interface);
    void set(std::size_t from, std::size_t to, const LinkQuality& quality);
    [[nodiscard]] Counts counts() const;
    /// Frames that are late and still to come, also after the faults that held them have ended.
    [[nodiscard]] std::size_t waiting() const { return waiting_count_; }

  private:
    using Frame = std::vector<std::byte>;

    struct Waiting {
        Clock::time_point due;
        std::uint64_t number = 0;
        std::size_t port = 0;
        Frame bytes;

        friend bool operator>(const Waiting& a, const Waiting& b) {
            return a.due != b.due ? a.due > b.due : a.number > b.number;
        }
    };

    struct Link {
        LinkQuality quality;
        std::uint32_t burst_left = 0;
    };

    using Counter = std::atomic<std::uint64_t>;

    void loop(const std::stop_token& stop);
    void open_batches();
    void read_port(std::size_t port);
    void on_frame(std::size_t from, std::span<std::byte> frame);
    void forward(std::size_t from, std::size_t to, std::span<const std::byte> frame);
    [[nodiscard]] bool is_lost(Link& link);
    void send_at(Clock::time_point due, std::size_t port, std::span<const std::byte> frame);
    void send_due();
    /// The bytes must stay where they are until flush().
    void transmit(std::size_t port, std::span<const std::byte> frame);
    void flush();

    [[nodiscard]] Link& link(std::size_t from, std::size_t to) {
        return links_[from * ports_.size() + to];
    }

    std::vector<client::FileDescriptor> ports_;
    std::mutex mutex_;  // of links_
    std::vector<Link> links_;
    std::vector<std::uint64_t> addresses_;  // Ethernet address last seen behind each port
    protocol::Rng rng_;
    std::vector<Waiting> waiting_;  // a heap, the next on top
    std::uint64_t next_number_ = 0;

    // One system call reads or sends many frames.
    std::vector<std::byte> scratch_;  // a slot for each frame of one read
    std::vector<iovec> slots_;
    std::vector<mmsghdr> reads_;
    std::vector<std::vector<iovec>> outgoing_;  // by port, until flush()
    std::vector<Frame> kept_;                   // what outgoing_ refers to and nobody else holds
    std::vector<mmsghdr> sends_;

    Counter forwarded_{0};
    Counter cut_{0};
    Counter lost_{0};
    Counter duplicated_{0};
    Counter delayed_{0};
    Counter corrupted_{0};
    Counter overflowed_{0};
    Counter oversized_{0};
    std::atomic<std::size_t> waiting_count_{0};

    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace spread::chaos
