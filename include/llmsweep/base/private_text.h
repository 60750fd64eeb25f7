// Takes what was sent to an endpoint out of what it said about it: prompts may be private.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace llmsweep {

inline constexpr std::string_view kHiddenPrompt = "<prompt>";

// Replaces each run of `text` that one of `sent` holds too, whatever its case and however it is
// escaped. A run is one of 16 letters and digits or more, whatever stands between them (an excerpt
// counts, a list of words counts, an ordinary turn of speech does not); all of a `sent` that has
// fewer but at least 6; a word of 8 or more (a name, a number), alone and in any order, unless it
// is one that errors are made of ("maximum", "content_filter"); and 4 characters of Chinese,
// Japanese or Korean. Takes 5 ns a byte of `sent`.
void hide_sent_text(std::string& text, std::span<const std::string_view> sent);

// Whether `id` is one that a server drew: behind what such ids begin with ("chatcmpl-"), ASCII
// letters mixed with digits and no six letters of one case in a row, so that no word and no number
// of a prompt can stand in it. A look takes a few nanoseconds a byte, a search of the prompt ten a
// byte of the prompt, and every request has an id.
bool is_drawn_id(std::string_view id);

}  // namespace llmsweep
