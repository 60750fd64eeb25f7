#include "protocol/input_texts.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Where words begin, with the white space before them: the first at 0.
std::vector<size_t> begins_of_words(std::string_view text) {
  std::vector<size_t> begins = {0};
  size_t at = std::find_if_not(text.begin(), text.end(), is_space) - text.begin();
  while (true) {
    at = std::find_if(text.begin() + at, text.end(), is_space) - text.begin();
    const size_t next = std::find_if_not(text.begin() + at, text.end(), is_space) - text.begin();
    if (next == text.size()) return begins;
    begins.push_back(at);
    at = next;
  }
}

std::vector<size_t> begins_of_characters(std::string_view text) {
  std::vector<size_t> begins;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) begins.push_back(i);
  }
  return begins;
}

// Where pieces may begin: `count` of them at least.
std::vector<size_t> begins_in(std::string_view text, size_t count) {
  std::vector<size_t> begins = begins_of_words(text);
  if (begins.size() < count) begins = begins_of_characters(text);
  if (begins.size() >= count) return begins;
  throw Error(
      {.what = fmt::format("a prompt of {} bytes cannot be cut into {} texts", text.size(), count),
       .where = "workload.inputs_per_request",
       .next = "give more input_tokens, or fewer texts for each request"});
}

// From begins[from] on.
void cut_evenly(std::string_view text, const std::vector<size_t>& begins, size_t from, size_t count,
                std::vector<std::string_view>& pieces) {
  const size_t words = begins.size() - from;
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = begins[from + i * words / count];
    const size_t next = from + (i + 1) * words / count;
    const size_t end = next == begins.size() ? text.size() : begins[next];
    pieces.push_back(text.substr(begin, end - begin));
  }
}

}  // namespace

std::vector<std::string_view> cut_into_inputs(std::string_view text, int64_t count) {
  const auto pieces_wanted = static_cast<size_t>(std::max<int64_t>(count, 1));
  if (pieces_wanted == 1) return {text};
  std::vector<std::string_view> pieces;
  cut_evenly(text, begins_in(text, pieces_wanted), 0, pieces_wanted, pieces);
  return pieces;
}

std::vector<std::string_view> cut_into_query_and_documents(std::string_view text, int64_t count) {
  const auto documents = static_cast<size_t>(std::max<int64_t>(count, 1));
  const std::vector<size_t> begins = begins_in(text, documents + 1);
  const size_t query = std::clamp<size_t>(begins.size() / (documents + 1), 1, kMostQueryWords);
  std::vector<std::string_view> pieces = {text.substr(0, begins[query])};
  cut_evenly(text, begins, query, documents, pieces);
  return pieces;
}

}  // namespace llmsweep
