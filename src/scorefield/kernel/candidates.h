// The rows of which a query may need the exact logit: those that carry weight, and the k heaviest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "scorefield/kernel/tile.h"

namespace scorefield {

struct Candidate {
  std::uint32_t row;
  float score;  // larger is nearer
};

/// What a query collects. Scores are off by less than half the allowance.
struct CandidatePolicy {
  float margin = -std::numeric_limits<float>::infinity();  // survivors: score >= largest - margin; -inf: none wanted
  std::size_t k = 0;                                       // the k best
  float allowance = 0;

  std::size_t capacity() const { return std::max<std::size_t>(512, 4 * k) + tile::kTileRows; }
};

/// Candidates of one query among the rows that stream by, in their order. Survivors are given up, for good, when there
/// are more than it can hold; the k best when ties do not let it hold them.
class CandidateList {
 public:
  void add(Candidate candidate) { kept_.push_back(candidate); }

  /// Whether the next tile may not fit without make_room().
  bool full(const CandidatePolicy& policy) const { return kept_.size() + tile::kTileRows > policy.capacity(); }

  /// Drops what is no candidate, given that the largest score is `largest` or more.
  void narrow(float largest, const CandidatePolicy& policy) {
    top_floor_ = kInfinity;
    if (policy.k > 0 && has_top_) {
      top_floor_ = kept_.size() < policy.k ? -kInfinity : kth_best(policy.k) - policy.allowance;
    }
    keep_from(std::min(has_survivors_ ? largest - policy.margin : kInfinity, top_floor_));
  }

  /// Makes room for a tile: narrows, and gives up what does not fit.
  void make_room(float largest, const CandidatePolicy& policy) {
    narrow(largest, policy);
    if (full(policy) && has_survivors_) {
      has_survivors_ = false;
      keep_from(top_floor_);
    }
    if (full(policy)) {
      has_top_ = false;
      top_floor_ = kInfinity;
      kept_.clear();
    }
  }

  void give_up_survivors() { has_survivors_ = false; }

  /// All survivors so far are in the list; all of the k best.
  bool has_survivors() const { return has_survivors_; }
  bool has_top() const { return has_top_; }
  /// Scores from here on are wanted for the k best.
  float top_floor() const { return top_floor_; }
  const std::vector<Candidate>& kept() const { return kept_; }

  void append(const CandidateList& later) {
    kept_.insert(kept_.end(), later.kept_.begin(), later.kept_.end());
    has_survivors_ = has_survivors_ && later.has_survivors_;
    has_top_ = has_top_ && later.has_top_;
  }

 private:
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();

  float kth_best(std::size_t k) const {
    std::vector<float> scores;
    scores.reserve(kept_.size());
    for (const Candidate& c : kept_) scores.push_back(c.score);
    std::nth_element(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(k - 1), scores.end(),
                     std::greater<>());
    return scores[k - 1];
  }
  void keep_from(float floor) {
    std::erase_if(kept_, [floor](const Candidate& c) { return c.score < floor; });
  }

  std::vector<Candidate> kept_;
  float top_floor_ = kInfinity;
  bool has_survivors_ = true;
  bool has_top_ = true;
};

}  // namespace scorefield
