#include "daemon/admin/key_commands.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/ring/ring_keys.hpp"
#include "protocol/names.hpp"
#include "sealing/key_file.hpp"

namespace spread::admin {
namespace {

using json = nlohmann::ordered_json;
using protocol::DaemonId;
using sealing::KeyAgreement;
using sealing::KeyId;

constexpr std::size_t kIdDigits = 8;

protocol::Result<KeyId, std::string> key_of(const std::string& text) {
    KeyId id;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, id.value, 16);
    if (text.size() != kIdDigits || read.ec != std::errc() || read.ptr != end) {
        return tl::unexpected(
            std::string("a ring key is named by eight digits, such as 5f3a91c2; "
                        "spreadctl key list shows them"));
    }
    return id;
}

protocol::Result<protocol::MemberList, std::string> daemons_of(std::string_view names,
                                                               const protocol::Roster& roster) {
    protocol::MemberList found;
    while (!names.empty()) {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(name.size() + 1, names.size()));
        const std::size_t before = found.size();
        for (const protocol::RosterEntry& daemon : roster.daemons()) {
            if (daemon.name == name) {
                found.push_back(daemon.id);
            }
        }
        if (found.size() == before) {
            return tl::unexpected("no daemon " + protocol::escaped(name) + " is configured");
        }
    }
    return found;
}

KeyCommand rotate() {
    sealing::Secret key;
    daemon::KernelEntropy().fill(key.bytes());
    const std::string id = to_string(sealing::key_id(key));
    return {"rotation to ring key " + id, [key](KeyAgreement& keys) { return keys.rotate(key); },
            "rotating to ring key " + id};
}

protocol::Result<KeyCommand, std::string> install(std::string text) {
    auto read = sealing::parse_keys(text);
    sealing::wipe(std::as_writable_bytes(std::span(text)));
    if (!read) {
        return tl::unexpected(fmt::format("line {}, column {}: {}", read.error().line,
                                          read.error().column, read.error().message));
    }
    std::string ids;
    for (const sealing::RingKey& key : read->keys()) {
        ids += " " + to_string(key.id);
    }
    return KeyCommand{"installation of ring keys" + ids,
                      [wanted = *read](KeyAgreement& keys) {
                          std::string refusal = "all keys of the file are here already";
                          for (const sealing::RingKey& key : wanted.keys()) {
                              if (keys.keys().find(key.id) == nullptr) {
                                  refusal = keys.install(key.secret);
                              }
                          }
                          return refusal;
                      },
                      "all members are given what they do not have of" + ids};
}

}  // namespace

protocol::Result<KeyCommand, std::string> read_key_command(const KeyRequest& request,
                                                           const protocol::Roster& roster) {
    if (request.what == "rotate") {
        return rotate();
    }
    if (request.what == "install") {
        return install(request.file);
    }
    if (request.what != "use" && request.what != "remove") {
        return tl::unexpected(std::string("keys are rotated, installed, used or removed"));
    }
    const auto key = key_of(request.key);
    if (!key) {
        return tl::unexpected(key.error());
    }
    if (request.what == "use") {
        return KeyCommand{"use of ring key " + request.key,
                          [id = *key](KeyAgreement& keys) { return keys.use(id); },
                          "all members are told to use ring key " + request.key};
    }
    const auto dropped = daemons_of(request.drop, roster);
    if (!dropped) {
        return tl::unexpected(dropped.error());
    }
    return KeyCommand{
        "removal of ring key " + request.key +
            (request.drop.empty() ? "" : " without " + protocol::escaped(request.drop)),
        [id = *key, dropped = *dropped](KeyAgreement& keys) { return keys.remove(id, dropped); },
        "all members are told to remove ring key " + request.key};
}

std::string keys_json(const sealing::KeyTable& table, const protocol::Roster& roster) {
    json daemons = json::array();
    for (const protocol::RosterEntry& daemon : roster.daemons()) {
        const bool is_member =
            std::find(table.members.begin(), table.members.end(), daemon.id) != table.members.end();
        const auto report = table.reports.find(daemon.id);
        json keys = json::array();
        if (report != table.reports.end()) {
            for (const sealing::KeyReport::Key& key : report->second.keys) {
                keys.push_back({{"key", to_string(key.id)}, {"role", to_string(key.role)}});
            }
        }
        const bool has_said = report != table.reports.end();
        daemons.push_back({{"daemon", protocol::escaped(daemon.name)},
                           {"is_member", is_member},
                           {"has_reported", has_said},
                           {"is_saved", has_said ? json(report->second.is_saved) : json()},
                           {"problem", has_said ? report->second.problem : std::string()},
                           {"keys", std::move(keys)}});
    }
    const bool rotates = table.rotation != sealing::KeyTable::Rotation::kNone;
    return json{{"schema", 1},
                {"daemons", std::move(daemons)},
                {"rotation",
                 {{"state", to_string(table.rotation)},
                  {"key", rotates ? json(to_string(table.rotates_to)) : json()},
                  {"text", table.waits_for}}},
                {"refusals", table.refusals},
                {"refusal", table.refusal}}
               .dump(2) +
           "\n";
}

}  // namespace spread::admin
