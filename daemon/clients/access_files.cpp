#include "daemon/clients/access_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "config/parse.hpp"
#include "config/text.hpp"
#include "daemon/clients/password_check.hpp"
#include "daemon/host/read_file.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

namespace {

using access::AccessRules;
using access::AddressRules;
using access::PasswordFile;
using config::Configuration;
using config::Diagnostic;
using config::Severity;

/// What could be got of one file.
struct FileText {
    std::string path;
    std::string text;
    ::mode_t mode = 0;
    std::string problem;      ///< why there is no text; empty: there is
    bool is_missing = false;  ///< that reason is that there is no such file
};

FileText text_of(const std::string& path) {
    FileText file;
    file.path = path;
    // Without O_NONBLOCK a pipe would hold up the daemon.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        file.is_missing = errno == ENOENT;
        file.problem = fmt::format("{}: cannot be opened: {}", path, std::strerror(errno));
        return file;
    }
    if (!S_ISREG(info.st_mode)) {
        file.problem = fmt::format("{}: is not a regular file", path);
        return file;
    }
    file.mode = info.st_mode;
    auto text = read_file(fd.get(), config::kMaxFileBytes);
    if (!text) {
        file.problem = fmt::format("{}: cannot be read: {}", path, std::strerror(errno));
    } else if (text->size() > config::kMaxFileBytes) {
        file.problem = fmt::format("{}: is larger than {} bytes", path, config::kMaxFileBytes);
    } else {
        file.text = std::move(*text);
    }
    return file;
}

/// The file an option names, else the one of this name in the first place that has it.
FileText find_file(const std::optional<std::string>& named, std::string_view name,
                   const AccessPlaces& places) {
    if (named) {
        return text_of(*named);
    }
    const std::string here = fmt::format("{}/{}", places.working_directory, name);
    const std::string there = fmt::format("{}/{}", places.system_directory, name);
    FileText file = text_of(here);
    if (!file.is_missing) {
        return file;
    }
    file = text_of(there);
    if (file.is_missing) {
        file.problem = fmt::format("there is neither {} nor {}", here, there);
    }
    return file;
}

bool has_method(const Configuration& configuration, std::string_view method) {
    const auto names = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), method) != list.end();
    };
    return names(configuration.allowed_auth_methods) || names(configuration.required_auth_methods);
}

/// Hashes that have the right shape but are of a kind this host's library cannot check.
void check_hashes(const std::optional<PasswordFile>& file, std::vector<Diagnostic>& diagnostics) {
    if (!file) {
        return;
    }
    for (const PasswordFile::User& user : file->users()) {
        if (!is_checkable_hash(user.hash)) {
            diagnostics.push_back(
                {Severity::kError, user.at,
                 fmt::format("this host's crypt(3) cannot check the hash of {}; make another with: "
                             "openssl passwd -6",
                             config::in_quotes(user.name))});
            return;  // there is likely one reason for all
        }
    }
}

class Loader {
  public:
    /// `current` is null at the start.
    Loader(const Configuration& configuration, const AccessPlaces& places,
           const AccessSetup* current)
        : configuration_(configuration), places_(places), current_(current) {
        if (current != nullptr) {
            load_.setup = *current;
        }
    }

    AccessLoad run() {
        if (has_method(configuration_, "IP")) {
            load_addresses();
        }
        if (has_method(configuration_, "PWORD")) {
            load_passwords();
        }
        if (configuration_.access_control_policy == "RULES") {
            load_rules();
        }
        return std::move(load_);
    }

  private:
    void load_addresses();
    void load_passwords();
    void load_rules();
    void refuse(std::string_view problem, std::string_view remedy);
    bool take_diagnostics(const FileText& file, const std::vector<Diagnostic>& diagnostics);
    void check_mode(const FileText& file);

    const Configuration& configuration_;
    const AccessPlaces& places_;
    const AccessSetup* current_;
    AccessLoad load_;
};

void Loader::refuse(std::string_view problem, std::string_view remedy) {
    load_.errors.push_back(current_ != nullptr
                               ? fmt::format("{}; what was read before stays in force", problem)
                               : fmt::format("{}; {}", problem, remedy));
}

/// False when one of them is an error: the file does not count.
bool Loader::take_diagnostics(const FileText& file, const std::vector<Diagnostic>& diagnostics) {
    std::vector<std::string> errors;
    for (const Diagnostic& diagnostic : diagnostics) {
        std::string line = config::format(diagnostic, file.path);
        if (diagnostic.severity == Severity::kError) {
            errors.push_back(std::move(line));
        } else {
            load_.warnings.push_back(std::move(line));
        }
    }
    if (errors.empty()) {
        return true;
    }
    if (current_ != nullptr) {
        const std::string more =
            errors.size() == 1 ? "" : fmt::format(" (and {} more)", errors.size() - 1);
        refuse(errors.front() + more, "");
    } else {
        load_.errors.insert(load_.errors.end(), errors.begin(), errors.end());
    }
    return false;
}

void Loader::check_mode(const FileText& file) {
    if ((file.mode & S_IWOTH) != 0) {
        load_.warnings.push_back(fmt::format(
            "{}: everybody on this host can change this file; chmod o-w {}", file.path, file.path));
    }
}

void Loader::load_addresses() {
    const FileText file = find_file(configuration_.access_ip_file, "spread.access_ip", places_);
    if (file.is_missing && current_ == nullptr) {
        load_.warnings.push_back(fmt::format(
            "method IP admits nobody: {}; list the addresses to admit there", file.problem));
        return;
    }
    if (!file.problem.empty()) {
        refuse(file.problem, "method IP needs it");
        return;
    }
    auto parsed = AddressRules::parse(file.text);
    if (!take_diagnostics(file, parsed.diagnostics)) {
        return;
    }
    check_mode(file);
    if (parsed.rules->is_empty()) {
        load_.warnings.push_back(
            fmt::format("{}: lists no address, so method IP admits nobody", file.path));
    }
    load_.setup.addresses = std::make_shared<const AddressRules>(*std::move(parsed.rules));
}

void Loader::load_passwords() {
    FileText file = find_file(configuration_.access_password_file, "spread.access_pword", places_);
    if (!file.problem.empty()) {
        refuse(file.problem, "method PWORD needs it, with lines of user:hash");
        return;
    }
    auto parsed = PasswordFile::parse(file.text);
    check_hashes(parsed.file, parsed.diagnostics);
    if (!take_diagnostics(file, parsed.diagnostics)) {
        return;
    }
    check_mode(file);
    if ((file.mode & S_IROTH) != 0) {
        load_.warnings.push_back(fmt::format(
            "{}: everybody on this host can read the hashes, and try passwords on them; "
            "chmod o= {}",
            file.path, file.path));
    }
    if (parsed.file->users().empty()) {
        load_.warnings.push_back(
            fmt::format("{}: lists no user, so method PWORD admits nobody", file.path));
    }
    load_.setup.passwords = std::make_shared<const PasswordFile>(*std::move(parsed.file));
}

void Loader::load_rules() {
    const FileText file =
        find_file(configuration_.access_rules_file, "spread.access_rules", places_);
    if (!file.problem.empty()) {
        refuse(file.problem, "AccessControlPolicy RULES needs it");
        return;
    }
    auto parsed = AccessRules::parse(file.text);
    if (!take_diagnostics(file, parsed.diagnostics)) {
        return;
    }
    if (parsed.rules->is_blank()) {
        const std::string problem = fmt::format(
            "{}: has neither a rule nor a default, which allows everything; write default allow if "
            "that is meant",
            file.path);
        if (current_ != nullptr) {
            refuse(problem, "");
            return;
        }
        load_.warnings.push_back(problem);
    }
    check_mode(file);
    load_.setup.rules = std::make_shared<const AccessRules>(*std::move(parsed.rules));
}

}  // namespace

AccessSetup::AccessSetup()
    : addresses(std::make_shared<const AddressRules>()),
      passwords(std::make_shared<const PasswordFile>()),
      rules(std::make_shared<const AccessRules>()) {}

AccessLoad load_access(const Configuration& configuration, const AccessPlaces& places) {
    return Loader(configuration, places, nullptr).run();
}

AccessLoad reload_access(const Configuration& configuration, const AccessSetup& current,
                         const AccessPlaces& places) {
    return Loader(configuration, places, &current).run();
}

}  // namespace spread::daemon
