#pragma once

#include <string>

namespace spread::config {

/// Every option of the table with its default or an example and its help, as the chapter OPTIONS of
/// docs/man/spread.conf.5: mdoc(7), a list for each chapter of the sample file.
[[nodiscard]] std::string options_manual();

}  // namespace spread::config
