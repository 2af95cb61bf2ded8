#include "tests/chaos/flight_reader.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bit>
#include <utility>

#include "daemon/host/unique_fd.hpp"

namespace spread::chaos {

using driver::FlightSlot;

std::optional<FlightReader> FlightReader::open(const std::filesystem::path& file) {
    const daemon::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return std::nullopt;
    }
    const auto bytes = static_cast<std::size_t>(info.st_size);
    if (bytes <= daemon::kFlightHeaderBytes ||
        !std::has_single_bit((bytes - daemon::kFlightHeaderBytes) / sizeof(FlightSlot))) {
        return std::nullopt;
    }
    void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) {
        return std::nullopt;
    }
    const std::span mapped(static_cast<const std::byte*>(memory), bytes);
    auto head = daemon::decode_flight(mapped.first(daemon::kFlightHeaderBytes));
    if (!head) {
        ::munmap(memory, bytes);
        return std::nullopt;
    }
    return FlightReader(mapped, *std::move(head));
}

FlightReader::FlightReader(std::span<const std::byte> mapped, daemon::FlightLog head)
    : mapped_(mapped),
      slots_(reinterpret_cast<const FlightSlot*>(  // NOLINT(*-reinterpret-cast): shared memory
                 mapped.data() + daemon::kFlightHeaderBytes),
             (mapped.size() - daemon::kFlightHeaderBytes) / sizeof(FlightSlot)),
      head_(std::move(head)) {}

FlightReader::FlightReader(FlightReader&& other) noexcept
    : mapped_(std::exchange(other.mapped_, {})),
      slots_(std::exchange(other.slots_, {})),
      head_(std::move(other.head_)),
      last_(other.last_),
      is_overtaken_(other.is_overtaken_) {}

FlightReader::~FlightReader() {
    if (!mapped_.empty()) {
        ::munmap(const_cast<std::byte*>(mapped_.data()),  // NOLINT(*-const-cast): as mmap gave it
                 mapped_.size());
    }
}

std::optional<driver::FlightEvent> FlightReader::next() {
    const auto event = driver::event_in(slots_[last_ & (slots_.size() - 1)]);
    if (!event || event->number <= last_) {
        return std::nullopt;
    }
    is_overtaken_ = is_overtaken_ || event->number != last_ + 1;
    last_ = event->number;
    return event;
}

}  // namespace spread::chaos
