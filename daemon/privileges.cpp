#include "daemon/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "daemon/host/host_facts.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/startup_error.hpp"
#include "protocol/names.hpp"

namespace spread::daemon {

bool stays_root(const config::Configuration& configuration) {
    return ::geteuid() == 0 && !configuration.daemon_user;
}

void keep_file_capabilities() {
    constexpr std::uint32_t kKept = 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER;
    // Executing a file must not give them back. The loop ends at the last one that the kernel
    // knows.
    for (unsigned long each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each) {
        if (each > 31 || (kKept >> each & 1U) == 0) {
            (void)::prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
        }
    }
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) {
        return;
    }
    const std::uint32_t kept = data[0].permitted & kKept;
    data = {};
    data[0].permitted = kept;
    data[0].effective = kept;
    (void)::syscall(SYS_capset, &header, data.data());
}

void drop_privileges(const config::Configuration& configuration, StateFile& state) {
    if (::geteuid() != 0) {
        return;
    }
    const passwd* user = nullptr;
    uid_t uid = 0;
    gid_t gid = 0;
    if (configuration.daemon_user) {
        user = ::getpwnam(configuration.daemon_user->c_str());
        if (user == nullptr) {
            throw StartupError(fmt::format("DaemonUser {} does not exist on this host",
                                           protocol::escaped(*configuration.daemon_user)));
        }
        uid = user->pw_uid;
        gid = user->pw_gid;
        if (configuration.daemon_group) {
            const group* group = ::getgrnam(configuration.daemon_group->c_str());
            if (group == nullptr) {
                throw StartupError(fmt::format("DaemonGroup {} does not exist on this host",
                                               protocol::escaped(*configuration.daemon_group)));
            }
            gid = group->gr_gid;
        }
    }
    if (configuration.runtime_dir) {
        const std::string& directory = *configuration.runtime_dir;
        if (::chdir(directory.c_str()) != 0 || ::chroot(directory.c_str()) != 0 ||
            ::chdir("/") != 0) {
            throw StartupError(fmt::format("cannot change the root directory to RuntimeDir {}: {}",
                                           protocol::escaped(directory), std::strerror(errno)));
        }
        log_event(LogEvent::kRootDirectory, "root directory is now {}",
                  protocol::escaped(directory));
    }
    if (user != nullptr) {
        if (const int error = state.give_to(uid, gid)) {
            log_event(LogEvent::kOwnerUnchanged, "cannot make the directory of {} user {}'s: {}",
                      state.path(), protocol::escaped(*configuration.daemon_user),
                      std::strerror(error));
        }
        if (const int error = give_log_to(uid, gid)) {
            log_event(LogEvent::kOwnerUnchanged,
                      "cannot make the log file user {}'s: {}; it cannot be reopened after a "
                      "rotation",
                      protocol::escaped(*configuration.daemon_user), std::strerror(error));
        }
        if (::setgroups(1, &gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) {
            throw StartupError(fmt::format("cannot become user {}: {}",
                                           protocol::escaped(*configuration.daemon_user),
                                           std::strerror(errno)));
        }
        log_event(LogEvent::kUserChanged, "running as user {} now",
                  protocol::escaped(*configuration.daemon_user));
    } else {
        keep_file_capabilities();
        log_event(LogEvent::kRunsAsRoot,
                  "running as root, with what files take of its rights; DaemonUser in the "
                  "configuration gives up that as well");
    }
}

}  // namespace spread::daemon
