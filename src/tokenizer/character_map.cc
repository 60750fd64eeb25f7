#include "tokenizer/character_map.h"

#include "llmsweep/base/text.h"
#include "tokenizer/unicode.h"

namespace llmsweep {

namespace {

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & 1U << 9) >> 6);
}

uint32_t label_of(uint32_t unit) {
  return unit & (1U << 31 | 0xFF);
}

bool text_ends_at(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}

}  // namespace

std::optional<CharacterMap> CharacterMap::parse(std::string_view bytes) {
  if (bytes.size() < 8) return std::nullopt;
  const size_t size = little_endian(bytes.substr(0, 4));
  bytes.remove_prefix(4);
  if (size % 4 != 0 || size == 0 || size >= bytes.size()) return std::nullopt;
  CharacterMap map;
  for (size_t at = 0; at < size; at += 4) {
    map.units_.push_back(little_endian(bytes.substr(at, 4)));
  }
  map.replacements_ = bytes.substr(size);
  if (map.replacements_.back() != '\0' || !is_valid_utf8(map.replacements_)) return std::nullopt;
  map.find_plain();
  return map;
}

void CharacterMap::find_plain() {
  const auto child = [&](size_t offset, size_t byte) {
    const size_t node = offset ^ byte;
    return node < units_.size() && label_of(units_[node]) == byte ? node : 0;
  };
  for (size_t byte = 1; byte < plain_.size(); ++byte) {  // no text of the table has a NUL
    const size_t node = child(offset_of(units_.front()), byte);
    plain_[byte] = node == 0 || !text_ends_at(units_[node]);
    for (size_t next = 1; node != 0 && next < plain_.size(); ++next) {
      if (child(node ^ offset_of(units_[node]), next) != 0) plain_[byte] = false;
    }
  }
}

void CharacterMap::keep(std::string_view text) {
  kept_.add(text, 0);
  const auto first = static_cast<unsigned char>(text.front());
  if (first < plain_.size()) plain_[first] = false;
}

size_t CharacterMap::plain_run(std::string_view text) const {
  const auto is_ascii = [&](size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    return byte > 0 && byte < plain_.size();
  };
  size_t run = 0;
  while (run < text.size() && is_ascii(run) && plain_[static_cast<size_t>(text[run])] &&
         (run + 1 == text.size() || is_ascii(run + 1))) {
    ++run;
  }
  return run;
}

bool CharacterMap::begins_replacement(size_t at) const {
  return at < replacements_.size() && (at == 0 || replacements_[at - 1] == '\0');
}

CharacterMap::Found CharacterMap::find(std::string_view text, Wanted wanted) const {
  Found found;
  size_t node = offset_of(units_.front());
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!text_ends_at(unit) || node >= units_.size()) continue;
    const size_t replacement = units_[node] & ~(1U << 31);
    const bool whole =
        at + 1 == text.size() || (static_cast<unsigned char>(text[at + 1]) & 0xC0) != 0x80;
    if (!whole || !begins_replacement(replacement)) continue;
    found = {at + 1, replacement};
    if (wanted == Wanted::kShortest) break;
  }
  return found;
}

std::string CharacterMap::operator()(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = plain_run(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    size_t bytes = kept_.longest_prefix(text);
    const Found found = bytes == 0 ? find(text, Wanted::kLongest) : Found{};
    if (found.bytes > 0) {
      bytes = found.bytes;
      out += replacements_.c_str() + found.replacement;
    } else {
      if (bytes == 0) bytes = character_at(text, 0).bytes;
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::string CharacterMap::by_grapheme(std::string_view text) const {
  constexpr size_t kLongestCluster = 5;
  std::string out;
  out.reserve(text.size());
  const auto replace = [&](std::string_view part) {
    const Found found = find(part, Wanted::kShortest);
    if (found.bytes > 0) out += replacements_.c_str() + found.replacement;
    return found.bytes > 0;
  };
  while (!text.empty()) {
    const size_t plain = plain_run(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    std::string_view cluster = text.substr(0, grapheme_bytes(text));
    text.remove_prefix(cluster.size());
    if (cluster.size() <= kLongestCluster && replace(cluster)) continue;
    while (!cluster.empty()) {
      const std::string_view character = cluster.substr(0, character_at(cluster, 0).bytes);
      if (!replace(character)) out += character;
      cluster.remove_prefix(character.size());
    }
  }
  return out;
}

}  // namespace llmsweep
