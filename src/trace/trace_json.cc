// Traces of JSON lines: Mooncake's, with AIPerf's keys, Bailian's, and Weka's, a session a line.
#include "trace/trace_rows.h"

#include <simdjson.h>

#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;

constexpr int64_t kMooncakeBlock = 512;
constexpr int64_t kBailianBlock = 16;
constexpr int64_t kWekaBlock = 64;

std::optional<int64_t> whole(const Object& object, std::string_view key) {
  int64_t value = 0;
  if (object[key].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<int64_t> nanoseconds(const Object& object, std::string_view key, int64_t unit_ns) {
  int64_t integer = 0;
  if (object[key].get(integer) == simdjson::SUCCESS) {
    if (integer < 0 || integer > std::numeric_limits<int64_t>::max() / unit_ns) return std::nullopt;
    return integer * unit_ns;
  }
  double value = 0;
  if (object[key].get(value) != simdjson::SUCCESS) return std::nullopt;
  value *= static_cast<double>(unit_ns);
  if (!(value >= 0) || value > 9e18) return std::nullopt;
  return std::llround(value);
}

// A text or a number as a name.
std::optional<std::string> name_in(const Object& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) == simdjson::SUCCESS) return std::string(text);
  int64_t number = 0;
  if (object[key].get(number) == simdjson::SUCCESS) return std::to_string(number);
  return std::nullopt;
}

class JsonRows {
 public:
  JsonRows(Trace& trace, LineReader& lines, std::optional<int64_t> block_tokens)
      : trace_(trace), rows_(trace, lines), block_tokens_(block_tokens) {}

  void read(std::string_view line) {
    Object object;
    if (parser_.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) {
      rows_.fail("the line is no JSON object", "was the file cut short? Get it again");
    }
    switch (trace_.format) {
      case TraceFormat::kWeka:
        return read_weka(object);
      case TraceFormat::kBailian:
        return read_bailian(object);
      default:
        return read_mooncake(object);
    }
  }

 private:
  void read_block_size(const Object& object, int64_t usual) {
    trace_.block_tokens = block_tokens_.value_or(whole(object, "block_size").value_or(usual));
    if (trace_.block_tokens < 1) rows_.fail("its block_size is no number of tokens");
  }

  void read_mooncake(const Object& object) {
    read_block_size(object, kMooncakeBlock);
    const std::optional<std::string> session = name_in(object, "session_id");
    std::optional<int64_t> at = nanoseconds(object, "timestamp", 1'000'000);
    std::optional<int64_t> delay;
    if (session) delay = nanoseconds(object, "delay", 1'000'000);
    // AIPerf's later turns: so long after the one before, of which no instant is told but this.
    const auto before = session ? last_ns_.find(*session) : last_ns_.end();
    if (!at && delay) {
      const int64_t last = before == last_ns_.end() ? 0 : before->second;
      if (*delay <= std::numeric_limits<int64_t>::max() - last) at = last + *delay;
    }
    if (!at) rows_.fail("the line has no timestamp");
    if (session) last_ns_[*session] = *at;
    add(object, {.at_ns = *at,
                 .session = session,
                 .input = whole(object, "input_length"),
                 .output = whole(object, "output_length"),
                 .think_ns = delay});
  }

  void read_bailian(const Object& object) {
    read_block_size(object, kBailianBlock);
    const auto chat = whole(object, "chat_id");
    const auto at = nanoseconds(object, "timestamp", 1'000'000'000);
    if (!chat || !at) rows_.fail("the line has no chat_id or no timestamp");
    // A turn belongs to the chat that its first ancestor began.
    std::string root = std::to_string(*chat);
    if (const auto parent = whole(object, "parent_chat_id"); parent && *parent >= 0) {
      const auto found = root_of_.find(static_cast<uint64_t>(*parent));
      root = found == root_of_.end() ? std::to_string(*parent) : found->second;
    }
    root_of_[static_cast<uint64_t>(*chat)] = root;
    add(object, {.at_ns = *at,
                 .session = root,
                 .input = whole(object, "input_length"),
                 .output = whole(object, "output_length")});
  }

  void read_weka(const Object& object) {
    trace_.has_instants = false;
    read_block_size(object, kWekaBlock);
    const std::optional<std::string> id = name_in(object, "id");
    if (!id) rows_.fail("the session has no id");
    std::string_view scope;
    trace_.blocks_are_local |=
        object["hash_id_scope"].get(scope) == simdjson::SUCCESS && scope == "local";
    add_weka_requests(object, *id);
  }

  void add_weka_requests(const Object& object, const std::string& session) {
    simdjson::dom::array requests;
    if (object["requests"].get(requests) != simdjson::SUCCESS) {
      rows_.fail("the session has no list of requests");
    }
    for (const Element& item : requests) {
      Object request;
      if (item.get(request) != simdjson::SUCCESS) rows_.fail("a request is no object");
      simdjson::dom::array inner;
      if (request["requests"].get(inner) == simdjson::SUCCESS) {  // of a subagent
        add_weka_requests(request, session);
        continue;
      }
      add(request,
          {.session = session, .input = whole(request, "in"), .output = whole(request, "out")});
    }
  }

  struct Row {
    int64_t at_ns = 0;
    std::optional<std::string> session;
    std::optional<int64_t> input;
    std::optional<int64_t> output;
    std::optional<int64_t> think_ns = {};
  };

  void add(const Object& object, const Row& row) {
    const size_t begin = trace_.blocks.size();
    TraceRows::Row added{
        .at_ns = row.at_ns, .input = row.input, .output = row.output, .think_ns = row.think_ns};
    if (row.session) added.session = *row.session;
    if (!rows_.add(added)) return;
    simdjson::dom::array ids;
    const bool told = object["hash_ids"].get(ids) == simdjson::SUCCESS;
    if (!told_) {
      told_ = told;
      if (told) trace_.first_block.push_back(0);
    }
    if (*told_ && !told) rows_.fail("the line has no hash_ids, as those before it have");
    if (!*told_) return;
    const std::string scope = trace_.blocks_are_local ? row.session.value_or("") : "";
    for (const Element& item : ids) {
      uint64_t id = 0;
      int64_t negative = 0;
      if (item.get(id) != simdjson::SUCCESS) {
        if (item.get(negative) != simdjson::SUCCESS) rows_.fail("a hash id is no whole number");
        id = static_cast<uint64_t>(negative);
      }
      rows_.add_block(id, scope);
    }
    const auto blocks = static_cast<int64_t>(trace_.blocks.size() - begin);
    const int64_t fewest = *row.input / trace_.block_tokens;
    const int64_t most = (*row.input + trace_.block_tokens - 1) / trace_.block_tokens;
    // Weka leaves the id of a last block that is not whole out.
    const int64_t least = trace_.format == TraceFormat::kWeka ? fewest : most;
    if (blocks < least || blocks > most) {
      rows_.fail(std::to_string(blocks) + " hash ids for " + std::to_string(*row.input) +
                     " tokens in blocks of " + std::to_string(trace_.block_tokens),
                 "is it the format that its keys say? --as names another");
    }
    rows_.end_blocks();
  }

  Trace& trace_;
  TraceRows rows_;
  simdjson::dom::parser parser_;
  std::optional<int64_t> block_tokens_;               // that the reader of the file says
  std::unordered_map<std::string, int64_t> last_ns_;  // of a session: its row before
  std::optional<bool> told_;                          // blocks are told: of all requests or of none
  std::unordered_map<uint64_t, std::string> root_of_;  // of a chat
};

}  // namespace

std::optional<TraceFormat> format_of_json(std::string_view line) {
  simdjson::dom::parser parser;
  Object object;
  if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  const auto has = [&](std::string_view key) { return object[key].error() == simdjson::SUCCESS; };
  if (has("requests") && has("id")) return TraceFormat::kWeka;
  if (has("chat_id") && has("timestamp")) return TraceFormat::kBailian;
  if (has("input_length") && has("output_length")) return TraceFormat::kMooncake;
  return std::nullopt;
}

void read_json_rows(Trace& trace, LineReader& lines, std::string_view first,
                    const TraceOptions& options) {
  JsonRows rows(trace, lines, options.block_tokens);
  rows.read(first);
  while (const std::optional<std::string_view> line = lines.next()) {
    if (!trim(*line).empty()) rows.read(*line);
  }
  if (trace.first_block.empty()) trace.block_tokens = 0;
}

}  // namespace llmsweep
