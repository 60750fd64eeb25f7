// Writes and reads structs through one list of their fields (result_fields.h), so that the two
// cannot disagree. Private to results/.
//
// fields(archive, value) calls archive(key, member) for each member; of result.json a key is
// {name, sentence}, from which its schema and docs/result-format.md are made. Absent values are
// null; a key that is missing leaves the member as it was, null one that cannot be absent.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/names.h"

namespace llmsweep {

using Json = nlohmann::ordered_json;

// A value somewhere in a file, and where that is.
struct FilePlace {
  const Json& value;
  const std::string& file;
  std::string path;

  [[noreturn]] void fail(std::string what, std::string next = {}) const {
    throw Error({.what = std::move(what),
                 .where = path.empty() ? file : file + ":" + path,
                 .next = std::move(next)});
  }
  FilePlace member(const Json& child, const std::string& key) const {
    return {child, file, path.empty() ? key : path + "." + key};
  }
  FilePlace item(size_t index) const {
    return {value[index], file, path + "[" + std::to_string(index) + "]"};
  }
  void expect_array() const {
    if (!value.is_array()) fail("must be a list");
  }
};

// `sentence` says what a key of result.json means; "": of another file, or written elsewhere.
struct FileKey {
  FileKey(const char* key_name, const char* key_sentence = "")
      : name(key_name), sentence(key_sentence) {}

  const char* name;
  const char* sentence;
};

class JsonWriter {
 public:
  explicit JsonWriter(Json& object) : object_(object) {}
  static constexpr bool kReads = false;

  template <class T>
  void operator()(const FileKey& key, T& value);
  void drop(const char* key) { object_.erase(key); }
  Json& object() { return object_; }

 private:
  Json& object_;
};

class JsonReader {
 public:
  explicit JsonReader(const FilePlace& place) : place_(place) {
    if (!place.value.is_object()) place.fail("must be an object");
  }
  static constexpr bool kReads = true;

  template <class T>
  void operator()(const FileKey& key, T& value);
  const FilePlace& place() const { return place_; }

 private:
  const FilePlace& place_;
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// A type with a shape of its own: specialised in result_fields.h.
template <class T>
struct JsonShape {
  static constexpr bool kSpecial = false;
};

template <class T>
Json encode(T& value) {
  if constexpr (JsonShape<T>::kSpecial) {
    return JsonShape<T>::encode(value);
  } else if constexpr (IsOptional<T>::value) {
    return value ? encode(*value) : Json();
  } else if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (auto& item : value) list.push_back(encode(item));
    return list;
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(name_of(value));
  } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
    Json object = Json::object();
    JsonWriter writer(object);
    fields(writer, value);
    return object;
  } else {
    return value;
  }
}

template <class T>
void decode_number(const FilePlace& place, T& value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!place.value.is_number()) place.fail("must be a number");
    value = place.value.get<double>();
  } else {
    if (!place.value.is_number_integer()) place.fail("must be a whole number");
    const bool fits =
        (place.value.is_number_unsigned() || place.value.get<int64_t>() >= 0) &&
        place.value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max());
    if (!fits) {
      place.fail("must be from 0 to " + std::to_string(std::numeric_limits<T>::max()));
    }
    value = static_cast<T>(place.value.get<uint64_t>());
  }
}

template <class T>
void decode(const FilePlace& place, T& value) {
  if constexpr (JsonShape<T>::kSpecial) {
    JsonShape<T>::decode(place, value);
  } else if constexpr (IsOptional<T>::value) {
    decode(place, value.emplace());
  } else if constexpr (IsVector<T>::value) {
    place.expect_array();
    value.clear();
    for (size_t i = 0; i < place.value.size(); ++i) decode(place.item(i), value.emplace_back());
  } else if constexpr (std::is_enum_v<T>) {
    std::string name;
    decode(place, name);
    const std::optional<T> known = from_name<T>(name);
    if (!known) {
      place.fail("unknown value '" + printable(name, 60) + "'", suggestion(name, all_names<T>()));
    }
    value = *known;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!place.value.is_boolean()) place.fail("must be true or false");
    value = place.value.get<bool>();
  } else if constexpr (std::is_arithmetic_v<T>) {
    decode_number(place, value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!place.value.is_string()) place.fail("must be text");
    value = place.value.get<std::string>();
  } else {
    JsonReader reader(place);
    fields(reader, value);
  }
}

template <class T>
void JsonWriter::operator()(const FileKey& key, T& value) {
  object_[key.name] = encode(value);
}

template <class T>
void JsonReader::operator()(const FileKey& key, T& value) {
  const auto member = place_.value.find(key.name);
  if (member == place_.value.end()) return;
  if (member->is_null()) {
    if constexpr (IsOptional<T>::value) value.reset();
    return;
  }
  decode(place_.member(*member, key.name), value);
}

}  // namespace llmsweep
