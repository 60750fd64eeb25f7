#include "dataset/record_parser.h"

#include <simdjson.h>

#include <cstring>
#include <optional>

#include "llmsweep/base/text.h"

namespace llmsweep {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

static_assert(RecordParser::kJsonPadding >= simdjson::SIMDJSON_PADDING);

std::optional<std::string_view> text_at(const object& map, const char* key) {
  std::string_view text;
  if (map[key].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::string_view role_of(std::string_view name) {
  if (name == "human" || name == "user") return "user";
  if (name == "system") return "system";
  if (name == "tool" || name == "function" || name == "developer") return name;
  return "assistant";  // gpt, chatgpt, bing, bard, model, …
}

bool has_text(std::string_view text) {
  return !trim(text).empty();
}

// What a chat message says: a string, or a list of parts of which some are text.
std::optional<std::string> content_of(const object& message) {
  if (auto text = text_at(message, "content")) return std::string(*text);
  array parts;
  if (message["content"].get(parts) != simdjson::SUCCESS) return std::nullopt;
  std::string joined;
  for (element part : parts) {
    object map;
    if (part.get(map) != simdjson::SUCCESS) continue;
    if (auto text = text_at(map, "text")) joined += *text;
  }
  return joined;
}

// NUL and other control characters upset servers and mean nothing in a prompt.
std::string clean(std::string_view text) {
  std::string out(trim(text));
  for (char& c : out) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

std::string_view describe(SkipReason reason) {
  switch (reason) {
    case SkipReason::kNotJson:
      return "records that are not valid JSON text";
    case SkipReason::kNotAnObject:
      return "records that are not objects";
    case SkipReason::kNoTurns:
      return "records without a readable turn";
    case SkipReason::kNotUserFirst:
      return "records that do not begin with the user's turn";
    case SkipReason::kEmptyPrompt:
      return "records with an empty prompt";
    case SkipReason::kBadMaxTokens:
      return "records whose max_tokens is not a positive number";
    case SkipReason::kTooLarge:
      return "records over 64 MiB";
  }
  return "";
}

struct RecordParser::Impl {
  simdjson::dom::parser parser;
  simdjson::dom::parser turn_parser;  // for turns that are strings holding JSON
  std::string padded;
  bool keep_text = true;

  void add_turn(Record& record, std::string_view role, std::string_view text) {
    record.turns.emplace_back(role, keep_text ? clean(text) : std::string());
  }

  // A ShareGPT turn: an object, or a string that holds one as JSON.
  void add_conversation_turn(Record& record, element turn) {
    object map;
    std::string_view inner;
    if (turn.get(inner) == simdjson::SUCCESS) {
      element parsed;
      if (turn_parser.parse(inner.data(), inner.size(), true).get(parsed) != simdjson::SUCCESS) {
        return;
      }
      turn = parsed;
    }
    if (turn.get(map) != simdjson::SUCCESS) return;
    auto from = text_at(map, "from");
    auto value = text_at(map, "value");
    if (!from) from = text_at(map, "role");
    if (!value) value = text_at(map, "content");
    if (!from || !value || !has_text(*value)) return;
    add_turn(record, role_of(*from), *value);
  }

  std::optional<SkipReason> read_messages(Record& record, const array& messages) {
    for (element message : messages) {
      object map;
      if (message.get(map) != simdjson::SUCCESS) return SkipReason::kNoTurns;
      auto role = text_at(map, "role");
      auto content = content_of(map);
      if (!role || !content) return SkipReason::kNoTurns;
      if (has_text(*content)) record.turns.emplace_back(*role, keep_text ? clean(*content) : "");
    }
    record.messages = true;
    return std::nullopt;
  }

  std::optional<SkipReason> read(Record& record, element root) {
    object map;
    if (root.get(map) != simdjson::SUCCESS) return SkipReason::kNotAnObject;
    element limit;
    if (map["max_tokens"].get(limit) == simdjson::SUCCESS && !limit.is_null()) {
      int64_t value = 0;
      if (limit.get(value) != simdjson::SUCCESS || value <= 0) return SkipReason::kBadMaxTokens;
      record.max_tokens = value;
    }
    array turns;
    if (auto prompt = text_at(map, "prompt")) {
      if (!has_text(*prompt)) return SkipReason::kEmptyPrompt;
      add_turn(record, "user", *prompt);
      return std::nullopt;
    }
    if (map["messages"].get(turns) == simdjson::SUCCESS) {
      if (auto reason = read_messages(record, turns)) return reason;
    } else if (map["conversations"].get(turns) == simdjson::SUCCESS ||
               map["conversation"].get(turns) == simdjson::SUCCESS) {
      for (element turn : turns) add_conversation_turn(record, turn);
    }
    if (record.turns.empty()) return SkipReason::kNoTurns;
    for (const auto& turn : record.turns) {
      if (turn.first == "system" || turn.first == "developer") continue;
      return turn.first == "user" ? std::nullopt : std::optional(SkipReason::kNotUserFirst);
    }
    return SkipReason::kNoTurns;
  }

  ParsedRecord parse(std::string_view json) {
    ParsedRecord out;
    if (json.size() > kMaxRecordBytes) {
      out.skip = SkipReason::kTooLarge;
      return out;
    }
    element root;
    if (parser.parse(json.data(), json.size(), false).get(root) != simdjson::SUCCESS) {
      out.skip = SkipReason::kNotJson;
      return out;
    }
    auto reason = read(out.record, root);
    out.ok = !reason;
    if (reason) out.skip = *reason;
    return out;
  }
};

RecordParser::RecordParser() : impl_(std::make_unique<Impl>()) {}
RecordParser::~RecordParser() = default;
RecordParser::RecordParser(RecordParser&&) noexcept = default;
RecordParser& RecordParser::operator=(RecordParser&&) noexcept = default;

ParsedRecord RecordParser::parse(std::string_view json) {
  impl_->keep_text = true;
  if (json.size() <= kMaxRecordBytes) {
    impl_->padded.assign(json);
    impl_->padded.append(kJsonPadding, '\0');
    json = std::string_view(impl_->padded).substr(0, json.size());
  }
  return impl_->parse(json);
}

ParsedRecord RecordParser::check(std::string_view json) {
  impl_->keep_text = false;
  return impl_->parse(json);
}

}  // namespace llmsweep
