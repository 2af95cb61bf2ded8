#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace spread::spreadctl {

/// The TCP port of AdminListen in a config.json; empty: there is none.
[[nodiscard]] std::string admin_port(const nlohmann::json& config);

/// As for spreadctl -s: ADDRESS:PORT, the address in brackets where it needs them.
[[nodiscard]] std::string host_and_port(const std::string& address, const std::string& port);

/// Where the daemon called `name` in a config.json may be asked: at its address there, and the port
/// of that file's AdminListen. Empty when no daemon is called so. Throws Unreachable when there is
/// no AdminListen.
[[nodiscard]] std::string server_of(const nlohmann::json& config, const std::string& name);

}  // namespace spread::spreadctl
