// Pieces with their scores as a double array, which a walk along a text reads once a byte.
//
// Aoe, "An Efficient Digital Search Algorithm by Using a Double-Array Structure", IEEE TSE 1989; in
// the form of darts-clone: a node's children are at its base XOR their byte, and no two nodes have
// the same base, so that a child's own byte tells whose it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llmsweep {

struct WeightedPiece {
  std::string text;  // not empty
  int32_t id = 0;    // from 0 to 2^24 - 2
  double score = 0;
};

// Immutable, any thread.
class PieceArray {
 public:
  struct Node {
    uint32_t base = 0;
    uint32_t label : 8 = 0;
    uint32_t id_plus_one : 24 = 0;
    double score = 0;

    bool ends_piece() const { return id_plus_one != 0; }
    int32_t id() const { return static_cast<int32_t>(id_plus_one) - 1; }
  };

  PieceArray() : PieceArray(std::vector<WeightedPiece>()) {}
  // Of two pieces with the same text the last one counts.
  explicit PieceArray(std::vector<WeightedPiece> pieces);

  // A walk along a text: from root() on, byte by byte; null: no piece goes on like this.
  const Node& root() const { return root_; }
  const Node* next(const Node& node, char byte) const {
    const auto value = static_cast<unsigned char>(byte);
    const Node& child = nodes_[node.base ^ value];
    return child.label == value ? &child : nullptr;
  }

 private:
  friend class PieceArrayBuilder;
  Node root_;
  std::vector<Node> nodes_;
};

}  // namespace llmsweep
