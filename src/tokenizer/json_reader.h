// A tokenizer.json's parts as plain values, with errors that name the place and the way round.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

// A value in the file, with its path ("pre_tokenizer.pretokenizers[1]"). Lives no longer than the
// document.
class TokenizerJson {
 public:
  TokenizerJson(simdjson::dom::element value, const std::string& file, std::string path)
      : value_(value), file_(&file), path_(std::move(path)) {}

  bool is_null() const { return value_.is_null(); }
  // A member; nothing where absent or null. Not an object: Error.
  std::optional<TokenizerJson> find(const char* key) const;
  TokenizerJson at(const char* key) const;  // absent: Error
  std::string_view text() const;
  bool flag(const char* key, bool otherwise) const;
  std::string_view text_or(const char* key, std::string_view otherwise) const;
  simdjson::dom::array list() const;
  simdjson::dom::object map() const;
  TokenizerJson item(simdjson::dom::element value, size_t index) const;
  simdjson::dom::element value() const { return value_; }

  std::string where() const { return path_.empty() ? *file_ : *file_ + ":" + path_; }
  const std::string& file() const { return *file_; }
  // "… is not supported", with the fallback named.
  [[noreturn]] void refuse(std::string what) const;
  [[noreturn]] void fail(std::string what) const;

 private:
  simdjson::dom::element value_;
  const std::string* file_;
  std::string path_;
};

}  // namespace llmsweep
