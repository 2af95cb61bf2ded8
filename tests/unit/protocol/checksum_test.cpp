#include "protocol/checksum.hpp"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char c : text) {
        bytes.push_back(static_cast<std::byte>(c));
    }
    return bytes;
}

TEST(Crc32c, MatchesPublishedVectors) {
    // RFC 3720, B.4
    EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283U);
    EXPECT_EQ(crc32c(std::vector<std::byte>(32)), 0x8a9136aaU);
    EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xff})), 0x62a8ab43U);
}

TEST(Crc32c, PortableAndFastAgreeOnEveryLengthAndSplit) {
    std::vector<std::byte> data;
    for (std::size_t i = 0; i < 200; ++i) {
        data.push_back(static_cast<std::byte>(i * 37 + i / 7));
        const std::span<const std::byte> all(data);
        EXPECT_EQ(crc32c(all), crc32c_portable(all)) << i;
        const std::size_t cut = i / 3;
        EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << i;
    }
}

/// From 720 bytes on the fast one works on three parts at a time.
TEST(Crc32c, PortableAndFastAgreeOnLongInput) {
    std::vector<std::byte> data;
    for (std::size_t i = 0; i < 9000; ++i) {
        data.push_back(static_cast<std::byte>(i * 37 + i / 7));
    }
    const std::span<const std::byte> all(data);
    for (std::size_t length = 700; length < all.size(); length += length < 1500 ? 1 : 97) {
        const auto bytes = all.subspan(length % 8, length - length % 8);
        ASSERT_EQ(crc32c(bytes, 7), crc32c_portable(bytes, 7)) << length;
    }
}

}  // namespace
}  // namespace spread::protocol
