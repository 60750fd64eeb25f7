#include "tokenizer/json_reader.h"

#include <fmt/format.h>

#include <utility>

#include "llmsweep/base/error.h"

namespace llmsweep {

std::optional<JsonPlace> JsonPlace::find(const char* key) const {
  simdjson::dom::element member;
  if (map()[key].get(member) != simdjson::SUCCESS || member.is_null()) return std::nullopt;
  return JsonPlace(member, *file_, path_.empty() ? key : path_ + "." + key);
}

JsonPlace JsonPlace::at(const char* key) const {
  auto member = find(key);
  if (!member) fail(fmt::format("'{}' is missing", key));
  return *member;
}

std::string_view JsonPlace::text() const {
  std::string_view text;
  if (value_.get(text) != simdjson::SUCCESS) fail("expected text");
  return text;
}

bool JsonPlace::flag(const char* key, bool otherwise) const {
  auto member = find(key);
  if (!member) return otherwise;
  bool flag = false;
  if (member->value_.get(flag) != simdjson::SUCCESS) member->fail("expected true or false");
  return flag;
}

std::string_view JsonPlace::text_or(const char* key, std::string_view otherwise) const {
  auto member = find(key);
  return member ? member->text() : otherwise;
}

simdjson::dom::array JsonPlace::list() const {
  simdjson::dom::array list;
  if (value_.get(list) != simdjson::SUCCESS) fail("expected a list");
  return list;
}

simdjson::dom::object JsonPlace::map() const {
  simdjson::dom::object map;
  if (value_.get(map) != simdjson::SUCCESS) fail("expected an object");
  return map;
}

JsonPlace JsonPlace::item(simdjson::dom::element value, size_t index) const {
  return {value, *file_, fmt::format("{}[{}]", path_, index)};
}

void JsonPlace::refuse(std::string what) const {
  throw Error{{.what = std::move(what) + " is not supported",
               .where = where(),
               .next = "set workload.tokenizer: server to count with the server's own, or leave it "
                       "out for an estimate"}};
}

void JsonPlace::fail(std::string what) const {
  throw Error{{.what = std::move(what),
               .where = where(),
               .next = "this is not a usable tokenizer.json; get it again"}};
}

}  // namespace llmsweep
