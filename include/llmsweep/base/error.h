// The one exception for "the user or a file is wrong". Caught once, in run_cli.
//
// A failed request is not an Error: it is data in its RequestRecord. A broken belief of ours is an
// assert. Constructing an Error renders its text once; what() is safe to print on a terminal.
#pragma once

#include <stdexcept>
#include <string>

namespace llmsweep {

struct ErrorText {
  std::string what;   // what is wrong: "unknown key 'concurency'"
  std::string where;  // file:line:key, a flag, or a URL; may be empty
  std::string next;   // what to do: "did you mean 'concurrency'?"; may be empty
};

class Error : public std::runtime_error {
 public:
  explicit Error(ErrorText text);
  const ErrorText& text() const { return text_; }

 private:
  ErrorText text_;
};

// Thrown where the endpoint or the machine, not the input, made the measurement impossible:
// run_cli exits with 1 instead of 2.
class MeasurementError : public Error {
 public:
  using Error::Error;
};

}  // namespace llmsweep
