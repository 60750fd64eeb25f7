#include "dataset/prompt_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "dataset/exact_text.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/model_mix.h"
#include "llmsweep/model/token_draw.h"
#include "llmsweep/protocol/api.h"

namespace llmsweep {

namespace {

constexpr uint64_t kLengthStream = 0x6c656e677468;  // "length"
constexpr uint64_t kImageStream = 0x696d61676573;   // "images"
constexpr uint64_t kPrefixStream = 0x707265666978;  // "prefix"
constexpr uint64_t kPartStream = 0x70617274;        // "part"
constexpr int kNonceLetters = 9;                    // 26^9 > kEnoughNonces
constexpr int kNonceWords = 4;

std::string first_user_text(const Record& record) {
  for (const auto& turn : record.turns) {
    if (turn.first == "user") return turn.second;
  }
  return {};
}

// Cuts `text` to at most `bytes`, at a character, without white space at the end.
void cut(std::string& text, size_t bytes) {
  if (text.size() > bytes) {
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    text.resize(bytes);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' ||
                           text.back() == '\t')) {
    text.pop_back();
  }
}

}  // namespace

PromptMaker::PromptMaker(const PromptKit& kit, const Heads& heads)
    : kit_(kit), heads_(heads), reader_(kit.dataset) {
  if (kit.tokenizer) encoder_ = kit.tokenizer->encoder();
}

bool PromptMaker::refuse(const std::string& text) const {
  if (kit_.tokenizer) return kit_.tokenizer->holds_added_token(text);
  return holds_control_text(text);
}

void PromptMaker::fail_short(const Request& request, int64_t available) const {
  throw Error{{.what = fmt::format("a prompt of {} tokens needs more text than the dataset has: "
                                   "all its {} records give about {}",
                                   request.tokens, kit_.dataset.size(), available),
               .where = "workload.input_tokens",
               .next = "use a larger dataset, dataset: random, or fewer input_tokens"}};
}

// The words that make the prompt distinct, after its group's prefix.
std::string PromptMaker::head_of(uint64_t index, int64_t tokens, bool may_repeat) const {
  const auto& workload = kit_.plan.workload;
  std::string prefix;
  int64_t left = tokens;
  if (!heads_.prefixes.empty()) {
    prefix = heads_.prefixes[index % heads_.prefixes.size()];
    left -= workload.prefix_tokens;
  }
  if (left <= 0) {
    throw Error{{.what = fmt::format("a prefix of {} tokens leaves nothing of a prompt of {}",
                                     workload.prefix_tokens, tokens),
                 .where = "workload.prefix_tokens",
                 .next = "give a shorter prefix or more input_tokens"}};
  }
  if (!kit_.distinct()) return prefix;
  bool spaced = !prefix.empty();
  // The index of its words: of a spare prompt counted from the end.
  const uint64_t from_end = index - static_cast<uint64_t>(kSparePrompts);
  const bool spare = index >= static_cast<uint64_t>(kSparePrompts);
  auto place = [&](uint64_t capacity) {
    if (spare ? from_end < capacity / 2 : index < capacity) {
      return spare ? capacity - 1 - from_end : index;
    }
    if (may_repeat) return index % capacity;
    throw Error{{.what = fmt::format("only {} prompts of {} tokens can be distinct, and prompt {} "
                                     "is asked for",
                                     capacity, tokens, index + 1),
                 .where = "workload.input_tokens",
                 .next = "ask for more input_tokens, or set workload.reuse: allow"}};
  };
  if (kit_.tokenizer) {
    int length =
        heads_.nonces.length(static_cast<int>(std::min<int64_t>(left, kNonceWords)), spaced);
    const uint64_t at = place(heads_.nonces.capacity(length, spaced));
    return prefix + heads_.nonces.make(at, length, spaced);
  }
  auto bytes = static_cast<int64_t>(static_cast<double>(left) * kit_.plan.bytes_per_token) -
               (spaced ? 1 : 0);
  int letters = static_cast<int>(std::clamp<int64_t>(bytes, 1, kNonceLetters));
  const uint64_t at = place(letter_nonces(letters));
  return prefix + (spaced ? " " : "") + letter_nonce(at, letters, heads_.seed);
}

std::string PromptMaker::fit_estimate(const Request& request) {
  double ratio = kit_.plan.bytes_per_token;
  auto bytes =
      static_cast<size_t>(std::max(1.0, std::round(static_cast<double>(request.tokens) * ratio)));
  std::string text = request.head;
  Excerpt excerpt(kit_.dataset, reader_, {.prompt = request.prompt, .seed = request.seed});
  while (text.size() < bytes) {
    if (!excerpt.append_to(text, [&](const std::string& t) { return refuse(t); })) {
      fail_short(request, static_cast<int64_t>(static_cast<double>(text.size()) / ratio));
    }
  }
  cut(text, std::max(bytes, request.head.size()));
  return text;
}

std::string PromptMaker::fit_exact(const Request& request) {
  ExactText exact(*kit_.tokenizer, *encoder_, heads_.nonces.words().spaced);
  int64_t available = 0;
  for (uint64_t attempt = 0; attempt < 32; ++attempt) {
    Excerpt excerpt(kit_.dataset, reader_,
                    {.prompt = request.prompt, .seed = request.seed, .attempt = attempt});
    auto more = [&](std::string& text) {
      return excerpt.append_to(text, [&](const std::string& t) { return refuse(t); });
    };
    Random random(request.seed ^ kLengthStream, request.prompt * 32 + attempt);
    ExactText::Fit fit = exact.fit(request.head, request.tokens, more, random);
    if (fit.exact) return std::move(fit.text);
    if (fit.ran_out) {
      available = std::max(available, fit.available);
      break;
    }
  }
  if (available > 0) fail_short(request, available);
  throw Error{{.what = fmt::format("no prompt of exactly {} tokens could be made", request.tokens),
               .where = "workload.tokenizer",
               .next = "the tokenizer may not be stable under cutting; leave workload.tokenizer "
                       "out for approximate lengths"}};
}

std::string PromptMaker::fit(const Request& request) {
  return kit_.tokenizer ? fit_exact(request) : fit_estimate(request);
}

std::string PromptMaker::make_prefix(uint64_t group, int64_t tokens) {
  Request request{
      .tokens = tokens, .prompt = group, .seed = kit_.plan.workload.seed ^ kPrefixStream};
  // Groups must differ even where they are short.
  if (kit_.tokenizer) {
    int length =
        heads_.nonces.length(static_cast<int>(std::min<int64_t>(tokens, kNonceWords)), false);
    request.head =
        heads_.nonces.make(heads_.nonces.capacity(length, false) - 1 - group, length, false);
  } else {
    int letters = static_cast<int>(std::min<int64_t>(tokens * 2, kNonceLetters));
    request.head =
        letter_nonce(letter_nonces(letters) - 1 - group, letters, heads_.seed ^ kPrefixStream);
  }
  return fit(request);
}

// The prompt as the dataset has it.
Prompt PromptMaker::make_own_length(uint64_t index, Random& random) {
  const auto& plan = kit_.plan;
  Prompt prompt;
  Excerpt excerpt(kit_.dataset, reader_, {.prompt = index, .seed = plan.workload.seed});
  std::string head = head_of(index, plan.workload.prefix_tokens + 16);
  if (!head.empty()) head += "\n\n";
  while (auto record = excerpt.next()) {
    std::string text = first_user_text(*record);
    if (text.empty() || refuse(text)) continue;
    bool whole = record->messages && traits_of(plan.api).takes_messages &&
                 plan.workload.prompt_as == PromptAs::kText;
    if (whole) {
      prompt.messages = std::move(record->turns);
      for (auto& [role, content] : prompt.messages) {
        if (role != "user") continue;
        content.insert(0, head);
        break;
      }
    } else {
      prompt.text = head + text;
    }
    if (record->max_tokens > 0) prompt.planned_output_tokens = record->max_tokens;
    break;
  }
  if (prompt.text.empty() && prompt.messages.empty()) {
    throw Error{{.what = "every prompt of the dataset holds a control token of the model",
                 .where = "workload.dataset"}};
  }
  if (prompt.planned_output_tokens == 0) {
    prompt.planned_output_tokens = draw_tokens(plan.workload.output_tokens, random);
  }
  if (encoder_ && prompt.messages.empty()) {
    prompt.planned_input_tokens = encoder_->count(prompt.text) + plan.overhead_tokens;
  }
  return prompt;
}

int64_t PromptMaker::content_tokens(int64_t asked) const {
  const auto& plan = kit_.plan;
  const int64_t content =
      plan.workload.input_scope == InputScope::kTotal ? asked - plan.overhead_tokens : asked;
  if (content < 1) {
    throw Error{{.what = fmt::format("a prompt of {} tokens has no room for content: the "
                                     "template alone adds {}",
                                     asked, plan.overhead_tokens),
                 .where = "workload.input_tokens",
                 .next = "ask for more, or set workload.input_scope: content"}};
  }
  return content;
}

std::string PromptMaker::make_text(uint64_t index, int64_t content_tokens, bool may_repeat) {
  const auto records = static_cast<uint64_t>(kit_.dataset.size());
  const bool repeats = !kit_.distinct() && records > 0;
  return fit({.head = head_of(index, content_tokens, may_repeat),
              .tokens = content_tokens,
              .prompt = repeats ? index % records : index,
              .seed = kit_.plan.workload.seed});
}

std::string PromptMaker::make_blocks(const PromptShape& shape, int64_t content_tokens) const {
  const BlockText blocks(kit_.block_words, heads_.seed);
  std::string text;
  int64_t left = content_tokens;
  for (const uint64_t number : shape.blocks) {
    if (number >= blocks.capacity()) {
      throw Error{{.what = fmt::format("only {} blocks of tokens can be told apart with this "
                                       "tokenizer's words, and the trace needs more",
                                       blocks.capacity()),
                   .where = "load.trace",
                   .next = "replay less of it (load.trace.for), or repeat it less often"}};
    }
    blocks.append_to(text, number, std::min(left, shape.block_tokens));
    left -= shape.block_tokens;
    if (left <= 0) break;
  }
  if (!encoder_) return text;
  const int64_t counted = encoder_->count(text);
  if (counted == content_tokens) return text;
  throw Error{{.what = fmt::format("a prompt of blocks should have {} tokens, and the tokenizer "
                                   "makes {} of it",
                                   content_tokens, counted),
               .where = "workload.tokenizer",
               .next = "its words are not one token each; leave workload.tokenizer out for "
                       "approximate lengths"}};
}

std::string PromptMaker::make_part(uint64_t index, uint64_t part, int64_t tokens) {
  return fit({.head = {},
              .tokens = tokens,
              .prompt = Random(index ^ kPartStream, part).next(),
              .seed = kit_.plan.workload.seed});
}

std::vector<Prompt> PromptMaker::make_session(uint64_t index, const SessionPlan& plan) {
  std::vector<Prompt> prompts;
  std::vector<std::pair<std::string, std::string>> messages;
  if (!heads_.system.empty()) messages.emplace_back("system", heads_.system);
  for (size_t turn = 0; turn < plan.turns.size(); ++turn) {
    const TurnPlan& planned = plan.turns[turn];
    const int64_t content = turn == 0 ? content_tokens(planned.input_tokens) : planned.input_tokens;
    std::string question =
        turn == 0 ? make_text(index, content) : make_part(index, 2 * turn, content);
    messages.emplace_back("user", std::move(question));
    Prompt& prompt = prompts.emplace_back();
    prompt.planned_output_tokens = planned.output_tokens;
    if (messages.size() == 1) {  // what a template adds to several is not known
      prompt.text = messages.front().second;
      if (encoder_) prompt.planned_input_tokens = content + kit_.plan.overhead_tokens;
    } else {
      prompt.messages = messages;
    }
    if (turn + 1 == plan.turns.size()) break;
    messages.emplace_back("assistant", make_part(index, 2 * turn + 1, planned.output_tokens));
  }
  return prompts;
}

// The same for the same number; images of one prompt differ as long as there are enough.
void PromptMaker::add_images(uint64_t index, Prompt& prompt) const {
  const size_t count = kit_.images.size();
  if (count == 0) return;
  Random random(kit_.plan.workload.seed ^ kImageStream, index);
  const uint64_t first = random.below(count);
  for (int64_t i = 0; i < kit_.plan.workload.images.per_request; ++i) {
    prompt.images.push_back(kit_.images[(first + static_cast<uint64_t>(i)) % count]);
  }
}

Prompt PromptMaker::make(uint64_t index) {
  const auto& plan = kit_.plan;
  const auto& workload = plan.workload;
  Random random(workload.seed ^ kLengthStream, index * 2 + 1);
  Prompt prompt;
  if (!workload.input_tokens) {
    prompt = make_own_length(index, random);
  } else {
    const int64_t content = content_tokens(draw_tokens(*workload.input_tokens, random));
    prompt.text = make_text(index, content);
    prompt.planned_output_tokens = draw_tokens(workload.output_tokens, random);
    if (encoder_) prompt.planned_input_tokens = content + plan.overhead_tokens;
  }
  complete(index, prompt);
  return prompt;
}

Prompt PromptMaker::make_shape(uint64_t index, const PromptShape& shape) {
  const auto& plan = kit_.plan;
  const bool total = plan.workload.input_scope == InputScope::kTotal;
  const int64_t content =
      std::max<int64_t>(1, shape.input_tokens - (total ? plan.overhead_tokens : 0));
  Prompt prompt;
  prompt.text =
      shape.blocks.empty() ? make_text(index, content, true) : make_blocks(shape, content);
  prompt.planned_output_tokens = shape.output_tokens;
  if (encoder_) prompt.planned_input_tokens = content + plan.overhead_tokens;
  complete(index, prompt);
  return prompt;
}

void PromptMaker::complete(uint64_t index, Prompt& prompt) const {
  const auto& plan = kit_.plan;
  const auto& workload = plan.workload;
  if (workload.prompt_as == PromptAs::kIds) {
    prompt.ids = encoder_->encode(prompt.text);
    prompt.text.clear();
  }
  add_images(index, prompt);
  if (!plan.models.empty()) prompt.model = drawn_model(plan.models, workload.seed, index);
  prompt.inputs = inputs_of(plan.api, workload);
  if (prompt.inputs > 0) prompt.planned_output_tokens = 0;
  // What each text gets from the server, and a query with each document, is not in the count.
  if (!counts_exactly(plan.api, workload)) prompt.planned_input_tokens = 0;
}

}  // namespace llmsweep
