#pragma once

// What check_headers.sh must find: a header that leans on what others include before it.

inline std::string offender() {
    return "";
}
