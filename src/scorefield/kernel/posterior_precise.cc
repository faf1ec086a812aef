#include "scorefield/kernel/posterior_precise.h"

#include <fmt/format.h>
#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/difference_loops.h"
#include "scorefield/kernel/posterior_sums.h"

namespace scorefield {
namespace {

// The rows are cut into slots, and a slot into tiles, whose bounds depend on n and d alone; a slot folds its tiles in
// order and the slots are folded in order. So the bits depend neither on the batch nor on the threads.
//
// Errors, with u = 2^-53. A logit is kept in long double (2^-64) and enters exp() as its distance below the largest,
// so what counts is the error of |x - y|^2 / (2 sigma^2) from squared_distances(): about 4 u / sqrt(d) of it, 2.5e-14
// at its size d/2 on a noised row of d = 12288. Where it is so large that this could pass 1e-13 (a state far off the
// data), the rows that carry weight are summed again in long double. A mean is a sum of sums: tile_rows terms, then the
// tiles of a slot, then the slots: (tile_rows + n / (kSlots tile_rows) + kSlots) u sum w|y| at most, 2e-14 for 60000
// rows. Rows below 2^-60 / n of the heaviest so far are left out: together they weigh less than 2^-60.
constexpr std::size_t kSlots = 16;
constexpr std::size_t kTileRows = 64;
constexpr std::size_t kTileValues = std::size_t{1} << 17;   // 1 MiB a thread, half an L2 cache
constexpr std::size_t kBlockStates = 64;                    // states that share one reading of a tile
constexpr std::size_t kBlockValues = std::size_t{1} << 16;  // 512 KiB of states
constexpr std::size_t kBuffers = 32;                        // as large as a block's states, in use at once
constexpr long double kLowest = std::numeric_limits<long double>::lowest();

std::size_t divide_up(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

void fill_zero(std::span<double> values) {
  std::fill(values.begin(), values.end(), 0.0);
}

/// A zeroed matrix whose rows start on cache lines and are padded for the loops.
class PaddedRows {
 public:
  PaddedRows(std::size_t rows, std::size_t cols)
      : rows_(rows),
        padded_(divide_up(cols, kRowPadding) * kRowPadding),
        values_(hwy::AllocateAligned<double>(std::max(rows * padded_, kRowPadding))) {
    if (values_ == nullptr) throw std::bad_alloc();
    std::fill_n(values_.get(), rows * padded_, 0.0);
  }
  std::span<double> operator[](std::size_t i) { return {values_.get() + i * padded_, padded_}; }
  std::span<const double> operator[](std::size_t i) const { return {values_.get() + i * padded_, padded_}; }
  RowsView<const double> first(std::size_t count) const { return {values_.get(), count, padded_}; }
  std::size_t rows() const { return rows_; }

 private:
  std::size_t rows_;
  std::size_t padded_;
  hwy::AlignedFreeUniquePtr<double[]> values_;
};

/// What the rows of a slot add up to for the states of a block.
struct SlotSums {
  SlotSums(std::size_t states, std::size_t d) : weights(states), heaviest(states), vectors(states, d), trace(states) {}
  std::vector<WeightSums> weights;
  std::vector<Heaviest> heaviest;
  PaddedRows vectors;  // first sum e^a y, then sum w (y - D)((y - D).v)
  std::vector<long double> trace;
};

/// Up to kBlockStates states, what is known of them, and their sums a slot.
struct Block {
  std::size_t first = 0;
  PaddedRows x;
  std::vector<long double> half_precision;  // 1 / (2 sigma^2)
  std::vector<SlotSums> slots;
  PaddedRows mean;
  PaddedRows direction;  // v, then Cov v
  std::vector<WeightSums> weights;
  std::vector<double> log_sum;  // log sum e^a
};

/// What a thread needs besides.
struct Scratch {
  Scratch(std::size_t tile_rows, std::size_t states, std::size_t d)
      : rows(tile_rows, d), logits(tile_rows * states), sum(1, d) {}
  PaddedRows rows;
  std::vector<long double> logits;
  PaddedRows sum;
  std::vector<std::size_t> chosen;
  std::vector<double> chosen_weights;
};

class PreciseJob {
 public:
  PreciseJob(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
             RowsView<const double> x, std::span<const double> sigma, std::span<const std::uint32_t> subset,
             const Request& request, const Context& context)
      : rows_(rows),
        affine_(affine),
        log_weights_(log_weights),
        x_(x),
        sigma_(sigma),
        subset_(subset),
        request_(request),
        context_(context),
        n_(subset.empty() ? row_count(rows) : subset.size()),
        d_(x.cols),
        top_k_(std::min(request.top_k, n_)),
        wants_covariance_(request.covariance_trace || request.directions.rows > 0),
        tile_rows_(std::clamp<std::size_t>(kTileValues / d_, 8, kTileRows)),
        slots_(std::min(kSlots, divide_up(n_, tile_rows_))),
        block_states_(std::min(x.rows, std::clamp<std::size_t>(kBlockValues / d_, 4, kBlockStates))),
        negligible_(-60 * std::numbers::ln2_v<long double> - std::log(static_cast<long double>(n_))),
        exact_above_(200 * std::sqrt(static_cast<long double>(d_))) {}

  Answer run() {
    answer_.top_k = top_k_;
    if (request_.denoised) answer_.denoised = Rows(x_.rows, d_);
    if (request_.directions.rows > 0) answer_.covariance_product = Rows(x_.rows, d_);
    if (request_.log_density) log_prior_sum_ = log_prior_sum();
    const std::size_t buffers = slots_ + 3;  // a sum for each slot; states, means and directions
    const std::size_t blocks_at_once = std::max<std::size_t>(1, kBuffers / buffers);
    const int threads = context_.pool == nullptr ? 1 : context_.pool->threads();
    const std::size_t padded = divide_up(d_, kRowPadding) * kRowPadding;
    const std::size_t buffer_bytes = block_states_ * (padded * sizeof(double) + 2 * top_k_ * sizeof(Ranked));
    context_.check_memory(blocks_at_once * buffers * buffer_bytes +
                              static_cast<std::size_t>(threads) * tile_rows_ * padded * sizeof(double),
                          "the precise posterior");
    std::vector<std::optional<Scratch>> scratch(static_cast<std::size_t>(threads));
    const auto scratch_of = [&](int worker) -> Scratch& {
      std::optional<Scratch>& own = scratch[static_cast<std::size_t>(worker)];
      if (!own) own.emplace(std::min(tile_rows_, n_), block_states_, d_);
      return *own;
    };
    for (std::size_t begin = 0; begin < x_.rows; begin += blocks_at_once * block_states_) {
      std::vector<Block> blocks;
      for (std::size_t b = 0; b < blocks_at_once && begin + b * block_states_ < x_.rows; ++b) {
        blocks.push_back(make_block(begin + b * block_states_));
      }
      run_tasks(context_.pool, blocks.size() * slots_, [&](std::size_t task, int worker) {
        sum_slot(blocks[task / slots_], task % slots_, scratch_of(worker));
      });
      for (Block& block : blocks) finish(block);
      if (!wants_covariance_) continue;
      run_tasks(context_.pool, blocks.size() * slots_, [&](std::size_t task, int worker) {
        sum_covariance(blocks[task / slots_], task % slots_, scratch_of(worker));
      });
      for (Block& block : blocks) finish_covariance(block);
    }
    return std::move(answer_);
  }

 private:
  std::uint32_t row_number(std::size_t i) const { return subset_.empty() ? static_cast<std::uint32_t>(i) : subset_[i]; }
  double sigma(std::size_t query) const { return sigma_.size() == 1 ? sigma_[0] : sigma_[query]; }
  double log_prior(std::size_t i) const { return log_weights_.empty() ? 0.0 : log_weights_[row_number(i)]; }

  long double log_prior_sum() const {
    if (log_weights_.empty()) return std::log(static_cast<long double>(n_));
    WeightSums sums;
    for (std::size_t i = 0; i < n_; ++i) sums.fold({log_prior(i)});
    return sums.top + std::log1p(static_cast<long double>(sums.rest));
  }

  Block make_block(std::size_t first) const {
    const std::size_t states = std::min(block_states_, x_.rows - first);
    const std::size_t covariance_states = wants_covariance_ ? states : 0;
    Block block{first,
                PaddedRows(states, d_),
                {},
                {},
                PaddedRows(states, d_),
                PaddedRows(covariance_states, d_),
                std::vector<WeightSums>(states),
                std::vector<double>(states)};
    for (std::size_t q = 0; q < states; ++q) {
      std::copy(x_[first + q].begin(), x_[first + q].end(), block.x[q].begin());
      const long double s = sigma(first + q);
      block.half_precision.push_back(std::isinf(s) ? 0.0L : 0.5L / (s * s));
      if (request_.directions.rows > 0) {
        const std::span<const double> v = request_.directions[first + q];
        std::copy(v.begin(), v.end(), block.direction[q].begin());
      }
    }
    for (std::size_t s = 0; s < slots_; ++s) block.slots.emplace_back(states, d_);
    return block;
  }

  /// Calls visit(first row, rows, logits) for the tiles of a slot; logits: [tile rows][states of the block].
  template <class Visit>
  void for_tiles(const Block& block, std::size_t slot, Scratch& scratch, const Visit& visit) const {
    const std::size_t tiles = divide_up(n_, tile_rows_);
    const std::size_t states = block.x.rows();
    for (std::size_t tile = tiles * slot / slots_; tile < tiles * (slot + 1) / slots_; ++tile) {
      context_.check_cancelled();
      const std::size_t first = tile * tile_rows_;
      const std::size_t count = std::min(tile_rows_, n_ - first);
      for (std::size_t j = 0; j < count; ++j) {
        read_row(rows_, affine_, row_number(first + j), scratch.rows[j].first(d_));
      }
      squared_distances(block.x.first(states), scratch.rows.first(count), scratch.logits);
      for (std::size_t j = 0; j < count; ++j) {
        const long double prior = log_prior(first + j);
        for (std::size_t q = 0; q < states; ++q) {
          long double& logit = scratch.logits[j * states + q];
          logit = prior - logit * block.half_precision[q];
        }
      }
      visit(first, count);
    }
  }

  /// Chooses the rows of a tile that can carry weight for state q beside one of logit `top` elsewhere, makes their
  /// logits exact where double is not enough, and returns the largest.
  long double choose(const Block& block, std::size_t q, std::size_t first, std::size_t count, long double top,
                     Scratch& scratch) const {
    const std::size_t states = block.x.rows();
    for (std::size_t j = 0; j < count; ++j) top = std::max(top, scratch.logits[j * states + q]);
    const long double keep = std::max(top + negligible_, kLowest);
    long double largest = kMinusInfinity;
    scratch.chosen.clear();
    for (std::size_t j = 0; j < count; ++j) {
      long double& logit = scratch.logits[j * states + q];
      if (logit < keep) continue;
      const long double prior = log_prior(first + j);
      if (prior - logit > exact_above_)
        logit = prior - exact_square(block.x[q], scratch.rows[j]) * block.half_precision[q];
      largest = std::max(largest, logit);
      scratch.chosen.push_back(j);
    }
    return largest;
  }

  static long double exact_square(std::span<const double> x, std::span<const double> y) {
    long double square = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const long double difference = static_cast<long double>(x[k]) - y[k];
      square += difference * difference;
    }
    return square;
  }

  void sum_slot(Block& block, std::size_t slot, Scratch& scratch) const {
    SlotSums& sums = block.slots[slot];
    const std::size_t states = block.x.rows();
    for_tiles(block, slot, scratch, [&](std::size_t first, std::size_t count) {
      for (std::size_t q = 0; q < states; ++q) {
        WeightSums tile{choose(block, q, first, count, sums.weights[q].top, scratch)};
        for (std::size_t j = 0; top_k_ > 0 && j < count; ++j) {
          sums.heaviest[q].offer({scratch.logits[j * states + q], row_number(first + j)}, top_k_);
        }
        if (scratch.chosen.empty()) continue;
        scratch.chosen_weights.clear();
        bool top_seen = false;
        for (const std::size_t j : scratch.chosen) {
          const long double logit = scratch.logits[j * states + q];
          const bool is_top = !top_seen && logit == tile.top;
          scratch.chosen_weights.push_back(is_top ? 1.0 : tile.add(static_cast<double>(logit - tile.top)));
          top_seen = top_seen || is_top;
        }
        fill_zero(scratch.sum[0]);
        add_weighted_rows(scratch.rows.first(count), scratch.chosen, scratch.chosen_weights, scratch.sum[0]);
        const auto [keep, take] = sums.weights[q].fold(tile);
        fold_scaled(sums.vectors[q], keep, scratch.sum[0], take);
      }
    });
  }

  void finish(Block& block) {
    for (std::size_t q = 0; q < block.x.rows(); ++q) {
      WeightSums& weights = block.weights[q];
      const std::span<double> mean = block.mean[q];
      std::vector<Ranked> ranked;
      for (SlotSums& slot : block.slots) {
        const auto [keep, take] = weights.fold(slot.weights[q]);
        fold_scaled(mean, keep, slot.vectors[q], take);
        ranked.insert(ranked.end(), slot.heaviest[q].kept().begin(), slot.heaviest[q].kept().end());
      }
      if (weights.top == kMinusInfinity) {
        throw Error(
            log_weights_.empty()
                ? fmt::format("state {} is so far off the data that its squared distances overflow", block.first + q)
                : "every chosen row has weight 0; give one of them a weight");
      }
      const double sum = 1 + weights.rest;
      const long double log_sum = std::log1p(static_cast<long double>(weights.rest));
      block.log_sum[q] = static_cast<double>(log_sum);
      for (double& v : mean) v /= sum;
      if (request_.denoised) std::copy_n(mean.begin(), d_, answer_.denoised[block.first + q].begin());
      if (request_.log_density) answer_.log_density.push_back(log_density(block.first + q, weights.top + log_sum));
      if (request_.posterior) {
        answer_.entropy.push_back(block.log_sum[q] - weights.moment / sum);
        answer_.effective_sample_size.push_back(sum * sum / (1 + weights.squares));
        answer_.largest_weight.push_back(1 / sum);
      }
      std::sort(ranked.begin(), ranked.end());
      for (std::size_t i = 0; i < top_k_; ++i) {
        answer_.top_rows.push_back(ranked[i].row);
        answer_.top_weights.push_back(static_cast<double>(std::exp(ranked[i].logit - weights.top - log_sum)));
      }
    }
  }

  /// log_evidence: log sum pi_i exp(-|x - y_i|^2 / (2 sigma^2)) for priors not yet normalised.
  double log_density(std::size_t query, long double log_evidence) const {
    const long double d = static_cast<long double>(d_);
    const long double half_log_two_pi = 0.5L * std::log(2 * std::numbers::pi_v<long double>);
    if (!std::isinf(sigma(query))) {
      return static_cast<double>(log_evidence - log_prior_sum_ -
                                 d * (half_log_two_pi + std::log(static_cast<long double>(sigma(query)))));
    }
    long double square = 0;
    for (const double v : x_[query]) square += static_cast<long double>(v) * v;
    return static_cast<double>(-0.5L * square - d * half_log_two_pi);
  }

  void sum_covariance(Block& block, std::size_t slot, Scratch& scratch) const {
    SlotSums& sums = block.slots[slot];
    const std::size_t states = block.x.rows();
    for (std::size_t q = 0; q < states; ++q) fill_zero(sums.vectors[q]);
    for_tiles(block, slot, scratch, [&](std::size_t first, std::size_t count) {
      for (std::size_t q = 0; q < states; ++q) {
        const long double top = block.weights[q].top;
        choose(block, q, first, count, top, scratch);
        fill_zero(scratch.sum[0]);
        for (const std::size_t j : scratch.chosen) {
          const double weight = std::exp(static_cast<double>(scratch.logits[j * states + q] - top) - block.log_sum[q]);
          const DifferenceTerms terms = difference_terms(scratch.rows[j], block.mean[q], block.direction[q]);
          sums.trace[q] += weight * terms.square;
          if (request_.directions.rows == 0) continue;
          add_scaled_difference(weight * terms.dot, scratch.rows[j], block.mean[q], scratch.sum[0]);
        }
        fold_scaled(sums.vectors[q], 1, scratch.sum[0], 1);
      }
    });
  }

  void finish_covariance(Block& block) {
    for (std::size_t q = 0; q < block.x.rows(); ++q) {
      long double trace = 0;
      const std::span<double> product = block.direction[q];
      fill_zero(product);
      for (const SlotSums& slot : block.slots) {
        trace += slot.trace[q];
        fold_scaled(product, 1, slot.vectors[q], 1);
      }
      if (request_.covariance_trace) answer_.covariance_trace.push_back(static_cast<double>(trace));
      if (request_.directions.rows > 0) {
        std::copy_n(product.begin(), d_, answer_.covariance_product[block.first + q].begin());
      }
    }
  }

  const StoredRows& rows_;
  const Affine& affine_;
  std::span<const double> log_weights_;
  RowsView<const double> x_;
  std::span<const double> sigma_;
  std::span<const std::uint32_t> subset_;
  const Request& request_;
  const Context& context_;
  std::size_t n_;
  std::size_t d_;
  std::size_t top_k_;
  bool wants_covariance_;
  std::size_t tile_rows_;
  std::size_t slots_;
  std::size_t block_states_;
  long double negligible_;
  long double exact_above_;
  long double log_prior_sum_ = 0;
  Answer answer_;
};

}  // namespace

Answer posterior_precise(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
                         RowsView<const double> x, std::span<const double> sigma, std::span<const std::uint32_t> subset,
                         const Request& request, const Context& context) {
  return PreciseJob(rows, affine, log_weights, x, sigma, subset, request, context).run();
}

}  // namespace scorefield
