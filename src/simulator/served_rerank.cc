// POST /v1/rerank
#include "simulator/served_api.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "simulator/request_fields.h"
#include "simulator/results_writer.h"

namespace llmsweep::sim {

namespace dom = simdjson::dom;

namespace {

std::string_view text_of_document(const dom::element& document) {
  std::string_view text;
  dom::object object;
  if (document.get(text) == simdjson::SUCCESS) return text;
  if (document.get(object) != simdjson::SUCCESS ||
      object.at_key("text").get(text) != simdjson::SUCCESS) {
    refuse("a document must be a text, or an object with one", "documents");
  }
  return text;
}

// The model reads the query with each document.
void read_rerank(const dom::object& root, const SimulatorProfile& /*profile*/,
                 ApiRequest& request) {
  std::string_view text;
  if (root.at_key("model").get(text) == simdjson::SUCCESS) request.model = text;
  std::string_view query;
  dom::array documents;
  if (required(root, "query").get(query) != simdjson::SUCCESS) {
    refuse("'query' must be a text", "query");
  }
  if (required(root, "documents").get(documents) != simdjson::SUCCESS ||
      documents.begin() == documents.end()) {
    refuse("'documents' must be a list of at least one", "documents");
  }
  for (const dom::element& document : documents) {
    ++request.inputs;
    request.prompt.add_text(query);
    request.prompt.add_text(text_of_document(document));
  }
  refuse_empty(request.prompt, "documents");
  request.results = std::min(request.inputs, whole(root, "top_n", 1).value_or(request.inputs));
}

class RerankWriter : public ResultsWriter {
 public:
  using ResultsWriter::ResultsWriter;

  std::string plain(const TokenText& /*reasoning*/, const TokenText& /*answer*/,
                    std::string_view /*finish*/, const Progress& /*progress*/) const final {
    struct Scored {
      int64_t index;
      double score;
    };
    std::vector<Scored> ranked;
    for (int64_t i = 0; i < answer_.inputs; ++i) {
      const uint64_t drawn = mix(answer_.seed, static_cast<uint64_t>(i));
      ranked.push_back({i, static_cast<double>(drawn >> 11) * 0x1p-53});
    }
    std::sort(ranked.begin(), ranked.end(),
              [](const Scored& a, const Scored& b) { return a.score > b.score; });
    std::string json = fmt::format(R"({{"id":{},"model":{},"results":[)", json_quoted(answer_.id),
                                   json_quoted(answer_.model));
    for (int64_t i = 0; i < answer_.results; ++i) {
      const Scored& scored = ranked[static_cast<size_t>(i)];
      json += fmt::format(R"({}{{"index":{}{}}})", i == 0 ? "" : ",", scored.index,
                          i + 1 == answer_.empty_result
                              ? std::string()
                              : fmt::format(R"(,"relevance_score":{:.6f})", scored.score));
    }
    return json + ']' + usage_member() + '}';
  }
};

std::unique_ptr<EventWriter> make_rerank_writer(const WireProfile& wire, Dialect dialect,
                                                Answer answer) {
  return std::make_unique<RerankWriter>(wire, dialect, std::move(answer));
}

}  // namespace

const Api kServedRerank = {.name = "rerank",
                           .path = "/v1/rerank",
                           .id_prefix = "rerank",
                           .generates = false,
                           .default_tokens = 1,
                           .always_counts = {},
                           .read = read_rerank,
                           .make_writer = make_rerank_writer};

}  // namespace llmsweep::sim
