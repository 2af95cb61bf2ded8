#pragma once

namespace spread::c_api {

/// Static text for a code of sp.h, one for all others.
[[nodiscard]] const char* text_of(int code);

}  // namespace spread::c_api
