// Requests that the endpoint's tests send.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "plain_client.h"

namespace llmsweep::sim {

inline std::string body_of(bool chat, int64_t max_tokens, const nlohmann::json& more) {
  nlohmann::json body = {{"max_tokens", max_tokens}};
  if (chat) {
    body["messages"] = {{{"role", "user"}, {"content", "tell me a tale"}}};
  } else {
    body["prompt"] = "tell me a tale";
  }
  body.update(more);
  return body.dump();
}

inline std::string chat(int64_t max_tokens, const nlohmann::json& more = {{"ignore_eos", true}}) {
  nlohmann::json fields = {{"ignore_eos", true}};
  fields.update(more);
  return post("/v1/chat/completions", body_of(true, max_tokens, fields));
}

inline const nlohmann::json kStream = {{"stream", true}};
inline const nlohmann::json kStreamUsage = {{"stream", true},
                                            {"stream_options", {{"include_usage", true}}}};

}  // namespace llmsweep::sim
