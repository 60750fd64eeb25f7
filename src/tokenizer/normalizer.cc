#include "tokenizer/normalizer.h"

#include <algorithm>
#include <iterator>

namespace llmsweep {

namespace {

std::string replace(const ReplaceText& step, std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);  // marks of spaces are longer than these
  size_t done = 0;
  RegexScratch scratch;
  for (size_t from = 0; from <= text.size();) {
    Match match;
    if (const auto* literal = std::get_if<std::string>(&step.pattern)) {
      size_t at = text.find(*literal, from);
      if (at == std::string_view::npos) break;
      match = {.begin = at, .end = at + literal->size()};
    } else if (!std::get<Regex>(step.pattern).search(text, from, scratch, match)) {
      break;
    }
    out += text.substr(done, match.begin - done);
    out += step.content;
    done = match.end;
    bool nothing = match.begin == match.end;
    size_t step_over = done < text.size() ? character_at(text, done).bytes : 1;
    from = nothing ? done + step_over : done;
  }
  out += text.substr(std::min(done, text.size()));
  return out;
}

std::string collapse_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t end = 0;;) {
    const size_t begin = text.find_first_not_of(' ', end);
    if (begin == std::string_view::npos) return out;
    end = std::min(text.find(' ', begin), text.size());
    if (!out.empty()) out += ' ';
    out += text.substr(begin, end - begin);
  }
}

std::string strip(const StripSpace& step, std::string_view text) {
  size_t begin = 0;
  size_t end = text.size();
  while (step.left && begin < end) {
    Character c = character_at(text, begin);
    if (!is_white_space(c.code)) break;
    begin += c.bytes;
  }
  while (step.right && end > begin) {
    size_t at = end - 1;
    while (at > begin && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    if (!is_white_space(character_at(text, at).code)) break;
    end = at;
  }
  return std::string(text.substr(begin, end - begin));
}

std::string apply(const NormalizeStep& step, std::string text) {
  if (const auto* form = std::get_if<NormalForm>(&step)) return normalize(text, *form);
  if (const auto* replacement = std::get_if<ReplaceText>(&step)) return replace(*replacement, text);
  if (const auto* space = std::get_if<StripSpace>(&step)) return strip(*space, text);
  if (const auto* map = std::get_if<std::shared_ptr<const CharacterMap>>(&step)) {
    return (**map)(text);
  }
  if (const auto* map = std::get_if<MapGraphemes>(&step)) return map->map->by_grapheme(text);
  if (std::holds_alternative<CollapseSpaces>(step)) return collapse_spaces(text);
  if (const auto* end = std::get_if<StripEnd>(&step)) {
    while (!text.empty() && text.ends_with(end->content)) {
      text.resize(text.size() - end->content.size());
    }
    return text;
  }
  return text.empty() ? text : std::get<PrependText>(step).content + text;
}

}  // namespace

bool Normalizer::leaves_alone(std::string_view text) const {
  return std::all_of(steps_.begin(), steps_.end(), [&](const NormalizeStep& step) {
    const auto* form = std::get_if<NormalForm>(&step);
    if (!form) return false;
    unsigned char least = *form == NormalForm::kNfc ? 0xCC : 0x80;
    return std::none_of(text.begin(), text.end(),
                        [&](char c) { return static_cast<unsigned char>(c) >= least; });
  });
}

Normalizer Normalizer::take_space_marks(std::string& mark) {
  auto first = steps_.end();
  while (first != steps_.begin()) {
    const NormalizeStep& step = *(first - 1);
    const auto* replacement = std::get_if<ReplaceText>(&step);
    const auto* space = replacement ? std::get_if<std::string>(&replacement->pattern) : nullptr;
    if (space && *space == " " && !replacement->content.empty()) {
      mark = replacement->content;
    } else if (!std::holds_alternative<PrependText>(step)) {
      break;
    }
    --first;
  }
  if (mark.empty()) return {};
  Normalizer marks(std::vector<NormalizeStep>(std::make_move_iterator(first),
                                              std::make_move_iterator(steps_.end())));
  steps_.erase(first, steps_.end());
  return marks;
}

std::string Normalizer::operator()(std::string_view text) const {
  std::string out(text);
  for (const auto& step : steps_) out = apply(step, std::move(out));
  return out;
}

}  // namespace llmsweep
