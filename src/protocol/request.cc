#include "llmsweep/protocol/request.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "protocol/api_dialect.h"
#include "protocol/error_text.h"

namespace llmsweep {
namespace {

using OrderedJson = nlohmann::ordered_json;

bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where `name` stands in `text` as a word of its own.
size_t find_word(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool begins = at == 0 || !is_identifier(text[at - 1]);
    if (begins && (end == text.size() || !is_identifier(text[end]))) return at;
  }
  return std::string_view::npos;
}

// pydantic's messages, which vLLM passes on, may end with the whole request, which holds every
// name.
std::string_view without_echo(std::string_view message) {
  return message.substr(0, message.find("'input': {"));
}

bool is_refusal(int status) {
  return status == 400 || status == 422;
}

struct NamedField {
  std::string_view name;
  RequestField field;
};

// A message about a member of stream_options may name both: the inner ones come first.
constexpr std::array kNamedFields = {
    NamedField{"continuous_usage_stats", RequestField::kContinuousUsage},
    NamedField{"include_usage", RequestField::kIncludeUsage},
    NamedField{"stream_options", RequestField::kIncludeUsage},
    NamedField{"ignore_eos", RequestField::kIgnoreEos},
    NamedField{"min_tokens", RequestField::kMinTokens},
};

}  // namespace

std::string render_request(const EndpointSpec& endpoint, const std::string& model,
                           const std::vector<RequestField>& fields, const Prompt& prompt) {
  const ApiDialect& api = dialect_of(endpoint.api);
  if (!prompt.ids.empty() && !api.traits.takes_token_ids) {
    throw Error({.what = fmt::format("a prompt of token ids cannot be sent to the {} API",
                                     name_of(endpoint.api)),
                 .where = "workload.prompt_as",
                 .next = "use endpoint.api: completions, or workload.prompt_as: text"});
  }
  OrderedJson body = OrderedJson::object();
  if (!model.empty()) body["model"] = model;
  api.write_body({.endpoint = endpoint, .fields = fields, .prompt = prompt}, body);
  const OrderedJson extra = OrderedJson::parse(endpoint.extra_body, nullptr, false);
  if (!extra.is_object()) {
    throw Error({.what = "extra_body is not a JSON object",
                 .where = "endpoint.extra_body",
                 .next = "write it as a map, for instance {temperature: 0}"});
  }
  body.merge_patch(extra);
  return body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string path_of(Api api) {
  return std::string(traits_of(api).path);
}

std::optional<RequestField> refused_field(int status, std::string_view body) {
  if (!is_refusal(status)) return std::nullopt;
  const ServerError error = read_server_error(body);
  // What the server names as the cause counts before what its sentence mentions.
  for (const std::string_view text : {std::string_view(error.field), without_echo(error.message)}) {
    for (const NamedField& named : kNamedFields) {
      if (find_word(text, named.name) != std::string_view::npos) return named.field;
    }
  }
  return std::nullopt;
}

std::optional<std::string> renamed_max_tokens_field(int status, std::string_view body,
                                                    std::string_view current) {
  if (!is_refusal(status)) return std::nullopt;
  const ServerError error = read_server_error(body);
  const std::string_view message = without_echo(error.message);
  if (error.field != current && find_word(message, current) == std::string_view::npos) {
    return std::nullopt;
  }
  for (std::string_view name : {"max_completion_tokens", "max_tokens", "max_new_tokens"}) {
    const bool offered = find_word(message, name) != std::string_view::npos;
    if (name != current && offered) return std::string(name);
  }
  return std::nullopt;
}

std::optional<int64_t> fewest_output_tokens(int status, std::string_view body,
                                            std::string_view max_tokens_field) {
  if (!is_refusal(status)) return std::nullopt;
  const ServerError error = read_server_error(body);
  const std::string_view message = without_echo(error.message);
  const bool of_the_limit = error.field.ends_with(max_tokens_field) ||
                            find_word(message, max_tokens_field) != std::string_view::npos ||
                            find_word(message, "max_output_tokens") != std::string_view::npos;
  if (!of_the_limit) return std::nullopt;
  for (const std::string_view words :
       {"at least", "greater than or equal to", "greater than", "larger than", "more than",
        "minimum value", "minimum", ">=", ">"}) {
    size_t begin = message.find(words);
    if (begin == std::string_view::npos) continue;
    begin = message.find_first_of("0123456789", begin + words.size());
    if (begin == std::string_view::npos) continue;
    const size_t end = message.find_first_not_of("0123456789", begin);
    const std::optional<int64_t> number = parse_int(message.substr(begin, end - begin));
    if (!number) continue;
    const bool above = words.ends_with("than") || words == ">";
    return *number + (above ? 1 : 0);
  }
  return std::nullopt;
}

}  // namespace llmsweep
