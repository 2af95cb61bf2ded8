#include "tools/spreadctl/bundle.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/admin/bundle.hpp"
#include "daemon/admin/tar.hpp"
#include "daemon/ring/flight_file.hpp"
#include "tools/spreadctl/commands.hpp"
#include "tools/spreadctl/doctor.hpp"
#include "tools/spreadctl/other_daemons.hpp"
#include "tools/spreadctl/timeline.hpp"

namespace spread::spreadctl {

using admin::TarFile;
using nlohmann::json;

namespace {

/// A bundle of a few daemons has a few megabytes.
constexpr std::size_t kFileBytesMax = 512U << 20U;

std::string directory_of(const TarFile& file) {
    return file.name.substr(0, std::min(file.name.find('/'), file.name.size()));
}

json parsed_file(const std::vector<TarFile>& files, const std::string& name) {
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const TarFile& file) { return file.name == name; });
    return found == files.end() ? json() : json::parse(found->text, nullptr, false);
}

std::optional<daemon::FlightLog> recording_in(const std::vector<TarFile>& files,
                                              const std::string& name) {
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const TarFile& file) { return file.name == name; });
    if (found == files.end()) {
        return std::nullopt;
    }
    auto log = daemon::decode_flight(std::as_bytes(std::span(found->text)));
    return log ? std::optional(*std::move(log)) : std::nullopt;
}

/// What one daemon tells.
std::vector<TarFile> fetched(const HttpClient& client) {
    const HttpAnswer answer = client.get("/bundle");
    auto files = answer.status == 200
                     ? admin::files_of_tar(answer.body)
                     : tl::unexpected(fmt::format("HTTP status {}", answer.status));
    if (!files) {
        throw Unreachable("its answer is no bundle: " + files.error());
    }
    return *std::move(files);
}

class Collector {
  public:
    explicit Collector(const BundleWanted& wanted) : wanted_(wanted) {}

    void ask_first() { add(wanted_.server, fetched(wanted_.client_for(wanted_.server))); }

    /// What a doctor on this host says, who asks the first daemon.
    void examine_host(const DoctorSettings& settings) {
        const auto findings = examine(settings, wanted_.client_for(wanted_.server));
        files_.push_back({"doctor.txt", findings_text(findings)});
        files_.push_back({"doctor.json", findings_json(findings)});
    }

    void ask(const std::string& server, const std::string& daemon) {
        try {
            add(server, fetched(wanted_.client_for(server)));
        } catch (const Unreachable& error) {
            note(daemon, server, error.what());
        }
    }

    /// Whom the first one knows, and nobody has told of yet.
    void ask_configured() {
        const std::string first = directory_of(files_.front());
        const json config = parsed_file(files_, first + "/config.json");
        const std::string port = admin_port(config);
        for (const json& daemon :
             config.is_object() ? config.value("daemons", json::array()) : json::array()) {
            const std::string name = daemon.value("name", "");
            if (reached_.count(admin::directory_name(name)) != 0) {
                continue;
            }
            if (port.empty()) {
                note(name, "", "name its AdminListen on the command line");
            } else {
                ask(host_and_port(daemon.value("address", ""), port), name);
            }
        }
    }

    [[nodiscard]] int write() {
        const std::time_t now = std::time(nullptr);
        files_.insert(files_.begin(),
                      {"index.json", json{{"schema", 1}, {"daemons", index_}}.dump(2) + "\n"});
        std::ofstream out(wanted_.file, std::ios::binary | std::ios::trunc);
        const std::string archive = admin::tar_of(files_, now);
        out.write(archive.data(), static_cast<std::streamsize>(archive.size()));
        out.close();
        if (!out) {
            throw Unreachable("cannot write " + wanted_.file);
        }
        std::printf("%s: %zu files of %zu daemons\n", wanted_.file.c_str(), files_.size(),
                    reached_.size());
        return is_complete_ ? kGood : kBad;
    }

  private:
    void add(const std::string& server, std::vector<TarFile> files) {
        const std::string directory = directory_of(files.front());
        if (!reached_.insert(directory).second) {
            return;
        }
        index_.push_back({{"daemon", directory}, {"server", server}, {"reached", true}});
        std::printf("%s  from %s\n", directory.c_str(), server.c_str());
        std::move(files.begin(), files.end(), std::back_inserter(files_));
    }
    void note(const std::string& daemon, const std::string& server, const std::string& why) {
        is_complete_ = false;
        index_.push_back(
            {{"daemon", daemon}, {"server", server}, {"reached", false}, {"why", why}});
        std::printf("%s  NOT REACHED%s%s: %s\n", daemon.c_str(), server.empty() ? "" : " at ",
                    server.c_str(), why.c_str());
    }

    const BundleWanted& wanted_;
    std::vector<TarFile> files_;
    std::set<std::string> reached_;  ///< directories
    json index_ = json::array();
    bool is_complete_ = true;
};

std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.good() && text.empty()) {
        throw Unreachable("cannot read " + path);
    }
    if (text.size() > kFileBytesMax) {
        throw Unreachable(path + " is too large for a bundle");
    }
    return text;
}

}  // namespace

int make_bundle(const BundleWanted& wanted) {
    Collector collector(wanted);
    collector.ask_first();
    for (const std::string& server : wanted.servers) {
        collector.ask(server, server);
    }
    collector.ask_configured();
    collector.examine_host(wanted.doctor);
    return collector.write();
}

int explain_bundle(const std::string& file, bool as_json) {
    const auto files = admin::files_of_tar(content_of(file));
    if (!files) {
        throw Unreachable(file + ": " + files.error());
    }
    BundleContent content;
    for (const TarFile& each : *files) {
        const std::string directory = directory_of(each);
        if (directory != each.name && content.count(directory) == 0) {
            content[directory] = {parsed_file(*files, directory + "/status.json"),
                                  parsed_file(*files, directory + "/events.json"),
                                  parsed_file(*files, directory + "/config.json"),
                                  recording_in(*files, directory + "/ring.flight")};
        }
    }
    if (content.empty()) {
        throw Unreachable(file + " has no directory of a daemon");
    }
    const json timeline = timeline_of(content);
    std::fputs((as_json ? timeline.dump(2) + "\n" : timeline_text(timeline, content)).c_str(),
               stdout);
    return kGood;
}

}  // namespace spread::spreadctl
