// A prompt as the several texts that embeddings and rerank take. The same prompt gives the same
// texts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace llmsweep {

inline constexpr size_t kMostQueryWords = 32;

// `count` texts of about as many words each, which follow each other in `text`; each but the first
// begins with the white space before its first word. Where there are fewer words, of about as many
// characters. Views into `text`. Throws Error where there are fewer characters.
std::vector<std::string_view> cut_into_inputs(std::string_view text, int64_t count);

// The same behind the query, which is the first word at least, and kMostQueryWords at most.
std::vector<std::string_view> cut_into_query_and_documents(std::string_view text, int64_t count);

}  // namespace llmsweep
