// A dataset of conversations: an index of usable records, read one at a time, so that a file of any
// size needs 12 bytes a record. Immutable after opening; any thread reads, each with its Reader.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/record_parser.h"
#include "llmsweep/dataset/prompts.h"

namespace llmsweep {

class Dataset {
 public:
  // "sample", "random" (then `seed` makes the texts) or a path, of a table also FILE#COLUMN. Throws
  // Error: missing file, empty or truncated set, a top level that is no list, no usable record.
  static Dataset open(const std::string& name, uint64_t seed);
  // A dataset from bytes that outlive it; `name` is for errors.
  static Dataset from_bytes(std::string_view bytes, std::string name);

  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  ~Dataset();

  const DatasetSummary& summary() const { return summary_; }
  int64_t size() const { return summary_.records; }
  bool endless() const { return random_; }  // every record number gives a record

  class Reader {
   public:
    explicit Reader(const Dataset& dataset) : dataset_(dataset) {}
    // 0 <= index < size(); for an endless set any index. Throws Error where the file has changed.
    Record read(uint64_t index);

   private:
    const Dataset& dataset_;
    RecordParser parser_;
    std::string buffer_;
  };

 private:
  struct File;
  struct Place {
    uint64_t offset = 0;
    uint32_t length = 0;
  };
  struct Skips {
    std::array<int64_t, kSkipReasons> count{};
    std::array<int64_t, kSkipReasons> first{};
    std::array<int64_t, kCutKinds> cuts{};
    std::string keys;  // of the first record without a known one
  };

  Dataset();
  void scan();
  [[noreturn]] void endless_record(uint64_t begin) const;
  void scan_list(uint64_t begin, bool wrapped, Skips& skips);
  void scan_lines(Skips& skips);
  void add(std::string_view json, uint64_t offset, RecordParser& parser, Skips& skips);
  void skip(SkipReason reason, Skips& skips);
  void finish(const Skips& skips);

  std::unique_ptr<File> file_;
  std::vector<Place> places_;
  DatasetSummary summary_;
  int64_t seen_ = 0;
  bool random_ = false;
  uint64_t seed_ = 0;
};

}  // namespace llmsweep
