#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/host/unique_fd.hpp"
#include "protocol/byte_writer.hpp"

namespace spread::daemon {

inline constexpr std::uint32_t kEndianBits = 0x80000080;
inline constexpr std::uint32_t kAgreedMess = 0x10;
inline constexpr std::uint32_t kJoinMess = 0x10000;

/// A blocking client on the Unix socket, raw bytes of CP 3 and 4.
class RawClient {
  public:
    explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        const timeval patience{20, 0};  // a test that waits for nothing fails, and does not hang
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void send(const std::string& bytes) {
        std::size_t done = 0;
        while (done < bytes.size()) {
            const ssize_t count =
                ::send(fd_.get(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
            ASSERT_GT(count, 0);
            done += static_cast<std::size_t>(count);
        }
    }
    std::string read(std::size_t size) {
        std::string out(size, '\0');
        std::size_t done = 0;
        while (done < size) {
            const ssize_t count = ::recv(fd_.get(), out.data() + done, size - done, 0);
            if (count <= 0) {
                out.resize(done);
                return out;
            }
            done += static_cast<std::size_t>(count);
        }
        return out;
    }
    void handshake(const std::string& name, bool membership = false) {
        const char flags = membership ? 1 : 0;
        send(std::string{5, 0, 1, flags, static_cast<char>(name.size())} + name);
        const std::string list_length = read(1);
        ASSERT_EQ(list_length.size(), 1U);
        read(static_cast<std::size_t>(list_length[0]));
        std::string choice = "NULL";
        choice.resize(90, '\0');
        send(choice);
        const std::string accepted = read(5);
        ASSERT_EQ(accepted.size(), 5U);
        ASSERT_EQ(accepted[0], 1);
        name_ = read(static_cast<std::size_t>(accepted[4]));
    }
    /// One request to `group` with a body of `size` bytes.
    [[nodiscard]] std::string request(std::uint32_t type, const std::string& group,
                                      std::size_t size) const {
        std::vector<std::byte> bytes(48 + 32 + size);
        protocol::ByteWriter writer(bytes);
        const auto field = [&writer](const std::string& name) {
            writer.write_bytes(std::as_bytes(std::span(name.data(), name.size())));
            writer.write_zeros(32 - name.size());
        };
        writer.write_le(type | kEndianBits);
        field(name_);
        writer.write_le(std::uint32_t{1});
        writer.write_le(kEndianBits);
        writer.write_le(static_cast<std::uint32_t>(size));
        field(group);
        writer.write_zeros(size);
        std::string out(bytes.size(), '\0');
        std::memcpy(out.data(), bytes.data(), bytes.size());
        return out;
    }
    void close() { fd_.reset(); }

  private:
    UniqueFd fd_;
    std::string name_;
};

}  // namespace spread::daemon
