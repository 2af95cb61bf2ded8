#include "tests/explorer/arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace spread::explorer {
namespace {

constexpr std::size_t kRegionBytes = std::size_t{256} << 20U;
constexpr std::size_t kBlockHeaderBytes = 16;  ///< keeps what follows aligned
constexpr std::size_t kLeastBlockLog = 5;
constexpr std::size_t kBlockKinds = 28;

/// At the start of the region, so that it is saved with what it manages. Blocks are powers of two,
/// and freed ones are linked by size.
struct Region {
    std::size_t used;
    std::array<void*, kBlockKinds> free;
};

bool is_open = false;

[[noreturn]] void give_up(const char* why) {
    std::fprintf(stderr, "arena: %s\n", why);
    std::abort();
}

std::byte* base() {
    static std::byte* const at = [] {
        void* region = mmap(nullptr, kRegionBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (region == MAP_FAILED) {
            give_up("no memory");
        }
        new (region) Region{sizeof(Region), {}};
        return static_cast<std::byte*>(region);
    }();
    return at;
}

Region& region() {
    return *std::launder(reinterpret_cast<Region*>(base()));  // NOLINT(*-reinterpret-cast)
}

bool is_inside(const void* block) {
    const auto* at = static_cast<const std::byte*>(block);
    return at >= base() && at < base() + kRegionBytes;
}

void* allocate(std::size_t bytes) {
    if (!is_open) {
        void* block = std::malloc(bytes == 0 ? 1 : bytes);  // NOLINT(*-malloc)
        return block != nullptr ? block : throw std::bad_alloc();
    }
    const std::size_t log = std::max<std::size_t>(
        kLeastBlockLog, static_cast<std::size_t>(std::bit_width(bytes + kBlockHeaderBytes - 1)));
    const std::size_t kind = log - kLeastBlockLog;
    if (kind >= kBlockKinds) {
        give_up("a block is too large");
    }
    Region& here = region();
    if (void* block = here.free[kind]; block != nullptr) {
        std::memcpy(&here.free[kind], block, sizeof(void*));
        return block;
    }
    const std::size_t size = std::size_t{1} << log;
    here.used = (here.used + 15) / 16 * 16;
    if (here.used + size > kRegionBytes) {
        give_up("the region is full");
    }
    std::byte* block = base() + here.used + kBlockHeaderBytes;
    here.used += size;
    std::memcpy(block - kBlockHeaderBytes, &kind, sizeof kind);
    return block;
}

void release(void* block) {
    if (block == nullptr || !is_inside(block)) {
        std::free(block);  // NOLINT(*-malloc)
        return;
    }
    std::size_t kind = 0;
    std::memcpy(&kind, static_cast<std::byte*>(block) - kBlockHeaderBytes, sizeof kind);
    Region& here = region();
    std::memcpy(block, &here.free[kind], sizeof(void*));
    here.free[kind] = block;
}

}  // namespace

Arena::Scope::Scope() : before_(is_open) {
    is_open = true;
}

Arena::Scope::~Scope() {
    is_open = before_;
}

void Arena::save(Snapshot& into) {
    into.assign(base(), base() + region().used);
}

void Arena::restore(const Snapshot& from) {
    std::memcpy(base(), from.data(), from.size());
}

void Arena::clear() {
    region() = Region{sizeof(Region), {}};
}

std::size_t Arena::bytes_used() {
    return region().used;
}

}  // namespace spread::explorer

void* operator new(std::size_t bytes) {
    return spread::explorer::allocate(bytes);
}

void* operator new[](std::size_t bytes) {
    return spread::explorer::allocate(bytes);
}

void operator delete(void* block) noexcept {
    spread::explorer::release(block);
}

void operator delete[](void* block) noexcept {
    spread::explorer::release(block);
}

void operator delete(void* block, std::size_t) noexcept {
    spread::explorer::release(block);
}

void operator delete[](void* block, std::size_t) noexcept {
    spread::explorer::release(block);
}

// Nothing in a world needs more than the usual alignment; whatever does is not put back, and must
// not be there.
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    if (spread::explorer::is_open) {
        spread::explorer::give_up("a block with an alignment of its own");
    }
    void* block = std::aligned_alloc(static_cast<std::size_t>(alignment),
                                     (bytes + static_cast<std::size_t>(alignment) - 1) /
                                         static_cast<std::size_t>(alignment) *
                                         static_cast<std::size_t>(alignment));
    return block != nullptr ? block : throw std::bad_alloc();
}

void operator delete(void* block, std::align_val_t) noexcept {
    std::free(block);  // NOLINT(*-malloc)
}

void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    std::free(block);  // NOLINT(*-malloc)
}
