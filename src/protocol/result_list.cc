#include "protocol/result_list.h"

#include "protocol/json_values.h"
#include "protocol/typed_events.h"
#include "protocol/usage.h"

namespace llmsweep {

namespace dom = simdjson::dom;

void read_result_list(const dom::object& answer, std::string_view key,
                      bool (*is_filled)(const dom::object& item), Chunk& chunk) {
  chunk.id = text_in(answer, "id");
  chunk.model = text_in(answer, "model");
  dom::element member;
  if (answer.at_key("error").get(member) == simdjson::SUCCESS) chunk.error = is_error(member);
  if (answer.at_key("usage").get(member) == simdjson::SUCCESS) read_usage(member, chunk);
  dom::array items;
  if (answer.at_key(key).get(items) != simdjson::SUCCESS) return;
  int64_t count = 0;
  for (const dom::element item : items) {
    ++count;
    dom::object object;
    const bool filled = item.get(object) == simdjson::SUCCESS && is_filled(object);
    if (!filled && !chunk.empty_result) chunk.empty_result = count;
  }
  chunk.results = count;
}

}  // namespace llmsweep
