#include "llmsweep/simulator/truth.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"

namespace llmsweep {
namespace {

using nlohmann::json;

json instant_json(const std::optional<Instant>& instant) {
  return instant ? json(to_ns(*instant)) : json(nullptr);
}

std::optional<Instant> read_instant(const json& object, const char* key) {
  const json& value = object.at(key);
  if (value.is_null()) return std::nullopt;
  return from_ns(value.get<int64_t>());
}

TruthRecord read_record(const json& object) {
  TruthRecord record;
  record.response_id = object.at("response_id").get<std::string>();
  record.trace_id = object.value("trace_id", "");
  record.body_sha256 = object.value("body_sha256", "");
  record.number = object.at("number").get<int64_t>();
  record.api = object.at("api").get<std::string>();
  record.model = object.value("model", "");  // not in older logs
  record.stream = object.at("stream").get<bool>();
  record.arrival = from_ns(object.at("arrival_ns").get<int64_t>());
  record.prefill_start = read_instant(object, "prefill_start_ns");
  record.end = read_instant(object, "end_ns");
  record.prompt_tokens = object.at("prompt_tokens").get<int64_t>();
  record.cached_tokens = object.at("cached_tokens").get<int64_t>();
  record.output_tokens = object.at("output_tokens").get<int64_t>();
  record.hidden_tokens = object.value("hidden_tokens", int64_t{0});  // not in older logs
  record.images = object.value("images", std::vector<std::string>());
  record.results = object.value("results", int64_t{0});
  record.status = object.at("status").get<int>();
  record.finish_reason = object.at("finish_reason").get<std::string>();
  record.fault = object.at("fault").get<std::string>();
  record.client_closed = object.at("client_closed").get<bool>();
  record.lateness_mean = Duration(object.at("lateness_mean_ns").get<int64_t>());
  record.lateness_max = Duration(object.at("lateness_max_ns").get<int64_t>());
  record.blocked_writes = object.at("blocked_writes").get<int64_t>();
  const auto sent = object.at("sent_ns").get<std::vector<int64_t>>();
  const auto tokens = object.at("chunk_tokens").get<std::vector<int64_t>>();
  if (sent.size() != tokens.size()) {
    throw Error{{.what = "'sent_ns' and 'chunk_tokens' differ in length"}};
  }
  for (size_t i = 0; i < sent.size(); ++i) {
    record.chunks.push_back({.sent = from_ns(sent[i]), .tokens = tokens[i]});
  }
  return record;
}

void read_sign(const json& object, Truth& truth) {
  if (object.contains("alive_ns")) {
    truth.alive.push_back(from_ns(object.at("alive_ns").get<int64_t>()));
  } else {
    truth.closings.push_back(
        {.at = from_ns(object.at("closed_ns").get<int64_t>()),
         .last_arrival = from_ns(object.at("last_arrival_ns").get<int64_t>()),
         .last_response_id = object.at("last_response_id").get<std::string>()});
  }
}

template <class ReadLine>
void read_lines(const std::filesystem::path& path, const char* what, const ReadLine& read_line) {
  LineReader lines(path);
  while (const std::optional<std::string_view> line = lines.next()) {
    if (!lines.whole()) break;  // cut short by a kill
    try {
      read_line(json::parse(*line));
    } catch (const std::exception&) {  // whose text is not for people
      throw Error{{.what = std::string("not a line of ") + what,
                   .where = lines.where(),
                   .next = "give the file that `llmsweep simulate --log` wrote"}};
    }
  }
}

}  // namespace

std::string truth_line(const TruthRecord& record) {
  nlohmann::ordered_json object;
  object["response_id"] = record.response_id;
  if (!record.trace_id.empty()) object["trace_id"] = record.trace_id;
  if (!record.body_sha256.empty()) object["body_sha256"] = record.body_sha256;
  object["number"] = record.number;
  object["api"] = record.api;
  object["model"] = record.model;
  object["stream"] = record.stream;
  object["arrival_ns"] = to_ns(record.arrival);
  object["prefill_start_ns"] = instant_json(record.prefill_start);
  object["end_ns"] = instant_json(record.end);
  object["prompt_tokens"] = record.prompt_tokens;
  object["cached_tokens"] = record.cached_tokens;
  object["output_tokens"] = record.output_tokens;
  object["hidden_tokens"] = record.hidden_tokens;
  if (!record.images.empty()) object["images"] = record.images;
  if (record.results > 0) object["results"] = record.results;
  object["status"] = record.status;
  object["finish_reason"] = record.finish_reason;
  object["fault"] = record.fault;
  object["client_closed"] = record.client_closed;
  object["lateness_mean_ns"] = record.lateness_mean.count();
  object["lateness_max_ns"] = record.lateness_max.count();
  object["blocked_writes"] = record.blocked_writes;
  std::string line = object.dump();
  line.back() = ',';
  line += R"("sent_ns":[)";
  for (const TruthChunk& chunk : record.chunks) line += fmt::format("{},", to_ns(chunk.sent));
  if (line.back() == ',') line.pop_back();
  line += R"(],"chunk_tokens":[)";
  for (const TruthChunk& chunk : record.chunks) line += fmt::format("{},", chunk.tokens);
  if (line.back() == ',') line.pop_back();
  return line + "]}";
}

std::string truth_line(const TruthClosing& closing) {
  const nlohmann::ordered_json object = {{"closed_ns", to_ns(closing.at)},
                                         {"last_arrival_ns", to_ns(closing.last_arrival)},
                                         {"last_response_id", closing.last_response_id}};
  return object.dump();
}

std::string alive_line(Instant at) {
  return fmt::format("{{\"alive_ns\":{}}}", to_ns(at));
}

std::filesystem::path signs_beside(const std::filesystem::path& log) {
  return log.string() + ".signs";
}

Truth read_truth(const std::filesystem::path& path) {
  Truth truth{.requests = read_truth_log(path), .closings = {}, .alive = {}};
  const std::filesystem::path signs = signs_beside(path);
  if (there_is(signs)) {
    read_lines(signs, "the signs of life beside a truth log",
               [&](const json& object) { read_sign(object, truth); });
  }
  return truth;
}

std::vector<TruthRecord> read_truth_log(const std::filesystem::path& path) {
  std::vector<TruthRecord> requests;
  read_lines(path, "a truth log",
             [&](const json& object) { requests.push_back(read_record(object)); });
  return requests;
}

}  // namespace llmsweep
