#pragma once

#include "config/configuration.hpp"
#include "daemon/host/host_facts.hpp"

namespace spread::daemon {

/// Makes socket `fd` a member of `group` on the interface of `own`. False: errno says why not.
[[nodiscard]] bool join_group(int fd, const config::IpAddress& group, const LocalAddress& own);

/// The same after the interface was made anew: forgets the membership that went with the old one.
[[nodiscard]] bool rejoin_group(int fd, const config::IpAddress& group, const LocalAddress& own);

/// What socket `fd` sends to groups leaves by the interface of `own`.
void send_groups_by(int fd, const LocalAddress& own);

}  // namespace spread::daemon
