#include "tests/chaos/host_harm.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "client/socket.hpp"

namespace spread::chaos {

HostHarmFile::HostHarmFile(const std::filesystem::path& path) {
    const client::FileDescriptor file(
        open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    void* memory = MAP_FAILED;
    if (file.get() >= 0 && ftruncate(file.get(), sizeof(HostHarm)) == 0) {
        memory = mmap(nullptr, sizeof(HostHarm), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    }
    if (memory == MAP_FAILED) {
        throw std::runtime_error("cannot map " + path.string());
    }
    harm_ = static_cast<HostHarm*>(memory);
}

HostHarmFile::~HostHarmFile() {
    munmap(harm_, sizeof(HostHarm));
}

}  // namespace spread::chaos
