#include "tools/spreadctl/key_commands.hpp"

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/ring/ring_keys.hpp"
#include "sealing/key_file.hpp"
#include "sealing/secret.hpp"
#include "tools/spreadctl/commands.hpp"

namespace spread::spreadctl {
namespace {

using nlohmann::json;

constexpr int kNotYet = 4;
constexpr auto kKeysPause = std::chrono::milliseconds(100);

int complain(int status, const std::string& text) {
    std::fprintf(stderr, "spreadctl: %s\n", text.c_str());
    return status;
}

json keys_of_answer(const HttpAnswer& answer) {
    json value = json::parse(answer.body, nullptr, false);
    if (answer.status == 404 || value.is_discarded() || !value.is_object()) {
        throw Unreachable("the ring has no key (RingKeyFile), or that is no spreadd of this time");
    }
    return value;
}

std::string word_at(const json& from, const char* name) {
    const auto found = from.is_object() ? from.find(name) : from.end();
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json part_of(const json& from, const char* name) {
    return from.is_object() && from.contains(name) ? from.at(name) : json();
}

bool says_yes(const json& from, const char* name) {
    return part_of(from, name) == json(true);
}

/// What `daemon` has the key for; empty: it does not have it.
std::string role_of(const json& daemon, const std::string& key) {
    for (const json& each : part_of(daemon, "keys")) {
        if (word_at(each, "key") == key) {
            return word_at(each, "role");
        }
    }
    return {};
}

std::string line_about(const json& daemon) {
    std::string line = fmt::format("{:<12}", word_at(daemon, "daemon"));
    if (!says_yes(daemon, "is_member")) {
        return line + "away";
    }
    if (!says_yes(daemon, "has_reported")) {
        return line + "says nothing of keys: it has no RingKeyFile, or an older release";
    }
    for (const json& key : part_of(daemon, "keys")) {
        line += fmt::format("{:<6}{}  ", word_at(key, "role"), word_at(key, "key"));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (!says_yes(daemon, "is_saved")) {
        line += "  NOT IN ITS FILE";
    }
    const std::string problem = word_at(daemon, "problem");
    return problem.empty() ? line : line + "\n            " + problem;
}

/// Of the members, what a key still lacks; empty: nothing.
using Lack = std::function<std::string(const json& daemon)>;

/// Asks, and then looks until no member lacks anything.
int ask_and_wait(const HttpClient& client, const std::string& target, std::string body,
                 std::chrono::milliseconds patience, const Lack& lack) {
    const json before = keys_of_answer(client.get("/keys.json"));
    const json answer = keys_of_answer(client.post(target, std::move(body)));
    if (!says_yes(answer, "ok")) {
        return complain(kBad, word_at(answer, "text"));
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const json table = keys_of_answer(client.get("/keys.json"));
        if (part_of(table, "refusals") != part_of(before, "refusals")) {
            return complain(kBad, word_at(table, "refusal"));
        }
        std::string missing;
        for (const json& daemon : part_of(table, "daemons")) {
            if (missing.empty() && says_yes(daemon, "is_member")) {
                missing = says_yes(daemon, "has_reported")
                              ? lack(daemon)
                              : word_at(daemon, "daemon") + " has not said what it has";
                const std::string problem = word_at(daemon, "problem");
                missing += missing.empty() || problem.empty() ? "" : ": " + problem;
            }
        }
        if (missing.empty()) {
            std::printf("%s: done\n", word_at(answer, "text").c_str());
            return kGood;
        }
        if (std::chrono::steady_clock::now() >= until) {
            return complain(kNotYet, word_at(answer, "text") + ", but " + missing);
        }
        std::this_thread::sleep_for(kKeysPause);
    }
}

}  // namespace

int KeyCommands::list() const {
    const HttpAnswer answer = client_.get("/keys.json");
    const json table = keys_of_answer(answer);
    if (json_) {
        std::fputs(answer.body.c_str(), stdout);
        return kGood;
    }
    for (const json& daemon : part_of(table, "daemons")) {
        std::printf("%s\n", line_about(daemon).c_str());
    }
    const json rotation = part_of(table, "rotation");
    const std::string state = word_at(rotation, "state");
    if (state != "none") {
        const std::string text = word_at(rotation, "text");
        std::printf("rotation to %s: %s%s%s\n", word_at(rotation, "key").c_str(), state.c_str(),
                    text.empty() ? "" : ", ", text.c_str());
    }
    return kGood;
}

int KeyCommands::rotate() const {
    const json answer = keys_of_answer(client_.post("/key/rotate"));
    if (!says_yes(answer, "ok")) {
        return complain(kBad, word_at(answer, "text"));
    }
    const auto until = std::chrono::steady_clock::now() + patience_;
    for (;;) {
        const json rotation = part_of(keys_of_answer(client_.get("/keys.json")), "rotation");
        const std::string state = word_at(rotation, "state");
        if (state == "done") {
            std::printf("%s: done\n", word_at(answer, "text").c_str());
            return kGood;
        }
        if (state == "failed" || state == "none") {
            return complain(kBad,
                            word_at(answer, "text") + " has failed; " + word_at(rotation, "text"));
        }
        if (std::chrono::steady_clock::now() >= until) {
            return complain(
                kNotYet, word_at(answer, "text") +
                             (state == "removing" ? ": the new key is in use, the old ones stay; "
                                                  : " goes on; ") +
                             word_at(rotation, "text"));
        }
        std::this_thread::sleep_for(kKeysPause);
    }
}

int KeyCommands::install(const std::string& file) const {
    const auto keys = daemon::read_keys(file, "");
    if (!keys) {
        return complain(kBad, keys.error());
    }
    return ask_and_wait(
        client_, "/key/install", sealing::format_keys(*keys), patience_, [&](const json& daemon) {
            for (const sealing::RingKey& key : keys->keys()) {
                if (role_of(daemon, to_string(key.id)).empty()) {
                    return word_at(daemon, "daemon") + " does not have " + to_string(key.id);
                }
            }
            return std::string();
        });
}

int KeyCommands::use(const std::string& key) const {
    return ask_and_wait(
        client_, "/key/use?key=" + encoded(key), {}, patience_, [&](const json& daemon) {
            return role_of(daemon, key) == "use" ? std::string()
                                                 : word_at(daemon, "daemon") + " does not use it";
        });
}

int KeyCommands::remove(const std::string& key, const std::string& drop) const {
    return ask_and_wait(client_, "/key/remove?key=" + encoded(key) + "&drop=" + encoded(drop), {},
                        patience_, [&](const json& daemon) {
                            return role_of(daemon, key).empty()
                                       ? std::string()
                                       : word_at(daemon, "daemon") + " still has it";
                        });
}

}  // namespace spread::spreadctl
