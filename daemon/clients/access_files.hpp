#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/password_file.hpp"

namespace spread::daemon {

/// What the three access files say. Never null: where a method or policy is not in use, or its file
/// is unusable, no address and no user is admitted, and without rules everything is allowed.
struct AccessSetup {
    std::shared_ptr<const access::AddressRules> addresses;
    std::shared_ptr<const access::PasswordFile> passwords;
    std::shared_ptr<const access::AccessRules> rules;

    AccessSetup();
};

/// Where files are looked for that no option names.
struct AccessPlaces {
    std::string working_directory = ".";
    std::string system_directory = "/etc";
};

struct AccessLoad {
    AccessSetup setup;
    /// Each one line. After an error at the start the daemon must not run; after one at a reload it
    /// goes on with what it had.
    std::vector<std::string> errors;
    std::vector<std::string> warnings;
};

/// Reads the files the configuration asks for: the IP file for method IP, the password file for
/// PWORD, the rules for AccessControlPolicy RULES; at most config::kMaxFileBytes of each. A file an
/// option names, else spread.access_ip, spread.access_pword or spread.access_rules in the working
/// directory, else in /etc.
///
/// A file that is not there is an error, except that without an IP file nobody is admitted by IP,
/// as in stock, with a warning. So does a file of rules that says nothing at all get a warning.
[[nodiscard]] AccessLoad load_access(const config::Configuration& configuration,
                                     const AccessPlaces& places = {});

/// The same while running: each file that is missing or wrong leaves what `current` has of it, with
/// one error that says so. A file of rules that says nothing is wrong here: it was emptied, and
/// would allow everything.
[[nodiscard]] AccessLoad reload_access(const config::Configuration& configuration,
                                       const AccessSetup& current, const AccessPlaces& places = {});

}  // namespace spread::daemon
