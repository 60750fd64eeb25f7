#include "sweep/record_writer.h"

#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/chunk_file.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

// What a killed sweep left there, less the block that was being written: where one that is resumed
// goes on. Bytes; 0 where there is nothing.
int64_t cut_to_whole_blocks(const fs::path& chunks) {
  if (!there_is(chunks)) return 0;
  ChunkReader reader(chunks);
  while (reader.next()) {
  }
  cut_file(chunks, reader.whole_bytes());
  return reader.whole_bytes();
}

}  // namespace

RecordWriter::RecordWriter(const fs::path& folder, bool chunks)
    : records_(folder / "requests.jsonl", "records") {
  if (!chunks) return;
  const fs::path path = folder / "chunks.bin";
  const bool fresh = cut_to_whole_blocks(path) == 0;
  chunks_ = std::make_unique<QueuedFile>(path, "chunks");
  if (fresh) chunks_->add(kChunkFileHeader);
}

void RecordWriter::add(const RequestRecord& record) {
  records_.add(record_to_jsonl(record));
}

void RecordWriter::add_chunks(const RequestRecord& record, const ChunkTrace& trace) {
  chunks_->add(chunk_block(record, trace));
}

bool RecordWriter::failed() const {
  return records_.failed() || (chunks_ != nullptr && chunks_->failed());
}

std::string RecordWriter::flush() {
  const std::string records = records_.flush();
  const std::string chunks = chunks_ != nullptr ? chunks_->flush() : std::string();
  return records.empty() ? chunks : records;
}

}  // namespace llmsweep
