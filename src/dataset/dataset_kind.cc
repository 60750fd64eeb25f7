#include "dataset/dataset_kind.h"

#include <array>

namespace llmsweep {

namespace {

constexpr const char* kFromUtf16 = "convert it (iconv -f UTF-16 -t UTF-8 FILE > FILE.json)";
constexpr const char* kFromUtf32 = "convert it (iconv -f UTF-32 -t UTF-8 FILE > FILE.json)";
constexpr const char* kFromParquet =
    "convert it (python3 -c \"import pandas; pandas.read_parquet('FILE').to_json('FILE.jsonl', "
    "orient='records', lines=True)\")";
constexpr const char* kFromArrow =
    "convert it (python3 -c \"import datasets; datasets.Dataset.from_file('FILE')"
    ".to_json('FILE.jsonl')\")";
constexpr const char* kFromCsv = "name its column of prompts behind the path (FILE#COLUMN)";
constexpr const char* kFromText = "make each line a prompt (FILE#lines)";

struct Magic {
  std::string_view bytes;
  FileKind kind;
};
constexpr std::array kMagics = {
    Magic{std::string_view("\xff\xfe\0\0", 4), {"in the encoding UTF-32", kFromUtf32}},
    Magic{std::string_view("\0\0\xfe\xff", 4), {"in the encoding UTF-32", kFromUtf32}},
    Magic{"\x1f\x8b", {"compressed (gzip)", "unpack it (gunzip -k FILE)"}},
    Magic{"\x28\xb5\x2f\xfd", {"compressed (zstd)", "unpack it (zstd -d FILE)"}},
    Magic{"BZh", {"compressed (bzip2)", "unpack it (bunzip2 -k FILE)"}},
    Magic{"\xfd\x37zXZ", {"compressed (xz)", "unpack it (unxz -k FILE)"}},
    Magic{"\x04\x22\x4d\x18", {"compressed (lz4)", "unpack it (lz4 -d FILE)"}},
    Magic{"PK\x03\x04", {"an archive (zip)", "unpack it (unzip FILE)"}},
    Magic{"PAR1", {"a Parquet file", kFromParquet}},
    Magic{"ARROW1", {"an Arrow file", kFromArrow}},
    Magic{"\xff\xff\xff\xff", {"an Arrow file", kFromArrow}},
    Magic{"ORC", {"an ORC file", ""}},
    Magic{"Obj\x01", {"an Avro file", ""}},
    Magic{"SQLite format 3", {"an SQLite database", ""}},
    Magic{"\xff\xfe", {"in the encoding UTF-16", kFromUtf16}},
    Magic{"\xfe\xff", {"in the encoding UTF-16", kFromUtf16}},
    Magic{"version https://git-lfs",
          {"the pointer of a Git LFS file that was not fetched", "fetch it (git lfs pull)"}}};

bool is_tar(std::string_view start) {
  constexpr size_t kAt = 257;
  return start.size() >= kAt + 5 && start.substr(kAt, 5) == "ustar";
}

}  // namespace

FileKind file_kind_of(std::string_view start) {
  for (const Magic& magic : kMagics) {
    if (start.starts_with(magic.bytes)) return magic.kind;
  }
  if (is_tar(start)) return {"an archive (tar)", "unpack it (tar -xf FILE)"};
  if (start.size() > 3 && (start[0] == '\0' || start[1] == '\0')) {
    if (start.substr(0, 4) == std::string_view("\0\0\0\0", 4)) return {"a binary file", ""};
    const bool wide = start[1] == start[2] || start[2] == start[3];  // three NULs of four bytes
    if (wide) return {"in the encoding UTF-32", kFromUtf32};
    return {"in the encoding UTF-16", kFromUtf16};
  }
  const size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  const std::string_view line = start.substr(first, start.find('\n', first) - first);
  if (line.front() == '<') return {"an HTML or XML page", ""};
  if (line.find("\",\"") != std::string_view::npos && line.front() == '"') {
    return {"a CSV table", kFromCsv};
  }
  if (std::string_view("[{\"-0123456789tfn").find(line.front()) != std::string_view::npos) {
    const bool word = line.front() >= 'a' && line.front() <= 'z' && !line.starts_with("true") &&
                      !line.starts_with("false") && !line.starts_with("null");
    if (!word) return {};
  }
  if (line.find('\t') != std::string_view::npos) return {"a table with tabs or a plain text", ""};
  if (line.find(',') != std::string_view::npos) return {"a CSV table or a plain text", kFromCsv};
  return {"a plain text", kFromText};
}

}  // namespace llmsweep
