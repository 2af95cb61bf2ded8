#include "daemon/ring/crash_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace spread::daemon {
namespace {

constexpr const char* kDirectory = "/dev/shm";
constexpr std::uint64_t kMagic = 0x3164646165727073;  // "spreadd1"

}  // namespace

CrashMemory::CrashMemory(const std::string& name) : name_("spreadd-" + name) {
    if (name.empty()) {
        return;
    }
    directory_ = UniqueFd(::open(kDirectory, O_PATH | O_DIRECTORY | O_CLOEXEC));
    const UniqueFd fd(directory_ ? ::openat(directory_.get(), name_.c_str(),
                                            O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
                                 : -1);
    struct stat info {};
    // Everybody may write to the directory: a file of somebody else says nothing.
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_uid != ::geteuid() || ::posix_fallocate(fd.get(), 0, sizeof(Page)) != 0) {
        return;
    }
    void* mapped = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapped != MAP_FAILED) {
        page_ = static_cast<Page*>(mapped);
    }
}

CrashMemory::~CrashMemory() {
    if (page_ != nullptr) {
        ::munmap(page_, sizeof(Page));
    }
}

std::optional<DaemonState> CrashMemory::load() const {
    if (page_ == nullptr || page_->magic.load() != kMagic) {
        return std::nullopt;
    }
    return DaemonState{page_->incarnation.load(), page_->ring_counter.load()};
}

void CrashMemory::store(const DaemonState& state) {
    if (page_ == nullptr) {
        return;
    }
    page_->incarnation.store(state.incarnation);
    page_->ring_counter.store(state.ring_counter);
    page_->magic.store(kMagic);
}

void CrashMemory::forget() {
    if (page_ != nullptr) {
        ::unlinkat(directory_.get(), name_.c_str(), 0);
    }
}

}  // namespace spread::daemon
