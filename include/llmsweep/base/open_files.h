// What is said where a process has no file descriptor left.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "llmsweep/base/error.h"

namespace llmsweep {

constexpr const char* kRaiseOpenFiles = "raise the limit on open files (ulimit -n)";

// Throws where `error` (an errno) is that, whatever file or port the call was about; else nothing.
inline void throw_if_out_of_files(int error, const char* what, std::string where) {
  if (error != EMFILE && error != ENFILE) return;
  throw MeasurementError({.what = std::string(what) + ": " + std::strerror(error),
                          .where = std::move(where),
                          .next = kRaiseOpenFiles});
}

}  // namespace llmsweep
