// Takes credentials out of text from outside: an endpoint may repeat the key that it was given.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep {

inline constexpr std::string_view kRedacted = "<redacted>";

// Finds secrets as they stand, in escapes of JSON, URLs, HTML, CSS or source (in layers too), in
// base64 wherever it begins, as lists of numbers or hexadecimal, and 12 letters and digits of them
// in any case and whatever stands between. Cheap to copy; const members: from any thread.
class Redactor {
 public:
  enum class Part {
    kPieces,  // also any 8 characters of a secret, so that no cut leaves the rest of it
    kWhole,   // of text that is still to be read, where a model's name may resemble the key
  };
  enum class End { kWhole, kCut };  // kCut: what stood next is not there

  Redactor() = default;  // redacts nothing
  // Secrets shorter than 4 bytes are left: they would take half of every text with them.
  Redactor(const std::vector<std::string>& secrets);  // NOLINT(google-explicit-constructor)

  // At an end that is a cut, the first 4 characters of a secret are enough.
  void redact(std::string& text, Part part = Part::kPieces, End end = End::kWhole) const;
  // base's printable(), of the redacted text: cutting comes last.
  std::string excerpt(std::string_view text, size_t limit = 200) const;

 private:
  struct Secrets;
  std::shared_ptr<const Secrets> secrets_;
};

}  // namespace llmsweep
