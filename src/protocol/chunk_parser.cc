#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "llmsweep/base/text.h"
#include "llmsweep/protocol/response.h"
#include "protocol/api_dialect.h"
#include "protocol/chunk.h"
#include "protocol/chunk_shape.h"

namespace llmsweep {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kFirstCapacity = size_t{64} << 10;
constexpr size_t kMaxDepth = 64;

// Text is not kept, so bytes that are not UTF-8 and escapes of lone surrogates (a character cut in
// two by the server) need not fail a request: both become U+FFFD.
std::string repaired(std::string_view payload) {
  std::string text = repair_utf8(payload);
  for (size_t i = text.find('\\'); i != std::string::npos; i = text.find('\\', i + 2)) {
    const bool surrogate = i + 6 <= text.size() && text[i + 1] == 'u' &&
                           (text[i + 2] | 0x20) == 'd' &&
                           std::strchr("89abcdefABCDEF", text[i + 3]);
    if (surrogate) text.replace(i + 2, 4, "fffd");
  }
  return text;
}

}  // namespace

struct ChunkParser::State {
  ChunkShape shape;
  const ApiDialect* learnt_from = nullptr;  // whose chunk `shape` has
  dom::parser parser;
  std::unique_ptr<char[]> buffer;  // simdjson reads SIMDJSON_PADDING bytes beyond the text
  size_t capacity = 0;

  void reserve(size_t size) {
    if (size <= capacity) return;
    capacity = std::max(size, 2 * capacity);
    buffer = std::make_unique<char[]>(capacity + simdjson::SIMDJSON_PADDING);
  }

  simdjson::error_code parse(std::string_view payload, dom::element& root) {
    reserve(payload.size());
    std::memcpy(buffer.get(), payload.data(), payload.size());
    return parser.parse(buffer.get(), payload.size(), false).get(root);
  }

  void learn(const ApiDialect& api, std::string_view payload, const Chunk& chunk) {
    if (learnt_from != &api) shape = {};
    learnt_from = &api;
    shape.learn(payload, chunk, api.keys);
  }
};

ChunkParser::ChunkParser() : state_(std::make_unique<State>()) {
  state_->reserve(kFirstCapacity);
  if (state_->parser.allocate(kFirstCapacity, kMaxDepth) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
}

ChunkParser::~ChunkParser() = default;

bool ChunkParser::recognise(const ApiDialect& api, std::string_view payload, Chunk& chunk) {
  return state_->learnt_from == &api && state_->shape.read(payload, chunk);
}

std::string_view ChunkParser::parse(const ApiDialect& api, std::string_view payload, Chunk& chunk) {
  dom::element root;
  simdjson::error_code code = state_->parse(payload, root);
  const bool to_repair = code == simdjson::UTF8_ERROR || code == simdjson::STRING_ERROR;
  if (to_repair) code = state_->parse(repaired(payload), root);
  if (code != simdjson::SUCCESS) return simdjson::error_message(code);
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return "it is not a JSON object";
  chunk = {};
  api.read_chunk(object, chunk);
  if (!to_repair) state_->learn(api, payload, chunk);
  return {};
}

}  // namespace llmsweep
