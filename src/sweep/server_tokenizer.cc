#include "sweep/server_tokenizer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/private_text.h"
#include "llmsweep/protocol/answers.h"
#include "llmsweep/sweep/endpoint.h"

namespace llmsweep {
namespace {
using nlohmann::json;

[[noreturn]] void fail(const HttpExchange& exchange, const std::string& what) {
  throw MeasurementError({.what = "the server's tokenizer cannot be used: " + what,
                          .where = exchange.url,
                          .next = "give a tokenizer.json instead: workload.tokenizer"});
}

std::vector<int32_t> encode(Contact& contact, const HttpExchange& exchange,
                            const std::string& model, std::string_view text) {
  HttpExchange request = exchange;
  // vLLM and SGLang read `prompt`, llama.cpp reads `content`; each ignores the other.
  request.body =
      json{{"model", model}, {"prompt", text}, {"content", text}, {"add_special_tokens", false}}
          .dump(-1, ' ', false, json::error_handler_t::replace);
  const HttpAnswer answer = contact.exchange(request);
  if (!answer.error.empty()) fail(exchange, answer.error);
  if (!answer.ok()) {
    std::string words = exchange.secrets.excerpt(answer.body);
    hide_sent_text(words, {&text, 1});
    fail(exchange, fmt::format("HTTP {}: {}", answer.status, words));
  }
  return parse_token_ids(answer.body);
}

}  // namespace

std::shared_ptr<const Tokenizer> make_server_tokenizer(const std::shared_ptr<Contact>& contact,
                                                       HttpExchange exchange,
                                                       const std::string& model) {
  exchange.url = url_beside_version(exchange.url, "/tokenize");
  exchange.headers.emplace_back("Content-Type", "application/json");
  encode(*contact, exchange, model, "hello");  // is there such a route at all?
  return make_remote_tokenizer({.info = {.path = exchange.url, .kind = "server"},
                                .encode = [contact, exchange, model](std::string_view text) {
                                  return encode(*contact, exchange, model, text);
                                }});
}

}  // namespace llmsweep
