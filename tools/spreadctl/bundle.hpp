#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/spreadctl/doctor.hpp"
#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

/// How bundles are made: `client_for` gives one for a port, path or ADDRESS:PORT.
struct BundleWanted {
    std::string server;                ///< asked first; it knows the others
    std::vector<std::string> servers;  ///< asked, too
    std::string file;                  ///< where the archive goes
    std::function<HttpClient(const std::string& server)> client_for;
    DoctorSettings doctor;
};

/// Asks all daemons that can be reached for what they know, and writes one archive with a directory
/// for each, and what a doctor on this host says. Which were reached is printed, and in the archive
/// (index.json). Returns the exit status: kBad when a configured daemon is missing in it. Throws
/// Unreachable when the first one does not answer, or the file cannot be written.
[[nodiscard]] int make_bundle(const BundleWanted& wanted);

/// Prints what a bundle tells: the verdicts, clocks and configurations that differ, and the
/// timelines of all daemons merged by ring. Throws Unreachable when that is no bundle.
[[nodiscard]] int explain_bundle(const std::string& file, bool as_json);

}  // namespace spread::spreadctl
