// When the tokens of one streamed answer came, and how many came when: its gaps (ICL, ITL) and what
// TPOT divides by. docs/metrics.md, "What was streamed", has the definitions.
//
// Fed with the token-bearing chunks in order. How many tokens each holds is known only where the
// server counts them in every chunk, either as a running total or each chunk's alone. Else it is
// known at the end, from their sum: then each chunk after the first read holds an equal share, and
// the first read as large a share of the tokens as of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

class TokenTally {
 public:
  struct Piece {
    Instant at{};
    // Its read came after a stall: no gap from or to it is the server's, unless it is `prompt`, and
    // so alone did not wait for the end of the stall.
    bool stalled = false;
    bool prompt = false;
    int64_t count = 0;  // that the chunk itself says; 0: none
    size_t text_bytes = 0;
    bool thought = false;
  };
  // A token-bearing chunk. Adds to record.icl, itl, chunks, coalesced_chunks and gaps_left_out, and
  // sets first_token_merged.
  void add(const Piece& piece, RequestRecord& record);
  // A count in a chunk that bears no token; 0 says nothing.
  void add_count(int64_t count);

  // Whether a count in a chunk of choices without output says that a token came all the same.
  bool rises_with(int64_t count) const;
  // Counts came with the first chunk.
  bool is_counted() const { return counted_; }

  // The tokens that chunks' own counts add up to, where it is these that they say, and not a
  // running total. After close().
  std::optional<int64_t> sum_of_counts() const;
  // At least so many tokens came.
  int64_t received(const RequestRecord& record) const;

  int64_t thought_chunks() const { return thought_chunks_; }
  size_t thought_bytes() const { return thought_bytes_; }
  size_t text_bytes() const { return text_bytes_; }

  // No chunk comes any more: closes the last gap. Once, before settle(). What short answers leave
  // open is decided by record.planned_output_tokens.
  void close(RequestRecord& record);

  struct Total {
    int64_t tokens = 0;        // of the whole answer
    int64_t hidden = 0;        // of those, reasoning that the stream does not show
    bool ends_unseen = false;  // it ends with a stop, a token without text
  };
  // Fills record.itl, streamed_tokens and first_chunk_tokens. May be called again where the total
  // turns out to be another.
  void settle(const Total& total, RequestRecord& record);

 private:
  enum class Counts { kOpen, kTotals, kAlone };
  struct Arrival {
    Instant at{};
    bool stalled = false;
    bool prompt = false;
    int64_t rise = 0;   // of the running total
    int64_t alone = 0;  // sum of the chunks' own counts
  };

  void add_own_count(int64_t count);
  void close_arrival(RequestRecord& record);
  void add_counted(const Arrival& arrival, RequestRecord& record);
  void decide(Counts counts, RequestRecord& record);
  Counts apparent(const RequestRecord& record) const;
  void part_itl(RequestRecord& record);
  void settle_counted(const Total& total, RequestRecord& record) const;
  int64_t first_tokens(int64_t streamed, const RequestRecord& record) const;

  bool counted_ = false;
  Counts counts_ = Counts::kOpen;
  int64_t highest_ = 0;  // of the counts of token-bearing chunks
  int64_t previous_ = 0;
  int64_t sum_ = 0;
  bool rose_ = false;
  bool fell_ = false;
  int64_t counted_chunks_ = 0;
  int64_t late_highest_ = 0;  // of the counts after the last token-bearing chunk
  int64_t late_sum_ = 0;
  // Arrivals until it is clear which kind of counts they have. Not in here, as unscaled_, for all
  // of a stream's own memory is fetched for each of its chunks.
  static constexpr size_t kMostOpen = 16;
  std::vector<Arrival> open_;

  // So far every gap was one token's: the record's ICL stands for both until they part.
  bool itl_is_icl_ = true;
  // The record's ITL before settle() has scaled it, where it is not its ICL.
  std::unique_ptr<const Histogram> unscaled_;

  // The arrival that is still open, and what the next gap starts from.
  Arrival arrival_{};
  int64_t arrival_chunks_ = 0;
  std::optional<Arrival> previous_arrival_;
  std::optional<Arrival> previous_counted_;

  int64_t first_chunks_ = 0;  // in the first read
  int64_t first_rise_ = 0;
  int64_t first_alone_ = 0;
  size_t first_bytes_ = 0;
  size_t text_bytes_ = 0;
  size_t thought_bytes_ = 0;
  int64_t thought_chunks_ = 0;
};

}  // namespace llmsweep
