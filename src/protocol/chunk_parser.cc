#include "llmsweep/protocol/response.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "llmsweep/base/text.h"
#include "protocol/api_dialect.h"
#include "protocol/chunk.h"
#include "protocol/chunk_shape.h"

namespace llmsweep {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kFirstCapacity = size_t{64} << 10;
constexpr size_t kMaxDepth = 64;

// Bytes that are not UTF-8 and escapes of lone surrogates (a character cut in two by the server)
// need not fail a request: both become U+FFFD. Nor need what is no JSON outside and inside of
// texts: NaN and Infinity, which become null, a comma before a bracket, and control characters.
class Repair {
 public:
  explicit Repair(std::string_view payload) : text_(repair_utf8(payload)) {
    while (at_ < text_.size()) {
      if (in_text_) {
        take_in_text();
      } else {
        take_outside();
      }
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void take_in_text() {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      const bool half = at_ + 6 <= text_.size() && text_[at_ + 1] == 'u' &&
                        (text_[at_ + 2] | 0x20) == 'd' &&
                        std::strchr("89abcdefABCDEF", text_[at_ + 3]);
      out_ += half ? "\\ufffd" : text_.substr(at_, 2);
      at_ += half ? 6 : 2;
      return;
    }
    in_text_ = c != '"';
    out_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    ++at_;
  }

  void take_outside() {
    constexpr std::array<std::string_view, 9> kNoNumbers = {
        "-Infinity", "+Infinity", "Infinity", "-NaN", "NaN", "-inf", "nan", "inf", "-nan"};
    const std::string_view rest = std::string_view(text_).substr(at_);
    for (const std::string_view word : kNoNumbers) {
      if (!rest.starts_with(word)) continue;
      out_ += "null";
      at_ += word.size();
      return;
    }
    const size_t next = rest.find_first_not_of(" \t\r\n", 1);
    const bool needless = rest.front() == ',' && next != std::string_view::npos &&
                          (rest[next] == '}' || rest[next] == ']');
    if (!needless) out_ += rest.front();
    in_text_ = rest.front() == '"';
    ++at_;
  }

  std::string text_;
  std::string out_;
  size_t at_ = 0;
  bool in_text_ = false;
};

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

const Chunk* ChunkParser::recognise(const ApiDialect& api, std::string_view payload) {
  return state_->learnt_from == &api ? state_->shape.read(payload) : nullptr;
}

std::string_view ChunkParser::parse(const ApiDialect& api, std::string_view payload, Chunk& chunk) {
  dom::element root;
  simdjson::error_code code = state_->parse(payload, root);
  const bool bad_text = code == simdjson::UTF8_ERROR || code == simdjson::STRING_ERROR;
  const bool to_repair = code != simdjson::SUCCESS && payload.starts_with('{');
  if (to_repair) {
    const simdjson::error_code before = code;
    code = state_->parse(Repair(payload).take(), root);
    if (code != simdjson::SUCCESS) code = before;
  }
  if (code != simdjson::SUCCESS) return simdjson::error_message(code);
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return "it is not a JSON object";
  chunk = {};
  api.read_chunk(object, chunk);
  chunk.repaired = to_repair && !bad_text;
  if (!to_repair) state_->learn(api, payload, chunk);
  return {};
}

}  // namespace llmsweep
