#include "llmsweep/dataset/prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "dataset/prompt_maker.h"
#include "dataset/random_text.h"
#include "dataset/word_list.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/thread.h"
#include "llmsweep/dataset/images.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/token_draw.h"
#include "llmsweep/protocol/api.h"

namespace llmsweep {

namespace {

void check_plan(const PromptPlan& plan, const Tokenizer* tokenizer) {
  const auto& workload = plan.workload;
  if (workload.prompt_as == PromptAs::kIds) {
    if (!tokenizer) {
      throw Error{{.what = "prompt_as: ids needs a tokenizer",
                   .where = "workload.prompt_as",
                   .next = "set workload.tokenizer to a tokenizer.json, or to server"}};
    }
    if (!traits_of(plan.api).takes_token_ids) {
      throw Error{{.what = fmt::format("the {} API takes no token ids", name_of(plan.api)),
                   .where = "workload.prompt_as",
                   .next = "set endpoint.api: completions"}};
    }
  }
  if (workload.prefix_tokens > 0 && workload.input_tokens) {
    int64_t least = smallest_tokens(*workload.input_tokens);
    if (workload.input_scope == InputScope::kTotal) least -= plan.overhead_tokens;
    bool drawn = workload.input_tokens->kind == TokenCount::Kind::kNormal;
    if (!drawn && workload.prefix_tokens >= least) {
      throw Error{{.what = fmt::format("a prefix of {} tokens leaves nothing of a prompt whose "
                                       "content has {}",
                                       workload.prefix_tokens, least),
                   .where = "workload.prefix_tokens",
                   .next = "give a shorter prefix or more input_tokens"}};
    }
  }
}

struct Numbers {
  int64_t first = 0;
  int64_t count = 0;
  int threads = 0;  // 0: as the plan says
};

// Runs work(maker, i) for i < numbers.count on several threads. Throws what the lowest failing i
// threw.
template <class Work>
void in_parallel(const PromptKit& kit, const Heads& heads, Numbers numbers, const Work& work) {
  const int64_t count = numbers.count;
  int64_t cores = std::max(1U, std::thread::hardware_concurrency());
  const int wanted = numbers.threads > 0 ? numbers.threads : kit.plan.threads;
  int64_t threads = std::min<int64_t>(wanted > 0 ? wanted : cores, count);
  std::atomic<int64_t> next{0};
  std::mutex mutex;  // guards the two below
  std::exception_ptr failure;
  int64_t failed = std::numeric_limits<int64_t>::max();
  auto loop = [&] {
    PromptMaker maker(kit, heads);
    for (int64_t i = next++; i < count; i = next++) {
      try {
        stop_if_interrupted(kit.plan.interrupts, "the making of prompts");
        work(maker, i);
      } catch (...) {
        std::lock_guard lock(mutex);
        if (i < failed) {
          failed = i;
          failure = std::current_exception();
        }
        next = count;
      }
    }
  };
  if (threads <= 1) {
    loop();
  } else {
    std::vector<std::jthread> pool;
    try {
      for (int64_t t = 0; t < threads; ++t) {
        pool.push_back(start_thread(fmt::format("prompts-{}", t).c_str(), loop));
      }
    } catch (...) {
      next = count;  // or those that run would make all prompts before they are joined
      throw;
    }
    pool.clear();
  }
  if (failure) std::rethrow_exception(failure);
}

// 0 for none, so that its prompts are those of the seed alone.
uint64_t hash_of_nonce(const std::string& nonce) {
  if (nonce.empty()) return 0;
  Sha256 hash;
  hash.update(nonce);
  uint64_t value = 0;
  for (const char digit : hash.hex().substr(0, 16)) {
    value = value << 4 | static_cast<uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return value;
}

// Where no tokenizer is known: about a token each.
NonceWords spelled_words() {
  NonceWords words;
  for (const std::string_view word : common_words()) {
    words.first.emplace_back(word);
    words.spaced.push_back(fmt::format(" {}", word));
  }
  return words;
}

PromptKit make_kit(PromptPlan plan, std::shared_ptr<const Tokenizer> tokenizer) {
  check_plan(plan, tokenizer.get());
  // Servers take ids as they are: neither template nor BOS is added.
  if (plan.workload.prompt_as == PromptAs::kIds) plan.overhead_tokens = 0;
  Dataset dataset = Dataset::open(plan.workload.dataset, plan.workload.seed);
  NonceWords words;
  if (tokenizer) words = single_token_words(*tokenizer);
  NonceWords block_words = tokenizer ? words : spelled_words();
  std::vector<ImageUrl> images = read_images(plan.workload.images.files);
  return {.plan = std::move(plan),
          .tokenizer = std::move(tokenizer),
          .dataset = std::move(dataset),
          .words = std::move(words),
          .block_words = std::move(block_words),
          .images = std::move(images)};
}

Heads make_heads(const PromptKit& kit, const std::string& nonce) {
  const WorkloadSpec& workload = kit.plan.workload;
  const uint64_t seed = workload.seed ^ hash_of_nonce(nonce);
  Heads heads{.seed = seed, .nonces = Nonces(kit.words, seed), .prefixes = {}, .system = {}};
  if (workload.sessions.system_tokens > 0) {
    heads.system = PromptMaker(kit, heads).make_prefix(0, workload.sessions.system_tokens);
  }
  if (workload.prefix_tokens == 0) return heads;
  std::vector<std::string> prefixes(static_cast<size_t>(workload.prefix_groups));
  in_parallel(kit, heads, {.count = workload.prefix_groups}, [&](PromptMaker& maker, int64_t i) {
    prefixes[static_cast<size_t>(i)] =
        maker.make_prefix(static_cast<uint64_t>(i), workload.prefix_tokens);
  });
  heads.prefixes = std::move(prefixes);
  return heads;
}

// `make`: (maker, number, place) → prompt.
template <class Make>
PromptSet build_set(const PromptKit& kit, const Heads& heads, Numbers numbers, const Make& make) {
  PromptSet set;
  set.prompts.resize(static_cast<size_t>(std::max<int64_t>(numbers.count, 0)));
  std::vector<std::string> hashes(set.prompts.size());
  in_parallel(kit, heads, numbers, [&](PromptMaker& maker, int64_t i) {
    auto place = static_cast<size_t>(i);
    set.prompts[place] = make(maker, static_cast<uint64_t>(numbers.first + i), place);
    hashes[place] = prompt_sha256(set.prompts[place]);
  });
  Sha256 hash;
  for (const auto& each : hashes) hash.update(each);
  set.sha256 = hash.hex();
  return set;
}

PromptSet build_set(const PromptKit& kit, const Heads& heads, Numbers numbers) {
  return build_set(kit, heads, numbers,
                   [](PromptMaker& maker, uint64_t number, size_t) { return maker.make(number); });
}

PromptSet build_set(const PromptKit& kit, const Heads& heads, Numbers numbers,
                    std::span<const PromptShape> shapes) {
  return build_set(kit, heads, numbers, [&](PromptMaker& maker, uint64_t number, size_t place) {
    return maker.make_shape(number, shapes[place]);
  });
}

void add_part(Sha256& hash, char kind, std::string_view bytes) {
  hash.update(fmt::format("{}{}:", kind, bytes.size()));
  hash.update(bytes);
}

}  // namespace

struct PromptSource::Impl {
  PromptKit kit;
  Heads heads;
};

PromptSource::PromptSource(PromptPlan plan, std::shared_ptr<const Tokenizer> tokenizer)
    : impl_(std::make_unique<Impl>(
          Impl{.kit = make_kit(std::move(plan), std::move(tokenizer)), .heads = {}})) {
  impl_->heads = make_heads(impl_->kit, impl_->kit.plan.nonce);
}
PromptSource::~PromptSource() = default;
PromptSource::PromptSource(PromptSource&&) noexcept = default;
PromptSource& PromptSource::operator=(PromptSource&&) noexcept = default;

int64_t PromptSource::needed() const {
  int64_t sum = 0;
  for (const auto& need : impl_->kit.plan.needs) sum += need.count;
  return sum;
}

PromptSet PromptSource::build(int64_t first, int64_t count, int threads) const {
  return build_set(impl_->kit, impl_->heads, {.first = first, .count = count, .threads = threads});
}

std::vector<Prompt> PromptSource::build_some(int64_t first, const std::vector<bool>& wanted,
                                             int threads) const {
  const Numbers numbers{
      .first = first, .count = static_cast<int64_t>(wanted.size()), .threads = threads};
  std::vector<Prompt> prompts(wanted.size());
  in_parallel(impl_->kit, impl_->heads, numbers, [&](PromptMaker& maker, int64_t i) {
    const auto place = static_cast<size_t>(i);
    if (wanted[place]) prompts[place] = maker.make(static_cast<uint64_t>(first + i));
  });
  return prompts;
}

std::vector<std::vector<Prompt>> PromptSource::build_sessions(int64_t first,
                                                              std::span<const SessionPlan> plans,
                                                              int threads) const {
  std::vector<std::vector<Prompt>> sessions(plans.size());
  const Numbers numbers{
      .first = first, .count = static_cast<int64_t>(plans.size()), .threads = threads};
  in_parallel(impl_->kit, impl_->heads, numbers, [&](PromptMaker& maker, int64_t i) {
    const auto place = static_cast<size_t>(i);
    sessions[place] = maker.make_session(static_cast<uint64_t>(first + i), plans[place]);
  });
  return sessions;
}

PromptSet PromptSource::build_shapes(int64_t first, std::span<const PromptShape> shapes,
                                     int threads) const {
  const Numbers numbers{
      .first = first, .count = static_cast<int64_t>(shapes.size()), .threads = threads};
  return build_set(impl_->kit, impl_->heads, numbers, shapes);
}

std::string PromptSource::fingerprint(std::span<const PromptShape> shapes) const {
  return build_set(impl_->kit, make_heads(impl_->kit, {}),
                   {.count = static_cast<int64_t>(shapes.size())}, shapes)
      .sha256;
}

std::string PromptSource::fingerprint(int64_t count) const {
  if (impl_->kit.plan.nonce.empty()) return build(0, count).sha256;
  return build_set(impl_->kit, make_heads(impl_->kit, {}), {.count = count}).sha256;
}

PromptSet PromptSource::build_need(size_t need) const {
  const auto& needs = impl_->kit.plan.needs;
  int64_t first = 0;
  for (size_t i = 0; i < need; ++i) first += needs[i].count;
  return build(first, needs[need].count);
}

const DatasetSummary& PromptSource::dataset() const {
  return impl_->kit.dataset.summary();
}

PromptSet build_prompts(const PromptPlan& plan, std::shared_ptr<const Tokenizer> tokenizer) {
  PromptSource source(plan, std::move(tokenizer));
  return source.build(0, source.needed());
}

std::string prompt_sha256(const Prompt& prompt) {
  Sha256 hash;
  add_part(hash, 't', prompt.text);
  for (const auto& [role, content] : prompt.messages) {
    add_part(hash, 'r', role);
    add_part(hash, 'c', content);
  }
  std::string ids;
  for (int32_t id : prompt.ids) ids += fmt::format("{},", id);
  add_part(hash, 'i', ids);
  for (const ImageUrl& image : prompt.images) add_part(hash, 'p', *image);
  return hash.hex();
}

std::string prompt_set_sha256(const std::vector<Prompt>& prompts) {
  Sha256 hash;
  for (const auto& prompt : prompts) hash.update(prompt_sha256(prompt));
  return hash.hex();
}

}  // namespace llmsweep
