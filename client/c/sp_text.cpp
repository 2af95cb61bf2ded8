// Version and texts of sp.h.

#include <sp.h>

#include <cstdio>

#include "client/c/text.hpp"
#include "protocol/session_wire.hpp"

namespace spread::c_api {

const char* text_of(int code) {
    switch (code) {
        case ILLEGAL_SPREAD: return "Illegal spread was provided: the daemon string or its host";
        case COULD_NOT_CONNECT: return "Could not connect: is the daemon running there?";
        case REJECT_QUOTA: return "Connection rejected: too many sessions";
        case REJECT_NO_NAME: return "Connection rejected: no private name";
        case REJECT_ILLEGAL_NAME: return "Connection rejected: illegal private name";
        case REJECT_NOT_UNIQUE: return "Connection rejected: the private name is in use";
        case REJECT_VERSION: return "Connection rejected: the versions do not fit";
        case CONNECTION_CLOSED: return "Connection closed by the daemon, or time limit reached";
        case REJECT_AUTH: return "Connection rejected: authentication failed";
        case ILLEGAL_SESSION: return "Illegal session: no such mailbox";
        case ILLEGAL_SERVICE: return "Illegal service requested";
        case ILLEGAL_MESSAGE: return "Illegal message";
        case ILLEGAL_GROUP: return "Illegal group name";
        case BUFFER_TOO_SHORT: return "The message does not fit the buffer";
        case GROUPS_TOO_SHORT: return "The groups do not fit the array";
        case MESSAGE_TOO_LONG: return "Body and group names exceed 144000 bytes";
        case NET_ERROR_ON_SESSION: return "The session has had a network error; disconnect it";
        case SP_BUG: return "Internal error of the library, or out of memory";
        case ILLEGAL_TIME: return "Illegal time limit";
        default: return "Unrecognized error";
    }
}

}  // namespace spread::c_api

extern "C" {

int SP_version(int* major_version, int* minor_version, int* patch_version) {
    if (major_version == nullptr || minor_version == nullptr || patch_version == nullptr) {
        return 0;
    }
    *major_version = spread::protocol::kPresentedVersion.major;
    *minor_version = spread::protocol::kPresentedVersion.minor;
    *patch_version = spread::protocol::kPresentedVersion.patch;
    return 1;
}

const char* SP_strerror(int error) {
    return spread::c_api::text_of(error);
}

void SP_error(int error) {
    static_cast<void>(std::printf("SP_error: (%d) %s\n", error, SP_strerror(error)));
}

}  // extern "C"
