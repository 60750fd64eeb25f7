// What a client asked for, read from the body of its request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "llmsweep/simulator/profile.h"
#include "simulator/prompt_tokens.h"

namespace llmsweep::sim {

struct Api;

struct ApiRequest {
  const Api* api = nullptr;  // by which it came
  bool stream = false;
  bool include_usage = false;
  bool continuous_usage = false;
  bool ignore_eos = false;
  std::optional<int64_t> max_tokens;
  int64_t min_tokens = 0;
  std::optional<uint64_t> seed;
  std::string model;  // empty: not given
  PromptTokens prompt;
  // Of an API that generates none: the texts or documents, how many results are wanted, and of
  // vectors their size and form.
  int64_t inputs = 0;
  int64_t results = 0;
  int64_t dimensions = 0;
  bool base64 = false;
};

// An answer other than 200.
struct ApiFailure {
  int status = 400;
  std::string message;
  std::string type = "BadRequestError";
  std::string param;  // the field at fault, if any
};

std::variant<ApiRequest, ApiFailure> parse_api_request(std::string_view body, const Api& api,
                                                       const SimulatorProfile& profile);

// The body of /tokenize (`prompt`, `content` or `messages`) as a prompt with ids kept.
std::variant<PromptTokens, ApiFailure> parse_tokenize_request(std::string_view body,
                                                              const SimulatorProfile& profile);

}  // namespace llmsweep::sim
