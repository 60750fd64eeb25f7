// What a dataset that is no JSON is, and the line that makes JSON of it.
#pragma once

#include <string_view>

namespace llmsweep {

struct FileKind {
  std::string_view is;       // "a Parquet file"; empty: it may be JSON
  std::string_view convert;  // a command, in which FILE is the file
};
// By the first bytes, without a byte order mark of UTF-8.
FileKind file_kind_of(std::string_view start);

}  // namespace llmsweep
