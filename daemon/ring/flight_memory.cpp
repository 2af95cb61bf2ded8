#include "daemon/ring/flight_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/flight_file.hpp"

namespace spread::daemon {
namespace {

using driver::FlightSlot;
using driver::FlightWords;

[[noreturn]] void fail(const std::string& file, int error) {
    throw StartupError(fmt::format("cannot record the ring in {}: {}",
                                   file.empty() ? "memory" : file, std::strerror(error)));
}

UniqueFd open_file(const std::string& file, std::size_t bytes) {
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        fail(file, errno);
    }
    // A block that is not there when it is written would end the daemon.
    if (const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes)); error != 0) {
        fail(file, error);
    }
    return fd;
}

std::int64_t to_unix_ns() {
    using std::chrono::duration_cast;
    using std::chrono::nanoseconds;
    return duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch() -
                                      std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

FlightMemory::FlightMemory(protocol::DaemonId self, const protocol::Roster& daemons,
                           const std::string& file) {
    const std::size_t events = file.empty() ? kEvents : kEventsInFile;
    bytes_ = kFlightHeaderBytes + events * sizeof(FlightSlot);
    const UniqueFd fd = file.empty() ? UniqueFd() : open_file(file, bytes_);
    void* const mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                                fd ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd.get(), 0);
    if (mapped == MAP_FAILED) {
        fail(file, errno);
    }
    memory_ = static_cast<std::byte*>(mapped);
    FlightHeader header(self, daemons);
    header.to_unix_ns = to_unix_ns();
    std::memcpy(memory_, &header, sizeof header);
    slots_ = std::span(new (memory_ + kFlightHeaderBytes) FlightSlot[events], events);
}

FlightMemory::~FlightMemory() {
    ::munmap(memory_, bytes_);
}

std::string FlightMemory::recording() const {
    std::vector<FlightWords> events;
    for (const FlightSlot& slot : slots_) {
        if (const auto event = driver::words_in(slot)) {
            events.push_back(*event);
        }
    }
    std::sort(events.begin(), events.end(),
              [](const FlightWords& a, const FlightWords& b) { return a[0] < b[0]; });
    const std::size_t kept = std::min(events.size(), kEvents);
    std::string out(kFlightHeaderBytes + kept * sizeof(FlightWords), '\0');
    std::memcpy(out.data(), memory_, kFlightHeaderBytes);
    if (kept > 0) {
        std::memcpy(out.data() + kFlightHeaderBytes, &events[events.size() - kept],
                    kept * sizeof(FlightWords));
    }
    return out;
}

bool FlightMemory::write_to(int fd) const {
    for (std::size_t done = 0; done < bytes_;) {
        const ssize_t count = ::write(fd, memory_ + done, bytes_ - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        done += static_cast<std::size_t>(count);
    }
    return true;
}

}  // namespace spread::daemon
