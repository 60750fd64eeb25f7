#include "dataset/record_parser.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
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

// In the order in which they are looked for.
constexpr std::array<const char*, 2> kPromptKeys = {"prompt", "text"};
constexpr std::array<const char*, 3> kConversationKeys = {"conversations", "conversation", "items"};
constexpr std::array<const char*, 6> kLengthKeys = {"max_tokens",          "max_completion_tokens",
                                                    "max_new_tokens",      "output_tokens",
                                                    "output_tokens_count", "output_length"};

// 128.0 is 128: what writes a table's column of whole numbers with gaps writes fractions.
std::optional<int64_t> whole_number(element value) {
  int64_t whole = 0;
  if (value.get(whole) == simdjson::SUCCESS) return whole;
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS) return std::nullopt;
  constexpr double kMost = 1e15;
  if (number != std::floor(number) || number < -kMost || number > kMost) return std::nullopt;
  return static_cast<int64_t>(number);
}

bool has_member(const object& map, const char* key) {
  element value;
  if (map[key].get(value) != simdjson::SUCCESS || value.is_null()) return false;
  array list;
  return value.get(list) != simdjson::SUCCESS || list.size() > 0;
}

// What a chat message says: a string, or a list of parts; or why it cannot be sent as a text.
struct Content {
  std::string text;
  std::optional<Cut> problem;
};

Content content_of(const object& message, std::string_view role) {
  const bool calls = has_member(message, "tool_calls") || has_member(message, "function_call");
  if (calls || role == "tool" || role == "function") return {.text = {}, .problem = Cut::kToolCall};
  Content content;
  array parts;
  if (auto text = text_at(message, "content")) {
    content.text = *text;
  } else if (message["content"].get(parts) == simdjson::SUCCESS) {
    for (element part : parts) {
      object map;
      const auto part_text =
          part.get(map) == simdjson::SUCCESS ? text_at(map, "text") : std::nullopt;
      if (!part_text) return {.text = {}, .problem = Cut::kNotText};
      content.text += *part_text;
    }
  }
  if (!has_text(content.text)) content.problem = Cut::kEmptyMessage;
  return content;
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
      return "records whose max_tokens (or its like) is not a positive whole number";
    case SkipReason::kTooLarge:
      return "records over 64 MiB";
    case SkipReason::kToolCallFirst:
      return "records without a question before a tool call";
    case SkipReason::kNotTextFirst:
      return "records whose question has a picture or another part that is not text";
  }
  return "";
}

std::string_view describe(Cut cut) {
  switch (cut) {
    case Cut::kAnswer:
      return "conversations that end with the assistant's answer: the question before it is asked";
    case Cut::kToolCall:
      return "conversations with tool calls: the last question before them is asked";
    case Cut::kNotText:
      return "conversations with pictures or other parts that are not text: the last question "
             "before them is asked";
    case Cut::kEmptyMessage:
      return "conversations with an empty message: the last question before it is asked";
    case Cut::kTurnsLeftOut:
      return "conversations with turns that are empty or have no text: these turns are left out";
  }
  return "";
}

std::string known_keys() {
  return fmt::format("{}, messages, {}, and for the length of the answer {}",
                     fmt::join(kPromptKeys, ", "), fmt::join(kConversationKeys, ", "),
                     fmt::join(kLengthKeys, ", "));
}

struct RecordParser::Impl {
  simdjson::dom::parser parser;
  simdjson::dom::parser turn_parser;  // for turns that are strings holding JSON
  std::string padded;
  bool keep_text = true;

  void add_turn(Record& record, std::string_view role, std::string_view text) {
    record.turns.emplace_back(role, keep_text ? clean(text) : std::string());
  }

  // A ShareGPT turn: an object, or a string that holds one as JSON. False: it has no text.
  bool add_conversation_turn(Record& record, element turn) {
    object map;
    std::string_view inner;
    if (turn.get(inner) == simdjson::SUCCESS) {
      element parsed;
      if (turn_parser.parse(inner.data(), inner.size(), true).get(parsed) != simdjson::SUCCESS) {
        return false;
      }
      turn = parsed;
    }
    if (turn.get(map) != simdjson::SUCCESS) return false;
    auto from = text_at(map, "from");
    if (!from) from = text_at(map, "role");
    if (!from) return false;
    Content content;
    if (const auto value = text_at(map, "value")) {
      content.text = *value;
    } else {
      content = content_of(map, *from);
    }
    if (content.problem || !has_text(content.text)) return false;
    add_turn(record, role_of(*from), content.text);
    return true;
  }

  // The conversation up to its last question that can be sent as it stands.
  std::optional<SkipReason> read_messages(ParsedRecord& out, const array& messages) {
    Record& record = out.record;
    for (element message : messages) {
      object map;
      if (message.get(map) != simdjson::SUCCESS) return SkipReason::kNoTurns;
      const auto role = text_at(map, "role");
      if (!role) return SkipReason::kNoTurns;
      const Content content = content_of(map, *role);
      const bool instructions = *role == "system" || *role == "developer";
      if (content.problem) out.cut = content.problem;
      if (content.problem == Cut::kEmptyMessage && instructions) continue;  // says nothing
      if (content.problem) break;
      record.turns.emplace_back(*role, keep_text ? clean(content.text) : "");
    }
    while (!record.turns.empty() && record.turns.back().first == "assistant" && asks(record)) {
      record.turns.pop_back();
      if (!out.cut) out.cut = Cut::kAnswer;
    }
    record.messages = true;
    if (asks(record)) return std::nullopt;
    if (out.cut == Cut::kToolCall) return SkipReason::kToolCallFirst;
    if (out.cut == Cut::kNotText) return SkipReason::kNotTextFirst;
    if (out.cut == Cut::kEmptyMessage) return SkipReason::kEmptyPrompt;
    return std::nullopt;  // its order says more
  }

  static bool asks(const Record& record) {
    return std::any_of(record.turns.begin(), record.turns.end(),
                       [](const auto& turn) { return turn.first == "user"; });
  }

  std::optional<SkipReason> read_length(Record& record, const object& map) {
    for (const char* key : kLengthKeys) {
      element limit;
      if (map[key].get(limit) != simdjson::SUCCESS || limit.is_null()) continue;
      const std::optional<int64_t> value = whole_number(limit);
      if (!value || *value <= 0) return SkipReason::kBadMaxTokens;
      record.max_tokens = *value;
      return std::nullopt;
    }
    return std::nullopt;
  }

  static std::string keys_of(const object& map) {
    constexpr size_t kMost = 12;
    std::vector<std::string> keys;
    for (const auto field : map) {
      if (keys.size() == kMost) break;
      keys.push_back(printable(field.key, 40));
    }
    return join(keys, ", ");
  }

  std::optional<SkipReason> read(ParsedRecord& out, element root) {
    Record& record = out.record;
    object map;
    if (root.get(map) != simdjson::SUCCESS) return SkipReason::kNotAnObject;
    if (const auto reason = read_length(record, map)) return reason;
    for (const char* key : kPromptKeys) {
      const auto prompt = text_at(map, key);
      if (!prompt) continue;
      if (!has_text(*prompt)) return SkipReason::kEmptyPrompt;
      add_turn(record, "user", *prompt);
      return std::nullopt;
    }
    array turns;
    bool known = map["messages"].get(turns) == simdjson::SUCCESS;
    if (known) {
      if (const auto reason = read_messages(out, turns)) return reason;
    }
    for (const char* key : kConversationKeys) {
      if (known || map[key].get(turns) != simdjson::SUCCESS) continue;
      known = true;
      for (element turn : turns) {
        if (!add_conversation_turn(record, turn)) out.cut = Cut::kTurnsLeftOut;
      }
    }
    if (!known) out.keys = keys_of(map);
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
    auto reason = read(out, root);
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
