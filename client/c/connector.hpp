#pragma once

#include <array>
#include <string>

#include "client/c/spread_name.hpp"
#include "client/c/stream.hpp"
#include "protocol/names.hpp"

namespace spread::c_api {

/// A method of authentication as set by SP_set_auth_method().
struct AuthMethod {
    std::string name;
    int (*function)(int descriptor, void* data) = nullptr;
    void* data = nullptr;
};

/// Methods for the connects to come; false, and no change, for arguments that are no good.
bool set_auth_methods(int count, const char* const names[], int (*const functions[])(int, void*),
                      void* const data[]);

struct SessionRequest {
    SpreadName name;
    std::string private_name;
    bool priority = false;
    bool wants_membership = false;
};

struct OpenSession {
    int descriptor = -1;
    protocol::NameField private_group;
};

/// Resolves, connects and runs the handshake within the time limit. ACCEPT_SESSION, then the
/// descriptor in `opened` is the caller's; or a code of sp.h.
[[nodiscard]] int open_session(const SessionRequest& request, const Deadline& deadline,
                               OpenSession& opened);

}  // namespace spread::c_api
