#include "protocol/checksum.hpp"

#include <array>
#include <cstring>

namespace spread::protocol {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78U;  // Castagnoli, reflected

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Table make_table() {
    Table table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
        }
        table[0][i] = crc;
    }
    for (std::uint32_t i = 0; i < 256; ++i) {
        for (std::size_t k = 1; k < 8; ++k) {
            table[k][i] = (table[k - 1][i] >> 8U) ^ table[0][table[k - 1][i] & 0xffU];
        }
    }
    return table;
}

constexpr Table kTable = make_table();

#if defined(__x86_64__)
/// The instruction takes one word per cycle, but its result three cycles: three chains side by side
/// fill the gaps. Each covers so many bytes; two rounds make nearly all of a full data packet.
constexpr std::size_t kChainBytes = 240;

using Shift = std::array<std::array<std::uint32_t, 256>, 4>;

/// What kChainBytes of zeros do to a checksum's register. The effect is linear, hence the exclusive
/// or of those of its four bytes.
constexpr Shift make_shift() {
    std::array<std::uint32_t, 32> of_bit{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
        std::uint32_t state = std::uint32_t{1} << bit;
        for (std::size_t i = 0; i < kChainBytes; ++i) {
            state = (state >> 8U) ^ kTable[0][state & 0xffU];
        }
        of_bit[bit] = state;
    }
    Shift shift{};
    for (std::size_t byte = 0; byte < 4; ++byte) {
        for (std::size_t value = 0; value < 256; ++value) {
            for (std::size_t bit = 0; bit < 8; ++bit) {
                shift[byte][value] ^= (value >> bit & 1U) != 0 ? of_bit[8 * byte + bit] : 0;
            }
        }
    }
    return shift;
}

constexpr Shift kShift = make_shift();

std::uint64_t shifted(std::uint64_t state) {
    return kShift[0][state & 0xffU] ^ kShift[1][(state >> 8U) & 0xffU] ^
           kShift[2][(state >> 16U) & 0xffU] ^ kShift[3][(state >> 24U) & 0xffU];
}

__attribute__((target("sse4.2"))) std::uint64_t add_word(std::uint64_t state, const std::byte* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return __builtin_ia32_crc32di(state, word);
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::span<const std::byte> bytes,
                                                             std::uint32_t crc) {
    std::uint64_t state = ~crc;
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 3 * kChainBytes; left -= 3 * kChainBytes, at += 3 * kChainBytes) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (std::size_t i = 0; i < kChainBytes; i += 8) {
            state = add_word(state, at + i);
            second = add_word(second, at + kChainBytes + i);
            third = add_word(third, at + 2 * kChainBytes + i);
        }
        state = shifted(shifted(state) ^ second) ^ third;
    }
    for (; left >= 8; left -= 8, at += 8) {
        state = add_word(state, at);
    }
    auto tail = static_cast<std::uint32_t>(state);
    for (; left > 0; --left, ++at) {
        tail = __builtin_ia32_crc32qi(tail, std::to_integer<std::uint8_t>(*at));
    }
    return ~tail;
}
#endif

using Implementation = std::uint32_t (*)(std::span<const std::byte>, std::uint32_t);

Implementation pick_implementation() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2") != 0) {
        return crc32c_sse42;
    }
#endif
    return crc32c_portable;
}

}  // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc) {
    std::uint32_t state = ~crc;
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        std::array<std::uint32_t, 8> b{};
        for (std::size_t k = 0; k < 8; ++k) {
            b[k] = std::to_integer<std::uint32_t>(bytes[i + k]);
        }
        const std::uint32_t low = state ^ (b[0] | (b[1] << 8U) | (b[2] << 16U) | (b[3] << 24U));
        state = kTable[7][low & 0xffU] ^ kTable[6][(low >> 8U) & 0xffU] ^
                kTable[5][(low >> 16U) & 0xffU] ^ kTable[4][low >> 24U] ^ kTable[3][b[4]] ^
                kTable[2][b[5]] ^ kTable[1][b[6]] ^ kTable[0][b[7]];
    }
    for (; i < bytes.size(); ++i) {
        state =
            (state >> 8U) ^ kTable[0][(state ^ std::to_integer<std::uint32_t>(bytes[i])) & 0xffU];
    }
    return ~state;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc) {
    static const Implementation kImplementation = pick_implementation();
    return kImplementation(bytes, crc);
}

}  // namespace spread::protocol
