#include "results/result_fields.h"

namespace llmsweep {

Json JsonShape<TokenCount>::encode(const TokenCount& value) {
  return tokens_json<Json>(value);
}

void JsonShape<TokenCount>::decode(const FilePlace& place, TokenCount& value) {
  value = {};
  if (place.value.is_array()) {
    value.kind = TokenCount::Kind::kWeighted;
    for (size_t i = 0; i < place.value.size(); ++i) {
      const FilePlace item = place.item(i);
      JsonReader reader(item);
      auto& [tokens, weight] = value.weighted.emplace_back(0, 1);
      reader("tokens", tokens);
      reader("weight", weight);
    }
    return;
  }
  if (!place.value.is_object()) return decode_number(place, value.fixed);
  JsonReader reader(place);
  if (place.value.contains("mean")) {
    value.kind = TokenCount::Kind::kNormal;
    reader("mean", value.mean);
    reader("stddev", value.stddev);
  } else {
    value.kind = TokenCount::Kind::kUniform;
    reader("min", value.min);
    reader("max", value.max);
  }
}

Json JsonShape<std::map<Outcome, int64_t>>::encode(const std::map<Outcome, int64_t>& value) {
  Json object = Json::object();
  for (const auto& [outcome, count] : value) object[std::string(name_of(outcome))] = count;
  return object;
}

void JsonShape<std::map<Outcome, int64_t>>::decode(const FilePlace& place,
                                                   std::map<Outcome, int64_t>& value) {
  if (!place.value.is_object()) place.fail("must be an object");
  value.clear();
  for (const auto& [name, count] : place.value.items()) {
    const FilePlace member = place.member(count, printable(name, 60));
    const std::optional<Outcome> outcome = from_name<Outcome>(name);
    if (!outcome) member.fail("is no outcome", suggestion(name, all_names<Outcome>()));
    decode_number(member, value[*outcome]);
  }
}

Json JsonShape<Validity>::encode(const Validity& value) {
  Json object = Json::object();
  for (auto [key, reasons] : value) object[key] = llmsweep::encode(reasons);
  return object;
}

// Keys may be of a later version's measures.
void JsonShape<Validity>::decode(const FilePlace& place, Validity& value) {
  if (!place.value.is_object()) place.fail("must be an object");
  value.clear();
  for (const auto& [key, reasons] : place.value.items()) {
    llmsweep::decode(place.member(reasons, printable(key, 60)), value[key]);
  }
}

void JsonShape<std::pair<std::string, std::string>>::decode(
    const FilePlace& place, std::pair<std::string, std::string>& value) {
  place.expect_array();
  if (place.value.size() != 2) place.fail("must be [name, value]");
  llmsweep::decode(place.item(0), value.first);
  llmsweep::decode(place.item(1), value.second);
}

Json JsonShape<std::vector<std::pair<std::string, double>>>::encode(
    const std::vector<std::pair<std::string, double>>& value) {
  Json object = Json::object();
  for (const auto& [name, number] : value) object[name] = number;
  return object;
}

void JsonShape<std::vector<std::pair<std::string, double>>>::decode(
    const FilePlace& place, std::vector<std::pair<std::string, double>>& value) {
  if (!place.value.is_object()) place.fail("must be an object");
  value.clear();
  for (const auto& [name, number] : place.value.items()) {
    decode_number(place.member(number, printable(name, 60)), value.emplace_back(name, 0).second);
  }
}

}  // namespace llmsweep
