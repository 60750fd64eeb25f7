#include "tokenizer/json_reader.h"

#include <fmt/format.h>

#include <utility>

#include "llmsweep/base/error.h"

namespace llmsweep {

std::optional<TokenizerJson> TokenizerJson::find(const char* key) const {
  simdjson::dom::element member;
  if (map()[key].get(member) != simdjson::SUCCESS || member.is_null()) return std::nullopt;
  return TokenizerJson(member, *file_, path_.empty() ? key : path_ + "." + key);
}

TokenizerJson TokenizerJson::at(const char* key) const {
  auto member = find(key);
  if (!member) fail(fmt::format("'{}' is missing", key));
  return *member;
}

std::string_view TokenizerJson::text() const {
  std::string_view text;
  if (value_.get(text) != simdjson::SUCCESS) fail("expected text");
  return text;
}

bool TokenizerJson::flag(const char* key, bool otherwise) const {
  auto member = find(key);
  if (!member) return otherwise;
  bool flag = false;
  if (member->value_.get(flag) != simdjson::SUCCESS) member->fail("expected true or false");
  return flag;
}

std::string_view TokenizerJson::text_or(const char* key, std::string_view otherwise) const {
  auto member = find(key);
  return member ? member->text() : otherwise;
}

simdjson::dom::array TokenizerJson::list() const {
  simdjson::dom::array list;
  if (value_.get(list) != simdjson::SUCCESS) fail("expected a list");
  return list;
}

simdjson::dom::object TokenizerJson::map() const {
  simdjson::dom::object map;
  if (value_.get(map) != simdjson::SUCCESS) fail("expected an object");
  return map;
}

TokenizerJson TokenizerJson::item(simdjson::dom::element value, size_t index) const {
  return {value, *file_, fmt::format("{}[{}]", path_, index)};
}

void TokenizerJson::refuse(std::string what) const {
  throw Error{{.what = std::move(what) + " is not supported",
               .where = where(),
               .next = "set workload.tokenizer: server to count with the server's own, or leave it "
                       "out for an estimate"}};
}

void TokenizerJson::fail(std::string what) const {
  throw Error{{.what = std::move(what),
               .where = where(),
               .next = "this is not a usable tokenizer file; get it again"}};
}

}  // namespace llmsweep
