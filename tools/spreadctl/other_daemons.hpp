#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

/// The daemon's answer as JSON; what is none, or says that something is wrong, is Unreachable.
[[nodiscard]] nlohmann::json parsed(const HttpAnswer& answer);

/// The TCP port of AdminListen in a config.json, where values are as files write them, in quotes;
/// empty: there is none.
[[nodiscard]] std::string admin_port(const nlohmann::json& config);

/// As for -s.
[[nodiscard]] std::string host_and_port(const std::string& address, const std::string& port);

/// The daemons of one's configuration, and where each of them can be asked: at a control socket
/// beside that one's, or at its address and the port of that one's AdminListen.
class OtherDaemons {
  public:
    /// Throws Unreachable.
    explicit OtherDaemons(HttpClient first);

    [[nodiscard]] const std::string& self() const { return self_; }
    /// Of the daemon that is asked first.
    [[nodiscard]] const nlohmann::json& config() const { return config_; }
    /// In the order of the file.
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
    [[nodiscard]] bool knows(const std::string& name) const;
    /// Throws Unreachable, which says how else to ask.
    [[nodiscard]] HttpClient client_of(const std::string& name);

  private:
    /// By name; those whose control sockets are beside that of the first. Daemons of another ring
    /// may have the same names, but not the same ports too.
    [[nodiscard]] const std::map<std::string, std::string>& on_this_host();

    HttpClient first_;
    nlohmann::json config_;
    std::string self_;
    std::vector<std::string> names_;
    struct Place {
        std::string address;
        int port = 0;
    };
    std::map<std::string, Place> places_;
    std::optional<std::map<std::string, std::string>> on_this_host_;
};

}  // namespace spread::spreadctl
