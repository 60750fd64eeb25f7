// Patterns as Hugging Face's tokenizers read them: Oniguruma's syntax over UTF-8.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace llmsweep {

struct Match {
  size_t begin = 0;
  size_t end = 0;
};

// What a search needs besides the pattern; one thread an object.
class RegexScratch {
 public:
  RegexScratch();
  ~RegexScratch();
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;

 private:
  friend class Regex;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Immutable, any thread.
class Regex {
 public:
  // Throws Error with the engine's reason; `where` names the pattern's place.
  Regex(const std::string& pattern, const std::string& where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // The first match that begins at or after `from`; `subject` is valid UTF-8, `from` a character's
  // start. False: none. Throws Error where the engine gives up.
  bool search(std::string_view subject, size_t from, RegexScratch& scratch, Match& match) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmsweep
