#include "daemon/ring/ring_keys.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/secret_file.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/assert.hpp"
#include "sealing/key_file.hpp"

namespace spread::daemon {
namespace {

constexpr SecretFile kKeyFile = {
    .what = "the ring's key",
    .when_missing = "`spreadctl key new` makes one, the same for all daemons of the ring",
    .when_strange = "RingKeyFile names a file that `spreadctl key new` has written",
    .bytes_max = sealing::kKeyFileBytesMax,
    .too_large = "key file"};

}  // namespace

protocol::Result<sealing::KeyRing, std::string> read_keys(const std::string& path,
                                                          const std::string& user) {
    auto text = read_secret(path, user, kKeyFile);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto keys = sealing::parse_keys(*text);
    sealing::wipe(std::as_writable_bytes(std::span(*text)));
    if (!keys) {
        return tl::unexpected(fmt::format("{}:{}:{}: {}", path, keys.error().line,
                                          keys.error().column, keys.error().message));
    }
    return std::move(*keys);
}

protocol::Result<sealing::KeyRing, std::string> read_keys(
    const config::Configuration& configuration) {
    return read_keys(*configuration.ring_key_file, configuration.daemon_user.value_or(""));
}

sealing::Mode sealing_mode_of(const config::Configuration& configuration) {
    const std::string mode = configuration.ring_sealing.value_or("require");
    return mode == "accept" ? sealing::Mode::kAccept
           : mode == "send" ? sealing::Mode::kSend
                            : sealing::Mode::kRequire;
}

std::string_view word_of(sealing::Mode mode) {
    switch (mode) {
        case sealing::Mode::kAccept: return "accept";
        case sealing::Mode::kSend: return "send";
        case sealing::Mode::kRequire: break;
    }
    return "require";
}

sealing::RingSeal::Setup seal_setup_of(const config::Configuration& configuration,
                                       std::size_t self) {
    auto keys = read_keys(configuration);
    if (!keys) {
        throw StartupError(keys.error());
    }
    sealing::RingSeal::Setup setup;
    for (const config::Daemon& daemon : configuration.daemons) {
        setup.daemons.push_back(protocol::DaemonId{daemon.id});
    }
    setup.self = setup.daemons[self];
    setup.keys = std::move(*keys);
    setup.mode = sealing_mode_of(configuration);
    setup.suite = sealing::best_suite();
    setup.backend = sealing::best_backend();
    if (!sealing::self_test(setup.backend)) {
        throw StartupError(
            fmt::format("the encryption of {} does not do what its standards say on this host; "
                        "install its package again",
                        sealing::to_string(setup.backend)));
    }
    return setup;
}

bool is_open_ring(const config::Configuration& configuration) {
    return !configuration.ring_key_file && configuration.daemons.size() > 1 &&
           std::any_of(configuration.daemons.begin(), configuration.daemons.end(),
                       [](const config::Daemon& daemon) { return !daemon.address.is_loopback(); });
}

void KernelEntropy::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        SPREAD_ASSERT(got > 0 || errno == EINTR);
        out = out.subspan(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
}

}  // namespace spread::daemon
