#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "sealing/crypto.hpp"

// What the implementations of the interface in crypto.hpp have among themselves.

namespace spread::sealing {

[[nodiscard]] std::unique_ptr<Aead> make_openssl_aead(Suite suite, Use use);

/// Whether intel-ipsec-mb was found when this was built, and runs on this processor.
[[nodiscard]] bool has_ipsec_mb();
/// AES-256-GCM; only where has_ipsec_mb().
[[nodiscard]] std::unique_ptr<Aead> make_ipsec_mb_aead();

/// In a time that does not depend on the bytes.
[[nodiscard]] bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace spread::sealing
