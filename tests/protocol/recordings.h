// Recorded and hand-written responses, what each must be read as, and ways to feed them.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/protocol/response.h"

namespace llmsweep::protocol_test {

struct Expected {
  std::string file;  // below tests/protocol, without ".txt"
  Api api = Api::kChat;
  Outcome outcome = Outcome::kOk;
  int64_t chunks = 0;
  int64_t output_tokens = 0;
  TokenSource source = TokenSource::kUsage;
  std::optional<int64_t> input_tokens;
  std::optional<int64_t> cached_tokens;
  std::string finish_reason;
  std::string error;  // a part of it
  int64_t first_chunk_tokens = 1;
};
const std::vector<Expected>& expected_recordings();
inline void PrintTo(const Expected& expected, std::ostream* out) {
  *out << expected.file;
}

struct Recording {
  int status = 200;
  std::string headers;
  std::string body;
};
Recording load_recording(const std::string& file);

// One piece of a body and its instant, in ms after the headers.
struct Piece {
  std::string_view bytes;
  int64_t at_ms = 0;
};

// The whole body in one read.
std::vector<Piece> whole(std::string_view body);
// Cut after every event, the instant of the k-th being k ms, and again at each of `cuts`: what
// must be read does not depend on the cuts at all.
std::vector<Piece> paced(std::string_view body, const std::vector<size_t>& cuts);

RequestRecord read(Api api, const Recording& recording, const std::vector<Piece>& pieces,
                   ChunkParser& parser);

// Every field that a reader fills, as text, so that a difference shows in a test's output.
std::string shown(const RequestRecord& record);

}  // namespace llmsweep::protocol_test
