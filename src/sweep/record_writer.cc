#include "sweep/record_writer.h"

#include "llmsweep/results/chunk_file.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {

RecordWriter::RecordWriter(const std::filesystem::path& folder, bool chunks)
    : records_(folder / "requests.jsonl", "records") {
  if (!chunks) return;
  chunks_ = std::make_unique<QueuedFile>(folder / "chunks.bin", "chunks");
  chunks_->add(kChunkFileHeader);
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
