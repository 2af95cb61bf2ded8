#include "tools/spreadctl/other_daemons.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

using nlohmann::json;

/// Values are as files write them, in quotes.
std::string admin_port(const json& config) {
    for (const json& option :
         config.is_object() ? config.value("options", json::array()) : json::array()) {
        if (option.value("name", "") == "AdminListen" && option.contains("value") &&
            option.at("value").is_string()) {
            std::string value = option.at("value").get<std::string>();
            std::erase(value, '"');
            return value.substr(std::min(value.rfind(':') + 1, value.size()));
        }
    }
    return {};
}

std::string host_and_port(const std::string& address, const std::string& port) {
    return address.find(':') == std::string::npos ? address + ":" + port
                                                  : "[" + address + "]:" + port;
}

std::string server_of(const json& config, const std::string& name) {
    for (const json& daemon :
         config.is_object() ? config.value("daemons", json::array()) : json::array()) {
        if (daemon.value("name", "") != name) {
            continue;
        }
        const std::string port = admin_port(config);
        if (port.empty()) {
            throw Unreachable(name +
                              " cannot be asked from here: AdminListen is not set. On its host: "
                              "spreadctl config show, or compare the files");
        }
        return host_and_port(daemon.value("address", ""), port);
    }
    return {};
}

}  // namespace spread::spreadctl
