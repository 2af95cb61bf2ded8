#include "tools/spreadctl/ring_key.hpp"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "daemon/host/host_facts.hpp"
#include "daemon/ring/ring_keys.hpp"
#include "sealing/key_file.hpp"

namespace spread::spreadctl {
namespace {

constexpr std::size_t kPassphraseBytesMin = 20;
/// So that every host can make the same key of the same words; N = 2^17 of scrypt.
constexpr std::string_view kPassphraseSalt = "spreadd ring passphrase 1";
constexpr std::uint64_t kPassphraseCost = 1U << 17U;

int fail(const std::string& problem) {
    std::fprintf(stderr, "spreadctl: %s\n", problem.c_str());
    return 1;
}

std::optional<sealing::Secret> key_of_passphrase() {
    std::string words;
    std::getline(std::cin, words);
    if (words.size() < kPassphraseBytesMin) {
        return std::nullopt;
    }
    std::optional<sealing::Secret> key(std::in_place);
    const bool done = sealing::stretch(words, std::as_bytes(std::span(kPassphraseSalt)),
                                       kPassphraseCost, key->bytes());
    sealing::wipe(std::as_writable_bytes(std::span(words)));
    return done ? key : std::nullopt;
}

sealing::Secret random_key() {
    sealing::Secret key;
    daemon::KernelEntropy().fill(key.bytes());
    return key;
}

}  // namespace

int key_new(const KeyNewSettings& settings) {
    std::vector<sealing::RingKey> keys;
    if (settings.add) {
        auto old = daemon::read_keys(settings.file, "");
        if (!old) {
            return fail(old.error());
        }
        keys = old->keys();
        if (keys.size() == sealing::KeyRing::kKeysMax) {
            return fail(
                fmt::format("{} has {} keys, and more are not allowed; remove those that "
                            "nobody uses any more",
                            settings.file, keys.size()));
        }
    }
    const auto secret = settings.passphrase ? key_of_passphrase() : random_key();
    if (!secret) {
        return fail(fmt::format("a passphrase has {} characters at least", kPassphraseBytesMin));
    }
    const auto role = settings.add ? sealing::KeyRole::kKeep : sealing::KeyRole::kUse;
    const std::string note =
        fmt::format("{:%Y-%m-%d} {}", fmt::gmtime(std::time(nullptr)), daemon::host_name());
    const sealing::RingKey key = sealing::RingKey::of(*secret, role, note);
    for (const sealing::RingKey& other : keys) {
        if (other.id == key.id) {
            return fail(fmt::format("{} has key {} already", settings.file, to_string(key.id)));
        }
    }
    keys.push_back(key);
    const sealing::KeyRing made(std::move(keys));
    const std::string problem = settings.add ? daemon::save_keys(settings.file, made, true)
                                             : daemon::create_keys(settings.file, made);
    if (!problem.empty()) {
        return fail(problem);
    }
    std::printf("%s  %s\n", to_string(key.id).c_str(), std::string(to_string(key.role)).c_str());
    return 0;
}

int key_list(const std::string& file) {
    const auto keys = daemon::read_keys(file, "");
    if (!keys) {
        return fail(keys.error());
    }
    for (const sealing::RingKey& key : keys->keys()) {
        std::printf("%s  %-5s  %s\n", to_string(key.id).c_str(),
                    std::string(to_string(key.role)).c_str(), key.note.c_str());
    }
    return 0;
}

}  // namespace spread::spreadctl
