#include "tools/spreadctl/other_daemons.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace spread::spreadctl {

using nlohmann::json;

json parsed(const HttpAnswer& answer) {
    json value = json::parse(answer.body, nullptr, false);
    if (value.is_discarded() || !value.is_object()) {
        throw Unreachable(
            fmt::format("that is no spreadd: HTTP status {}, and no JSON", answer.status));
    }
    if (answer.status != 200) {
        throw Unreachable("spreadd says: " + value.value("text", std::string("no reason")));
    }
    return value;
}

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

bool is_loopback(const std::string& address) {
    return address.starts_with("127.") || address == "::1";
}

std::string host_and_port(const std::string& address, const std::string& port) {
    return address.find(':') == std::string::npos ? address + ":" + port
                                                  : "[" + address + "]:" + port;
}

OtherDaemons::OtherDaemons(HttpClient first)
    : first_(std::move(first)),
      config_(parsed(first_.get("/config.json"))),
      self_(parsed(first_.get("/status.json"))
                .value(json::json_pointer("/daemon/name"), std::string())) {
    for (const json& daemon : config_.value("daemons", json::array())) {
        const std::string name = daemon.value("name", "");
        names_.push_back(name);
        places_[name] = {daemon.value("address", ""), daemon.value("port", 0)};
    }
}

bool OtherDaemons::knows(const std::string& name) const {
    return std::ranges::find(names_, name) != names_.end();
}

HttpClient OtherDaemons::client_of(const std::string& name) {
    if (name == self_) {
        return first_;
    }
    if (const auto found = on_this_host().find(name); found != on_this_host().end()) {
        return first_.at(found->second);
    }
    const std::string address = places_[name].address;
    if (is_loopback(address)) {
        throw Unreachable("no control socket beside that of " + self_ +
                          " answers for it: is it running?");
    }
    const std::string port = admin_port(config_);
    if (port.empty()) {
        throw Unreachable(
            fmt::format("no control socket here answers for it, and {} has no AdminListen, whose "
                        "port would be tried at {}",
                        self_, address));
    }
    const std::string where = host_and_port(address, port);
    HttpClient client = first_.at(where);
    const std::string who =
        parsed(client.get("/status.json")).value(json::json_pointer("/daemon/name"), std::string());
    if (who != name) {
        throw Unreachable(fmt::format("at {} is {}", where, who));
    }
    return client;
}

const std::map<std::string, std::string>& OtherDaemons::on_this_host() {
    if (!on_this_host_) {
        on_this_host_.emplace();
        const std::string own = first_.control_socket();
        for (const std::string& socket :
             own.empty() ? std::vector<std::string>() : sockets_beside(own)) {
            try {
                const json status = parsed(first_.at(socket).get("/status.json"));
                const auto name = status.value(json::json_pointer("/daemon/name"), std::string());
                if (knows(name) &&
                    places_[name].port == status.value(json::json_pointer("/daemon/port"), 0)) {
                    (*on_this_host_)[name] = socket;
                }
            } catch (const Unreachable&) {
                // Of a daemon that has ended, or is none of ours to ask.
            }
        }
    }
    return *on_this_host_;
}

}  // namespace spread::spreadctl
