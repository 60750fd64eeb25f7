#include "llmsweep/results/telemetry_file.h"

#include <algorithm>

#include "llmsweep/base/regular_file.h"
#include "results/result_fields.h"

namespace llmsweep {

template <class Archive>
void fields(Archive& archive, ClientCounts& value) {
  archive("chunks", value.chunks);
  archive("ended_chunks", value.ended_chunks);
  archive("ended_tokens", value.ended_tokens);
  archive("ended", value.ended);
  archive("in_flight", value.in_flight);
  archive("page_gaps", value.page_gaps);
  archive("page_gap_ns", value.page_gap_ns);
}

namespace {

constexpr int kMaxPageDepth = 8;

template <class Archive>
void instant(Archive& archive, const char* key, Instant& value) {
  int64_t ns = to_ns(value);
  archive(key, ns);
  value = from_ns(ns);
}

}  // namespace

template <class Archive>
void fields(Archive& archive, PageRead& value) {
  load_point(archive, "level", value.run.point);
  archive("repeat", value.run.repeat);
  archive("url", value.url);
  archive("role", value.role);
  archive("moment", value.moment);
  instant(archive, "asked_ns", value.asked);
  instant(archive, "answered_ns", value.answered);
  archive("bytes", value.bytes);
  archive("filtered", value.filtered);
  archive("fresh", value.fresh);
  archive("error", value.error);
  archive("client_before", value.before);
  archive("client_after", value.after);
  archive("samples", value.samples);
}

std::string page_to_jsonl(const PageRead& page) {
  PageRead copy = page;
  return encode(copy).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

PageRead parse_page(std::string_view line, const std::string& where) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxPageDepth;
    return !too_deep;
  };
  const Json json = Json::parse(line, limit_depth, false);
  const FilePlace place{json, where, {}};
  if (too_deep || !json.is_object()) {
    place.fail("the line is not a JSON object of telemetry.jsonl", "was the file edited?");
  }
  PageRead page;
  decode(place, page);
  return page;
}

std::vector<PageRead> read_pages(const std::filesystem::path& path, ByteRange range) {
  std::vector<PageRead> pages;
  if (range.begin >= range.end) return pages;
  RegularFile file(path);
  if (file.size() < range.end) {
    throw Error({.what = "ends before the pages that sweep.jsonl says it has",
                 .where = path.string(),
                 .next = "was it changed after the run?"});
  }
  file.seek(range.begin);
  int64_t left = range.end - range.begin;
  LineReader lines(
      [&](char* into, size_t size) {
        const size_t got = file.read(into, std::min(size, static_cast<size_t>(left)));
        left -= static_cast<int64_t>(got);
        return got;
      },
      path.string());
  while (const std::optional<std::string_view> line = lines.next()) {
    pages.push_back(parse_page(*line, lines.where()));
  }
  return pages;
}

}  // namespace llmsweep
