#pragma once

#include <string>

#include "daemon/admin/status_source.hpp"
#include "protocol/result.hpp"
#include "protocol/roster.hpp"
#include "sealing/key_agreement.hpp"

namespace spread::admin {

/// What an operator wants of the ring's keys, as it comes.
struct KeyRequest {
    std::string what;  ///< rotate, install, use, remove
    std::string key;   ///< an id; of use and remove
    std::string drop;  ///< names of daemons with commas between them; of remove
    std::string file;  ///< the text of a key file; of install
};

struct KeyCommand {
    std::string name;  ///< for the log
    StatusSource::KeyChange change;
    std::string done;  ///< the answer when it is not refused
};

/// On failure what is wrong with it, in one line. A rotation draws the new key.
[[nodiscard]] protocol::Result<KeyCommand, std::string> read_key_command(
    const KeyRequest& request, const protocol::Roster& roster);

/// What all members have, and how far a rotation is; ids only.
[[nodiscard]] std::string keys_json(const sealing::KeyTable& table, const protocol::Roster& roster);

}  // namespace spread::admin
