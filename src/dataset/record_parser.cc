#include "dataset/record_parser.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "dataset/dataset_keys.h"
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

bool has_text(std::string_view text) {
  return !trim(text).empty();
}

// 128.0 is 128: what writes a table's column of whole numbers with gaps writes fractions; "128" is
// as well.
std::optional<int64_t> whole_number(element value) {
  int64_t whole = 0;
  if (value.get(whole) == simdjson::SUCCESS) return whole;
  double number = 0;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    const auto parsed = parse_double(trim(text));
    if (!parsed) return std::nullopt;
    number = *parsed;
  } else if (value.get(number) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  constexpr double kMost = 1e15;
  if (number != std::floor(number) || number < -kMost || number > kMost) return std::nullopt;
  return static_cast<int64_t>(number);
}

// Whether there is such a member that says anything.
bool has_member(const object& map, const char* key) {
  element value;
  if (map[key].get(value) != simdjson::SUCCESS || value.is_null()) return false;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return has_text(text);
  array list;
  return value.get(list) != simdjson::SUCCESS || list.size() > 0;
}

template <size_t kCount>
bool has_any(const object& map, const std::array<const char*, kCount>& keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const char* key) { return has_member(map, key); });
}

// The first of the keys that has a text with something in it.
template <size_t kCount>
std::string_view first_text(const object& map, const std::array<const char*, kCount>& keys) {
  for (const char* key : keys) {
    const auto text = text_at(map, key);
    if (text && has_text(*text)) return *text;
  }
  return {};
}

// What a chat message says: a string, or a list of parts; or why it cannot be sent as a text.
struct Content {
  std::string text;
  std::optional<Cut> problem;
};

Content content_of(const object& message, std::string_view role) {
  const bool calls = has_member(message, "tool_calls") || has_member(message, "function_call");
  if (calls || role == "tool") return {.text = {}, .problem = Cut::kToolCall};
  if (has_any(message, kMediaKeys)) return {.text = {}, .problem = Cut::kNotText};
  Content content;
  array parts;
  for (const char* key : {"content", "value", "text"}) {
    if (auto text = text_at(message, key)) {
      content.text = *text;
      break;
    }
  }
  if (content.text.empty() && message["content"].get(parts) == simdjson::SUCCESS) {
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

// The only text of a list: ["…"], or AIPerf's [{"name": …, "contents": ["…"]}].
std::optional<std::string_view> only_text(const array& list) {
  if (list.size() != 1) return std::nullopt;
  std::string_view text;
  if (list.at(0).get(text) == simdjson::SUCCESS) return text;
  array contents;
  if (list.at(0)["contents"].get(contents) != simdjson::SUCCESS) return std::nullopt;
  return only_text(contents);
}

// Whether every turn has a text and none says whose.
bool names_nobody(const array& turns) {
  return std::all_of(turns.begin(), turns.end(), [](element turn) {
    object map;
    return turn.get(map) == simdjson::SUCCESS && !has_member(map, "from") &&
           !has_member(map, "role") && (has_member(map, "content") || has_member(map, "value"));
  });
}

bool holds_messages(const array& list) {
  object map;
  return list.size() > 0 && list.at(0).get(map) == simdjson::SUCCESS && has_member(map, "role");
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
    case SkipReason::kNotUtf8:
      return "records that are not valid UTF-8 (is the file in another encoding?)";
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
    case SkipReason::kNotOneText:
      return "records whose prompt is a list of several texts or of token ids";
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
    case Cut::kTools:
      return "records that offer tools: they are sent without them";
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

  // A turn: an object, or a string that holds one as JSON. False: it has no text. `otherwise` is
  // who speaks where the turn does not say; empty: such a turn is none.
  bool add_conversation_turn(Record& record, element turn, std::string_view otherwise) {
    object map;
    std::string_view inner;
    if (turn.get(inner) == simdjson::SUCCESS) {
      element parsed;
      const bool json =
          turn_parser.parse(inner.data(), inner.size(), true).get(parsed) == simdjson::SUCCESS;
      if (!json || parsed.get(map) != simdjson::SUCCESS) {
        if (otherwise.empty() || !has_text(inner)) return false;
        add_turn(record, otherwise, inner);
        return true;
      }
      turn = parsed;
    }
    if (turn.get(map) != simdjson::SUCCESS) return false;
    auto from = text_at(map, "from");
    if (!from) from = text_at(map, "role");
    if (!from && !otherwise.empty()) from = otherwise;
    if (!from) return false;
    Content content;
    array texts;
    if (const auto value = text_at(map, "value")) {
      content.text = *value;
    } else if (map["texts"].get(texts) == simdjson::SUCCESS) {
      content.text = only_text(texts).value_or("");
    } else {
      content = content_of(map, role_of(*from));
    }
    if (content.problem || !has_text(content.text)) return false;
    if (record.max_tokens == 0) read_length(record, map);
    add_turn(record, role_of(*from), content.text);
    return true;
  }

  // The conversation up to its last question that can be sent as it stands.
  std::optional<SkipReason> read_messages(ParsedRecord& out, const array& messages) {
    Record& record = out.record;
    std::optional<Cut> cut;
    for (element message : messages) {
      object map;
      if (message.get(map) != simdjson::SUCCESS) return SkipReason::kNoTurns;
      auto name = text_at(map, "role");
      if (!name) name = text_at(map, "from");
      if (!name) return SkipReason::kNoTurns;
      const std::string_view role = role_of(*name);
      const Content content = content_of(map, role);
      const bool instructions = role == "system" || role == "developer";
      if (content.problem) cut = content.problem;
      if (content.problem == Cut::kEmptyMessage && instructions) continue;  // says nothing
      if (content.problem) break;
      add_turn(record, role, content.text);
    }
    while (!record.turns.empty() && record.turns.back().first == "assistant" && asks(record)) {
      record.turns.pop_back();
      if (!cut) cut = Cut::kAnswer;
    }
    record.messages = true;
    if (cut) out.cuts[static_cast<size_t>(*cut)] = true;
    if (asks(record)) return std::nullopt;
    if (cut == Cut::kToolCall) return SkipReason::kToolCallFirst;
    if (cut == Cut::kNotText) return SkipReason::kNotTextFirst;
    if (cut == Cut::kEmptyMessage) return SkipReason::kEmptyPrompt;
    return std::nullopt;  // its order says more
  }

  static bool asks(const Record& record) {
    return std::any_of(record.turns.begin(), record.turns.end(),
                       [](const auto& turn) { return turn.first == "user"; });
  }

  static std::optional<SkipReason> read_length(Record& record, const object& map) {
    for (const char* key : kLengthKeys) {
      element limit;
      if (map[key].get(limit) != simdjson::SUCCESS || limit.is_null()) continue;
      const std::optional<int64_t> value = whole_number(limit);
      if (!value || *value <= 0) return SkipReason::kBadMaxTokens;
      record.max_tokens = *value;
      return std::nullopt;
    }
    for (const char* key : kLengthHolders) {
      object holder;
      if (map[key].get(holder) != simdjson::SUCCESS) continue;
      if (const auto reason = read_length(record, holder)) return reason;
      if (record.max_tokens > 0) break;
    }
    return std::nullopt;
  }

  // Each of the forms says whether the record has it, and then what became of it.
  using Outcome = std::optional<SkipReason>;

  bool read_prompt(ParsedRecord& out, const object& map, Outcome& outcome) {
    for (const char* key : kPromptKeys) {
      std::optional<std::string_view> prompt = text_at(map, key);
      array list;
      if (!prompt && map[key].get(list) != simdjson::SUCCESS) continue;
      if (!prompt && holds_messages(list)) {
        outcome = read_messages(out, list);
        return true;
      }
      if (!prompt) prompt = only_text(list);
      if (!prompt) {
        outcome = SkipReason::kNotOneText;
      } else if (!has_text(*prompt)) {
        outcome = SkipReason::kEmptyPrompt;
      } else {
        add_turn(out.record, "user", *prompt);
      }
      return true;
    }
    return false;
  }

  bool read_conversation(ParsedRecord& out, const object& map, Outcome& outcome) {
    array turns;
    for (const char* key : kMessagesKeys) {
      if (map[key].get(turns) != simdjson::SUCCESS) continue;
      outcome = read_messages(out, turns);
      return true;
    }
    for (const char* key : kConversationKeys) {
      if (map[key].get(turns) != simdjson::SUCCESS) continue;
      // `turns` are all the user's; of others that name nobody the user begins (SGLang's custom
      // ones).
      const bool of_user = std::string_view(key) == "turns";
      const bool nobody = !of_user && names_nobody(turns);
      bool user = true;
      for (element turn : turns) {
        const std::string_view otherwise = of_user ? "user" : user ? "user" : "assistant";
        user = !user;
        if (add_conversation_turn(out.record, turn, of_user || nobody ? otherwise : "")) continue;
        out.cuts[static_cast<size_t>(Cut::kTurnsLeftOut)] = true;
      }
      return true;
    }
    return false;
  }

  // Alpaca, Dolly, OpenOrca and their kin: a question, what belongs to it, a system prompt.
  bool read_question(ParsedRecord& out, const object& map, Outcome& outcome) {
    for (const char* key : kQuestionKeys) {
      const auto question = text_at(map, key);
      if (!question) continue;
      if (!has_text(*question)) {
        outcome = SkipReason::kEmptyPrompt;
        return true;
      }
      std::string text(trim(*question));
      const std::string_view detail = first_text(map, kDetailKeys);
      if (!detail.empty() && detail != *question) text += "\n\n" + std::string(trim(detail));
      add_turn(out.record, "user", text);
      return true;
    }
    return false;
  }

  // A system prompt that stands beside the question is sent before it.
  void add_system_prompt(Record& record, const object& map) const {
    const std::string_view system = first_text(map, kSystemKeys);
    if (system.empty() || record.turns.empty()) return;
    if (record.turns.front().first == "system" || record.turns.size() > 1) return;
    record.turns.emplace(record.turns.begin(), "system", keep_text ? clean(system) : "");
    record.messages = true;
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
    for (const char* key : kEnvelopeKeys) {
      object inner;
      if (map[key].get(inner) == simdjson::SUCCESS) map = inner;
    }
    if (const auto reason = read_length(record, map)) return reason;
    if (has_any(map, kMediaKeys)) return SkipReason::kNotTextFirst;
    out.cuts[static_cast<size_t>(Cut::kTools)] = has_any(map, kToolsKeys);
    Outcome outcome;
    const bool known = read_prompt(out, map, outcome) || read_conversation(out, map, outcome) ||
                       read_question(out, map, outcome);
    if (outcome) return outcome;
    if (!known) out.keys = keys_of(map);
    add_system_prompt(record, map);
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
    const auto code = parser.parse(json.data(), json.size(), false).get(root);
    if (code != simdjson::SUCCESS) {
      out.skip = code == simdjson::UTF8_ERROR ? SkipReason::kNotUtf8 : SkipReason::kNotJson;
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
