#include "llmsweep/tokenizer/tokenizer.h"

#include <mutex>
#include <utility>

#include "llmsweep/base/text.h"

namespace llmsweep {

namespace {

class RemoteEncoder final : public Encoder {
 public:
  RemoteEncoder(const RemoteTokenizer& remote, std::mutex& mutex)
      : remote_(remote), mutex_(mutex) {}

  std::vector<int32_t> encode(std::string_view text, SpecialTokens) override {
    std::lock_guard lock(mutex_);
    return remote_.encode(text);
  }
  int64_t count(std::string_view text, SpecialTokens special) override {
    return static_cast<int64_t>(encode(text, special).size());
  }
  std::vector<Boundary> boundaries(std::string_view, int64_t) override { return {}; }

 private:
  const RemoteTokenizer& remote_;
  std::mutex& mutex_;  // guards the calls of remote_
};

// What the server's vocabulary adds is not known: any text that looks like a control token counts.
class RemoteAdapter final : public Tokenizer {
 public:
  explicit RemoteAdapter(RemoteTokenizer remote) : remote_(std::move(remote)) {
    remote_.info.kind = "server";
  }
  const TokenizerInfo& info() const override { return remote_.info; }
  std::unique_ptr<Encoder> encoder() const override {
    return std::make_unique<RemoteEncoder>(remote_, mutex_);
  }
  std::string decode(std::span<const int32_t> ids) const override {
    std::lock_guard lock(mutex_);
    return remote_.decode ? remote_.decode(ids) : std::string();
  }
  std::string normalize(std::string_view text) const override { return repair_utf8(text); }
  bool holds_added_token(std::string_view text) const override { return holds_control_text(text); }

 private:
  RemoteTokenizer remote_;
  mutable std::mutex mutex_;
};

}  // namespace

std::shared_ptr<const Tokenizer> make_remote_tokenizer(RemoteTokenizer remote) {
  return std::make_shared<RemoteAdapter>(std::move(remote));
}

}  // namespace llmsweep
