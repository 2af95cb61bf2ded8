#include "daemon/host/read_file.hpp"

#include <unistd.h>

#include <cerrno>

namespace spread::daemon {

std::optional<std::string> read_file(int fd, std::size_t bytes_max) {
    constexpr std::size_t kChunkBytes = 65536;
    std::string text;
    std::size_t used = 0;
    while (used <= bytes_max) {
        text.resize(used + kChunkBytes);
        const ::ssize_t count = ::read(fd, text.data() + used, kChunkBytes);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::nullopt;
        }
        if (count == 0) {
            break;
        }
        used += static_cast<std::size_t>(count);
    }
    text.resize(used);
    return text;
}

}  // namespace spread::daemon
