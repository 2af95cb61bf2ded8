#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "config/configuration.hpp"
#include "protocol/result.hpp"
#include "sealing/key_ring.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::daemon {

/// The keys in file `path`; on failure one line that says what to do. The file must be a regular
/// one (symbolic links are followed) of root's, of ours or of `user`, an empty name being nobody,
/// whom nobody but them can write and nobody but them and its group can read.
[[nodiscard]] protocol::Result<sealing::KeyRing, std::string> read_keys(const std::string& path,
                                                                        const std::string& user);

/// The same of RingKeyFile, which is set.
[[nodiscard]] protocol::Result<sealing::KeyRing, std::string> read_keys(
    const config::Configuration& configuration);

/// Puts `keys` into file `path`, where there is one: whole or not at all, on the disk when it
/// returns. The file keeps its owner, group and mode; where this process may not give it its owner,
/// it becomes its own, or, with `keeps_owner`, nothing is done. Empty, or one line that says what
/// went wrong.
[[nodiscard]] std::string save_keys(const std::string& path, const sealing::KeyRing& keys,
                                    bool keeps_owner);
/// The same in a file that must not be there yet.
[[nodiscard]] std::string create_keys(const std::string& path, const sealing::KeyRing& keys);

/// RingSealing.
[[nodiscard]] sealing::Mode sealing_mode_of(const config::Configuration& configuration);
/// As the file says it.
[[nodiscard]] std::string_view word_of(sealing::Mode mode);

/// How RingSeal is set up here. Throws StartupError when the keys cannot be read, or the library
/// that encrypts does not do what it should.
[[nodiscard]] sealing::RingSeal::Setup seal_setup_of(const config::Configuration& configuration,
                                                     std::size_t self);

/// Whether the ring has several daemons, some beyond this host, and no key.
[[nodiscard]] bool is_open_ring(const config::Configuration& configuration);

/// The kernel's generator.
class KernelEntropy final : public sealing::Entropy {
  public:
    void fill(std::span<std::byte> out) override;
};

}  // namespace spread::daemon
