#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/checksum.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/fuzz/require.hpp"

// Bytes as a datagram: no decoder may crash, and what one accepts must encode to the same value
// again.

namespace {

using namespace spread::protocol;
using spread::fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> datagram;
    for (std::size_t i = 0; i < size && i < kRingDatagramBytesMax; ++i) {
        datagram.push_back(static_cast<std::byte>(data[i]));
    }
    // Past the magic and the checksum, so that the input reaches the fields behind them.
    if (datagram.size() >= kRingHeaderBytes) {
        datagram[0] = std::byte{'S'};
        datagram[1] = std::byte{'R'};
        // One that we do not speak, then one that we do; the input's own byte says which.
        const unsigned spoken = kRingWireLeast + std::to_integer<unsigned>(datagram[2]) %
                                                     (kRingWireGreatest - kRingWireLeast + 1U);
        for (const unsigned version : {kRingWireGreatest + 1U, spoken}) {
            datagram[2] = static_cast<std::byte>(version);
            const std::span<const std::byte> all(datagram);
            const std::uint32_t sum = crc32c(all.subspan(8), crc32c(all.first(4)));
            for (std::size_t i = 0; i < 4; ++i) {
                datagram[4 + i] = static_cast<std::byte>(sum >> (8 * i));
            }
            require(read_other_version(datagram).has_value() == (version != spoken));
        }
    }
    BufferPool pool(2048, 4);
    const auto header = decode_header(datagram);
    if (!header) {
        return 0;
    }
    if (const auto token = decode_token(datagram)) {
        const Slice again = encode_token(*token, header->config_hash, pool, header->version);
        require(decode_token(again.bytes()) == token);
    }
    if (const auto join = decode_join(datagram)) {
        require(decode_join(encode_join(*join, *header, pool).bytes()) == join);
    }
    if (const auto commit = decode_commit(datagram)) {
        require(decode_commit(encode_commit(*commit, header->config_hash, pool).bytes()) == commit);
    }
    if (const auto probe = decode_probe(datagram)) {
        require(decode_probe(encode_probe(*probe, *header, pool).bytes()) == probe);
    }
    if (const auto text = decode_settings(datagram)) {
        require(decode_settings(encode_settings(*text, *header, pool).bytes()) == text);
    }
    if (const auto parts = decode_data_token(datagram)) {
        require(parts->data.size() + parts->token.size() + kDataTokenBytes == datagram.size());
        const auto again = encode_data_token(parts->data, parts->token, *header, pool);
        require(std::ranges::equal(again.bytes().subspan(8),
                                   std::span<const std::byte>(datagram).subspan(8)));
        static_cast<void>(decode_data(parts->data));
        static_cast<void>(decode_token(parts->token));
    }
    static_cast<void>(decode_hold(datagram));
    static_cast<void>(decode_wake(datagram));
    static_cast<void>(decode_empty(datagram));
    if (const auto packet = decode_data(datagram)) {
        DataEntries entries(datagram);
        std::uint16_t count = 0;
        while (const auto entry = entries.peek()) {
            require(entry->offset + entry->length <= datagram.size());
            entries.skip(*entry);
            ++count;
        }
        require(count == packet->entry_count);
    }
    return 0;
}
