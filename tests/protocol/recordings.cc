#include "protocol/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "llmsweep/base/files.h"
#include "llmsweep/model/names.h"

namespace llmsweep::protocol_test {
namespace {

const std::string kFolder = std::string(LLMSWEEP_SOURCE_DIR) + "/tests/protocol/";

std::string joined_chunks(std::string_view chunked) {
  std::string body;
  while (true) {
    const size_t size =
        std::stoul(std::string(chunked.substr(0, chunked.find("\r\n"))), nullptr, 16);
    if (size == 0) return body;
    chunked.remove_prefix(chunked.find("\r\n") + 2);
    body += chunked.substr(0, size);
    chunked.remove_prefix(size + 2);
  }
}

Instant instant(int64_t ms) {
  return from_ns(1'000'000'000 + ms * 1'000'000);
}

std::string field(const std::optional<Instant>& at) {
  return at ? std::to_string((to_ns(*at) - 1'000'000'000) / 1'000'000) : "-";
}

std::string field(const std::optional<int64_t>& count) {
  return count ? std::to_string(*count) : "-";
}

std::string field(const Histogram& histogram) {
  std::string text;
  for (const auto& [bucket, weight] : histogram.buckets()) {
    text += fmt::format(" {}x{}", Histogram::middle_of(bucket).count(), weight);
  }
  return text;
}

std::vector<size_t> ends_of_blank_lines(std::string_view body) {
  std::vector<size_t> ends;
  size_t line = 0;
  while (true) {
    size_t end = body.find_first_of("\r\n", line);
    if (end == std::string_view::npos) return ends;
    const bool blank = end == line;
    end += body.substr(end, 2) == "\r\n" ? 2 : 1;
    if (blank) ends.push_back(end);
    line = end;
  }
}

}  // namespace

Recording load_recording(const std::string& file) {
  const std::string text = read_file(kFolder + file + ".txt");
  if (!text.starts_with("HTTP/1.1 ")) return {.body = text};
  const size_t end = text.find("\r\n\r\n");
  Recording recording{.status = std::stoi(text.substr(9, 3)),
                      .headers = text.substr(0, end + 4),
                      .body = text.substr(end + 4)};
  if (file.ends_with("raw_chunked")) recording.body = joined_chunks(recording.body);
  return recording;
}

std::vector<Piece> whole(std::string_view body) {
  return {{.bytes = body, .at_ms = 1}};
}

std::vector<Piece> paced(std::string_view body, const std::vector<size_t>& cuts) {
  std::vector<size_t> ends = ends_of_blank_lines(body);
  ends.push_back(body.size());
  std::vector<Piece> pieces;
  size_t begin = 0;
  size_t event = 0;
  auto cut = cuts.begin();
  while (begin < body.size()) {
    while (cut != cuts.end() && *cut <= begin) ++cut;
    const size_t end = cut == cuts.end() ? ends[event] : std::min(ends[event], *cut);
    pieces.push_back(
        {.bytes = body.substr(begin, end - begin), .at_ms = static_cast<int64_t>(event) + 1});
    if (end == ends[event]) ++event;
    begin = end;
  }
  return pieces;
}

RequestRecord read(Api api, const Recording& recording, const std::vector<Piece>& pieces,
                   ChunkParser& parser) {
  RequestRecord record;
  ResponseReader reader(api, record);
  reader.headers(recording.status, recording.headers, instant(0));
  for (const Piece& piece : pieces) reader.bytes(piece.bytes, instant(piece.at_ms), parser);
  reader.end(instant(1'000'000), parser);
  return record;
}

std::string shown(const RequestRecord& r) {
  return fmt::format(
      "{} {} '{}' finish={} id={} first_byte={} first={} answer={} last={} end={} in={} cached={} "
      "out={} by {} streamed={} thought={} model={} repaired={} first_chunk={} chunks={} "
      "coalesced={} prefill={} decode={}\nicl{}\nitl{}",
      name_of(r.outcome), r.http_status, r.error, r.finish_reason, r.response_id,
      field(r.first_byte), field(r.first_token), field(r.first_answer_token), field(r.last_token),
      field(r.end), field(r.input_tokens), field(r.cached_tokens), r.output_tokens,
      name_of(r.token_source), field(r.streamed_tokens), field(r.reasoning_tokens), r.other_model,
      r.repaired_chunks, r.first_chunk_tokens, r.chunks, r.coalesced_chunks,
      field(r.server_prefill_us), field(r.server_decode_us), field(r.icl), field(r.itl));
}

}  // namespace llmsweep::protocol_test
