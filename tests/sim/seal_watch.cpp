#include "tests/sim/seal_watch.hpp"

#include <algorithm>

#include "tests/sim/luck.hpp"
#include "tests/sim/simulator.hpp"

namespace spread::sim {

sealing::Mode mode_of(std::uint32_t sealed, std::size_t index) {
    switch (static_cast<Sealed>(sealed)) {
        case Sealed::kAccept: return sealing::Mode::kAccept;
        case Sealed::kSend: return sealing::Mode::kSend;
        case Sealed::kAcceptAndSend:
            return index % 2 == 0 ? sealing::Mode::kAccept : sealing::Mode::kSend;
        case Sealed::kSendAndRequire:
            return index % 2 == 0 ? sealing::Mode::kSend : sealing::Mode::kRequire;
        case Sealed::kPlain:
        case Sealed::kRequire: break;
    }
    return sealing::Mode::kRequire;
}

sealing::KeyRing simulated_keys() {
    sealing::Secret key;
    std::fill(key.bytes().begin(), key.bytes().end(), std::byte{0x53});
    return sealing::KeyRing({sealing::RingKey::of(key, sealing::KeyRole::kUse)});
}

protocol::Slice copy_of_datagram(const protocol::Slice& datagram) {
    protocol::Slice copy{protocol::BufferRef::allocate(std::max<std::size_t>(datagram.length, 1)),
                         0, datagram.length};
    const auto bytes = datagram.bytes();
    std::copy(bytes.begin(), bytes.end(), copy.buffer->data());
    return copy;
}

std::uint64_t SealWatch::digest_of(std::span<const std::byte> bytes) {
    std::uint64_t state = bytes.size();
    for (const std::byte byte : bytes) {
        state = (state ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3ULL;
        state ^= state >> 31U;
    }
    return state;
}

void SealWatch::on_sent(const protocol::Slice& datagram, bool is_required) {
    const auto envelope = sealing::read_envelope(datagram.bytes());
    if (!envelope) {
        if (is_required) {
            simulator_.fail({"S5", "a plain datagram goes out where sealing is required", {}});
        }
        return;
    }
    last_use_[envelope->stream.value] = simulator_.now();
    const std::uint64_t digest = digest_of(datagram.bytes());
    const auto [at, is_new] = nonces_.emplace(
        std::tuple(envelope->key.value, envelope->stream.value, envelope->number, envelope->hedge),
        digest);
    if (!is_new && at->second != digest) {
        simulator_.fail({"S4", "a nonce seals two texts", {}});
    }
}

protocol::Slice SealWatch::plain_of(const protocol::Slice& datagram) {
    const auto envelope = sealing::read_envelope(datagram.bytes());
    const auto key = envelope ? keys_.find(envelope->key.value) : keys_.end();
    if (key == keys_.end()) {
        return datagram;
    }
    sealing::Contexts& contexts =
        contexts_.try_emplace(envelope->stream.value, sealing::best_backend(), sealing::Use::kOpen)
            .first->second;
    const auto name = sealing::Contexts::Name::of(*envelope);
    sealing::Aead* aead = contexts.find(name);
    if (aead == nullptr) {
        aead = &contexts.add(name,
                             sealing::datagram_key(key->second, envelope->suite, envelope->sender,
                                                   envelope->stream, envelope->epoch()));
    }
    protocol::Slice copy = copy_of_datagram(datagram);
    const std::span<std::byte> bytes(copy.buffer->data(), copy.length);
    const auto head = bytes.first<sealing::kEnvelopeBytes>();
    const auto text =
        bytes.subspan(sealing::kEnvelopeBytes, bytes.size() - sealing::kSealRoomBytes);
    if (!aead->open(sealing::nonce_of(head), head, text, text.data(),
                    bytes.last<sealing::kTagBytes>())) {
        return datagram;
    }
    copy.offset = static_cast<std::uint32_t>(sealing::kEnvelopeBytes);
    copy.length = static_cast<std::uint32_t>(text.size());
    return copy;
}

void SealWatch::on_opened(Taken& taken, const sealing::OpenedDatagram& opened) {
    if (said_.count(digest_of(opened.text.bytes())) == 0) {
        simulator_.fail({"S1", "an engine gets what nobody has said", {}});
    }
    if (!taken.numbers.emplace(opened.stream.value, opened.number).second) {
        simulator_.fail({"S2", "an engine gets a datagram twice", {}});
    }
    if (last_use_[opened.stream.value] < taken.born) {
        simulator_.fail({"S3", "an engine gets a datagram of a stream that had ended before", {}});
    }
}

}  // namespace spread::sim
