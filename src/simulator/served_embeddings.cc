// POST /v1/embeddings
#include "simulator/served_api.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <utility>

#include "llmsweep/base/base64.h"
#include "simulator/request_fields.h"
#include "simulator/results_writer.h"

namespace llmsweep::sim {

namespace dom = simdjson::dom;

namespace {

// A text, or a list of token ids.
void add_input(const dom::element& value, ApiRequest& request) {
  ++request.inputs;
  std::string_view text;
  dom::array ids;
  if (value.get(text) == simdjson::SUCCESS) return request.prompt.add_text(text);
  if (value.get(ids) != simdjson::SUCCESS) {
    refuse("'input' must be a text, a list of token ids, or a list of these", "input");
  }
  for (const dom::element& item : ids) {
    uint64_t id = 0;
    if (item.get(id) != simdjson::SUCCESS) {
      refuse("token ids must be non-negative integers", "input");
    }
    request.prompt.add_id(id);
  }
}

void read_embeddings(const dom::object& root, const SimulatorProfile& profile,
                     ApiRequest& request) {
  std::string_view text;
  if (root.at_key("model").get(text) == simdjson::SUCCESS) request.model = text;
  const dom::element input = required(root, "input");
  dom::array items;
  const bool list = input.get(items) == simdjson::SUCCESS && items.begin() != items.end() &&
                    !(*items.begin()).is_number();
  if (list) {
    for (const dom::element& item : items) add_input(item, request);
  } else {
    add_input(input, request);
  }
  refuse_empty(request.prompt, "input");
  request.results = request.inputs;
  request.dimensions = whole(root, "dimensions", 1).value_or(profile.wire.vector_size);
  if (const auto format = given(root, "encoding_format")) {
    const bool known = format->get(text) == simdjson::SUCCESS;
    if (!known || (text != "float" && text != "base64")) {
      refuse("'encoding_format' must be float or base64", "encoding_format");
    }
    request.base64 = text == "base64";
  }
}

// From −1 to 1, the same for the same request.
float number_of(uint64_t seed, int64_t vector, int64_t dimension) {
  const uint64_t drawn =
      mix(mix(seed, static_cast<uint64_t>(vector)), static_cast<uint64_t>(dimension));
  return static_cast<float>(static_cast<double>(drawn >> 11) * 0x1p-52 - 1);
}

class EmbeddingsWriter : public ResultsWriter {
 public:
  using ResultsWriter::ResultsWriter;

  std::string plain(const TokenText& /*reasoning*/, const TokenText& /*answer*/,
                    std::string_view /*finish*/, const Progress& /*progress*/) const final {
    std::string json =
        fmt::format(R"({{"id":{},"object":"list","created":{},"model":{},"data":[)",
                    json_quoted(answer_.id), answer_.created, json_quoted(answer_.model));
    for (int64_t i = 0; i < answer_.results; ++i) {
      json += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":{}}})",
                          i == 0 ? "" : ",", i, vector(i));
    }
    return json + ']' + usage_member() + '}';
  }

 private:
  std::string vector(int64_t index) const {
    const int64_t size = index + 1 == answer_.empty_result ? 0 : answer_.dimensions;
    return answer_.base64 ? bytes(index, size) : numbers(index, size);
  }
  std::string numbers(int64_t index, int64_t size) const {
    std::string list = "[";
    for (int64_t i = 0; i < size; ++i) {
      list += fmt::format("{}{:.7f}", i == 0 ? "" : ",", number_of(answer_.seed, index, i));
    }
    return list + ']';
  }
  // As little-endian floats.
  std::string bytes(int64_t index, int64_t size) const {
    std::string raw;
    for (int64_t i = 0; i < size; ++i) {
      const auto bits = std::bit_cast<uint32_t>(number_of(answer_.seed, index, i));
      for (unsigned shift = 0; shift < 32; shift += 8) {
        raw += static_cast<char>(bits >> shift & 0xffU);
      }
    }
    return json_quoted(base64_encoded(raw));
  }
};

std::unique_ptr<EventWriter> make_embeddings_writer(const WireProfile& wire, Dialect dialect,
                                                    Answer answer) {
  return std::make_unique<EmbeddingsWriter>(wire, dialect, std::move(answer));
}

}  // namespace

const Api kServedEmbeddings = {.name = "embeddings",
                               .path = "/v1/embeddings",
                               .id_prefix = "embd",
                               .generates = false,
                               .default_tokens = 1,
                               .always_counts = {},
                               .read = read_embeddings,
                               .make_writer = make_embeddings_writer};

}  // namespace llmsweep::sim
