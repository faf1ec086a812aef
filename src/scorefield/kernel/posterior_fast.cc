#include "scorefield/kernel/posterior_fast.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/candidates.h"
#include "scorefield/kernel/tile.h"

namespace scorefield {
namespace {

using tile::kGroup;
using tile::kTileRows;
using tile::Softmax;

// Weighted sums of rows run in f32 over a chunk and are then folded into f64: over 60000 rows f32 alone is off by 1e-4.
constexpr std::size_t kChunkTiles = 10;
constexpr std::size_t kChunkRows = kChunkTiles * kTileRows;
// Contiguous groups of chunks with sums of their own: the tasks of the pool, merged in order. Their bounds depend on
// the number of rows alone, so the bits of an answer do not depend on the threads.
constexpr std::size_t kSlots = 16;
// Groups of queries that share the conversion of a tile, as far as their sums in f64 stay within this.
constexpr std::size_t kGroupsAtOnce = 4;
constexpr std::size_t kSumBytes = std::size_t{16} << 20;
// Rows that are left out of the survivors weigh less than e^-34 = 1.7e-15 together.
constexpr double kLogTail = 34;
// So few survivors are always worth the exact answer: 256 rows in double cost less than 1/200 of 60000 in f32.
constexpr std::size_t kFewSurvivors = 256;
constexpr double kUnit = 0x1p-24;  // half an ulp of 1, f32

// The errors that the loops make, in units of kUnit: of a score x.y - |y|^2/2 in |x||y| + |y|^2/2 (root mean square
// over rows), and of a weighted mean of rows in |y|. Measured maxima over data sets and trajectories are a third of
// these.
constexpr double kScoreError = 0.75;
constexpr double kSumError = 6;
// Shares of the promise |D - D_ref| <= 5e-6 min(R, sigma sqrt(d)), and of the promise on log p, that are relied on.
constexpr double kDenoisedBound = 4e-6;
constexpr double kLogitBound = 1e-4;

struct Query {
  double norm = 0;              // |x'|, loop units
  double variance = 0;          // sigma^2, loop units
  double inverse_variance = 0;  // as the loops have it
  CandidatePolicy policy;
  bool safe = false;  // nothing leaves the range of f32
};

/// Sums of one query over the rows of a slot, relative to `largest`.
struct Sums {
  float largest = Softmax::kNothing;
  double sum = 0;                       // sum p
  double energy = 0;                    // sum p log p
  double square = 0;                    // sum p^2
  double distance = 0;                  // sum p |u|^2 / 2
  float folded_at = Softmax::kNothing;  // the largest that the vector of weighted rows is relative to

  void move_to(float new_largest, double inverse_variance) {
    if (new_largest == largest) return;
    const double step = (static_cast<double>(largest) - static_cast<double>(new_largest)) * inverse_variance;
    const double factor = std::exp(step);
    energy = factor == 0 ? 0 : factor * (energy + step * sum);
    sum *= factor;
    square *= factor * factor;
    distance *= factor;
    largest = new_largest;
  }
};

/// What the rows of one slot say about all queries.
struct Slot {
  Slot(std::size_t queries, std::size_t stride) : sums(queries), candidates(queries), vectors(queries * stride) {}
  void clear() {
    std::fill(sums.begin(), sums.end(), Sums());
    std::fill(candidates.begin(), candidates.end(), CandidateList());
    std::fill(vectors.begin(), vectors.end(), 0.0);
  }
  std::vector<Sums> sums;
  std::vector<CandidateList> candidates;
  std::vector<double> vectors;  // sum p u, [queries][stride]
};

/// What a thread needs.
struct Scratch {
  Scratch(const CentredRows& rows, std::size_t queries)
      : tile(rows),
        products(kTileRows * kGroup),
        weights(kTileRows * kGroup),
        vectors(queries <= tile::kFewQueries
                    ? tile::kFewQueries * rows.stride()
                    : tile::round_up(queries, kGroup) * tile::round_up(rows.dimension(), tile::kSlab)),
        softmax((queries + kGroup - 1) / kGroup),
        touched(softmax.size()) {}
  CentredRows::Tile tile;
  AlignedFloats products;
  AlignedFloats weights;
  AlignedFloats vectors;  // sum p u over a chunk; see Pass::vectors()
  std::vector<Softmax> softmax;
  std::vector<std::uint64_t> touched;  // queries with any weight in the chunk
  std::array<float, kTileRows> half_norms{};
  std::array<float, kTileRows> log_weights{};
};

/// One pass over the rows for a batch of queries.
class Pass {
 public:
  Pass(const FastRows& rows, RowsView<const double> x, std::span<const double> sigma,
       std::span<const std::uint32_t> subset, std::size_t top_k, const Context& context)
      : rows_(rows),
        subset_(subset),
        context_(context),
        n_(subset.empty() ? rows.rows.size() : subset.size()),
        d_(rows.rows.dimension()),
        stride_(rows.rows.stride()),
        few_(x.rows <= tile::kFewQueries),
        groups_((x.rows + kGroup - 1) / kGroup),
        queries_(x.rows),
        panel_(few_ ? tile::kFewQueries * stride_ : groups_ * kGroup * d_),
        crowded_(x.rows) {
    for (std::size_t q = 0; q < x.rows; ++q) prepare(q, x[q], sigma[q], top_k);
  }

  void run() {
    const std::size_t chunks = (n_ + kChunkRows - 1) / kChunkRows;
    const std::size_t slots = std::min(kSlots, chunks);
    const std::size_t threads = context_.pool == nullptr ? 1 : static_cast<std::size_t>(context_.pool->threads());
    std::vector<std::unique_ptr<Scratch>> scratch(threads);
    finished_.resize(slots);
    run_tasks(context_.pool, slots, [&](std::size_t s, int worker) {
      auto& own = scratch[static_cast<std::size_t>(worker)];
      if (own == nullptr) own = std::make_unique<Scratch>(rows_.rows, queries_.size());
      std::unique_ptr<Slot> slot = empty_slot();
      begin_slot(*own);
      for (std::size_t c = s * chunks / slots; c < (s + 1) * chunks / slots; ++c) {
        context_.check_cancelled();
        add_chunk(c * kChunkRows, std::min(n_, (c + 1) * kChunkRows), *slot, *own);
      }
      hand_in(s, std::move(slot));
    });
  }

  /// After run(). denoised: [d], data units.
  FastPosterior posterior(std::size_t q, bool answer_many, std::span<double> denoised) {
    const Query& query = queries_[q];
    FastPosterior found;
    if (!query.safe) return found;
    Slot& total = *total_;
    const Sums& sums = total.sums[q];
    CandidateList& candidates = total.candidates[q];
    if (crowded_[q]) candidates.give_up_survivors();
    candidates.narrow(sums.largest, query.policy);
    for (const Candidate& c : candidates.kept()) found.top_candidates.push_back(c.row);
    const double* vector = total.vectors.data() + q * stride_;
    double square = 0;
    for (std::size_t k = 0; k < d_; ++k) square += vector[k] / sums.sum * (vector[k] / sums.sum);
    const double mean_square = 2 * sums.distance / sums.sum;
    const double trace = std::max(0.0, mean_square - square);

    const double score_error = kUnit * kScoreError * (query.norm * std::sqrt(mean_square) + mean_square / 2);
    const double logit_error = score_error / query.variance;
    const double denoised_error = logit_error * std::sqrt(trace) + kUnit * kSumError * std::sqrt(mean_square);
    const double scale = std::min(rows_.rms, std::sqrt(query.variance * static_cast<double>(d_)));
    const bool sure =
        answer_many && candidates.has_top() && denoised_error <= kDenoisedBound * scale && logit_error <= kLogitBound;
    if (candidates.has_survivors() && (!sure || candidates.kept().size() <= kFewSurvivors)) {
      found.verdict = FastPosterior::Verdict::kSurvivors;
      found.survivors = std::move(found.top_candidates);
      return found;
    }
    if (!sure) return found;

    found.verdict = FastPosterior::Verdict::kAnswered;
    for (std::size_t k = 0; k < d_; ++k) denoised[k] = rows_.rows.to_data(vector[k] / sums.sum, k);
    const double log_sum = std::log(sums.sum);
    found.log_sum = (static_cast<double>(sums.largest) - query.norm * query.norm / 2) / query.variance + log_sum;
    found.entropy = log_sum - sums.energy / sums.sum;
    found.effective_sample_size = sums.sum * sums.sum / sums.square;
    found.largest_weight = 1 / sums.sum;
    found.covariance_trace = trace / (rows_.rows.units_per_data() * rows_.rows.units_per_data());
    return found;
  }

 private:
  std::unique_ptr<Slot> empty_slot() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Slot>(queries_.size(), stride_);
    std::unique_ptr<Slot> slot = std::move(idle_.back());
    idle_.pop_back();
    slot->clear();
    return slot;
  }

  /// Merges what is finished, in the order of the slots; a slot that is merged is used again.
  void hand_in(std::size_t s, std::unique_ptr<Slot> slot) {
    const std::lock_guard lock(mutex_);
    finished_[s] = std::move(slot);
    for (; merged_ < finished_.size() && finished_[merged_] != nullptr; ++merged_) {
      if (merged_ == 0) {
        total_ = std::move(finished_[0]);
        continue;
      }
      for (std::size_t q = 0; q < queries_.size(); ++q) merge(*total_, *finished_[merged_], q);
      idle_.push_back(std::move(finished_[merged_]));
    }
  }

  std::size_t group_size(std::size_t g) const { return std::min(kGroup, queries_.size() - g * kGroup); }
  std::size_t lanes(std::size_t g) const { return tile::round_up(group_size(g), tile::kLaneStep); }
  float* panel(std::size_t g) { return panel_.data() + g * kGroup * d_; }
  const float* panel(std::size_t g) const { return panel_.data() + g * kGroup * d_; }

  void prepare(std::size_t q, std::span<const double> x, double sigma, std::size_t top_k) {
    Query& query = queries_[q];
    std::vector<float> u(d_);
    query.norm = rows_.rows.centre_query(x, u.data());
    if (few_) {
      std::copy(u.begin(), u.end(), panel_.data() + q * stride_);
    } else {
      const std::size_t g = q / kGroup;
      for (std::size_t k = 0; k < d_; ++k) panel(g)[k * lanes(g) + q % kGroup] = u[k];
    }
    const double sigma_units = sigma * rows_.rows.units_per_data();
    query.variance = sigma_units * sigma_units;
    query.inverse_variance = static_cast<double>(static_cast<float>(1 / query.variance));
    const double reach = (query.norm + rows_.longest) * rows_.longest;
    query.safe = query.variance > 1e-30 && query.variance < 1e30 && query.norm < 1e15 && rows_.longest < 1e15 &&
                 reach / query.variance < 1e30;
    const double worst = rows_.rows.worst_score_error(query.norm, rows_.longest);
    const double tail = std::log(static_cast<double>(n_)) + kLogTail;
    query.policy.margin = static_cast<float>(tail * query.variance + 2 * worst);
    query.policy.k = top_k;
    query.policy.allowance = static_cast<float>(2 * worst);
    if (!query.safe) query.policy = {};
  }

  void begin_slot(Scratch& own) const {
    for (std::size_t q = 0; q < own.softmax.size() * kGroup; ++q) {
      Softmax& state = own.softmax[q / kGroup];
      const std::size_t lane = q % kGroup;
      const bool present = q < queries_.size() && queries_[q].safe;
      state.largest[lane] = present ? Softmax::kNothing : Softmax::kAbsent;
      state.variance[lane] = present ? static_cast<float>(queries_[q].variance) : 1.0F;
      state.inverse_variance[lane] = present ? static_cast<float>(queries_[q].inverse_variance) : 1.0F;
      const bool collects = present && (queries_[q].policy.k > 0 || !crowded_[q].load(std::memory_order_relaxed));
      state.margin[lane] = collects ? queries_[q].policy.margin : CandidatePolicy().margin;
      state.threshold[lane] = present && queries_[q].policy.k > 0 ? -INFINITY : INFINITY;
    }
  }

  void add_chunk(std::size_t first, std::size_t last, Slot& slot, Scratch& own) {
    std::fill(own.touched.begin(), own.touched.end(), 0);
    for (std::size_t row = first; row < last; row += kTileRows) {
      const std::size_t count = std::min(kTileRows, last - row);
      own.tile.select(subset_, row, row + count, n_);
      for (std::size_t j = 0; j < kTileRows; ++j) {
        const std::uint32_t number = own.tile.number(j);
        own.half_norms[j] = j < count ? rows_.half_norms[number] : INFINITY;
        if (!rows_.log_weights.empty()) own.log_weights[j] = static_cast<float>(rows_.log_weights[number]);
      }
      for (std::size_t g = 0; g < groups_; ++g) add_tile(g, slot, own);
    }
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      if ((own.touched[q / kGroup] >> (q % kGroup) & 1) == 0) continue;
      Sums& sums = slot.sums[q];
      const double step = static_cast<double>(sums.folded_at) - static_cast<double>(sums.largest);
      double* total = slot.vectors.data() + q * stride_;
      const double factor = std::exp(step * queries_[q].inverse_variance);
      const std::size_t width = few_ ? stride_ : tile::kSlab;
      for (std::size_t k = 0; k < d_; k += width) {
        float* part = vectors(own, q / kGroup) + k * kGroup + q % kGroup * width;
        tile::fold(total + k, factor, part, std::min(width, d_ - k));
      }
      sums.folded_at = sums.largest;
    }
  }

  /// Weighted sums of a group: [queries][stride] where they are few, else [slab][kGroup][kSlab].
  float* vectors(Scratch& own, std::size_t g) const {
    return own.vectors.data() + g * kGroup * tile::round_up(d_, tile::kSlab);
  }

  void add_tile(std::size_t g, Slot& slot, Scratch& own) {
    Softmax& state = own.softmax[g];
    const std::size_t count = group_size(g);
    const tile::Ahead ahead = g == 0 ? own.tile.ahead() : tile::Ahead();
    if (few_ && rows_.rows.bytes()) {
      tile::dots_few(own.tile.stored_bytes(), ahead, rows_.rows.shifted_centre(), panel_.data(), count, d_,
                     own.products.data());
    } else if (few_) {
      tile::dots_few(own.tile.floats(), ahead, panel_.data(), count, d_, own.products.data());
    } else {
      tile::dots(own.tile.values(), stride_, panel(g), lanes(g), d_, ahead, own.products.data());
    }
    tile::softmax(own.products.data(), own.weights.data(), own.half_norms.data(),
                  rows_.log_weights.empty() ? nullptr : own.log_weights.data(), lanes(g), state);
    collect(g, slot, own);

    std::uint64_t active = 0;
    for (const std::uint64_t bits : state.active) active |= bits;
    own.touched[g] |= active;
    for (std::size_t lane = 0; lane < count; ++lane) {
      Sums& sums = slot.sums[g * kGroup + lane];
      if (sums.largest != state.largest[lane]) {
        sums.move_to(state.largest[lane], queries_[g * kGroup + lane].inverse_variance);
      }
      sums.sum += static_cast<double>(state.sum[lane]);
      sums.energy += static_cast<double>(state.energy[lane]);
      sums.square += static_cast<double>(state.square[lane]);
      sums.distance += static_cast<double>(state.distance[lane]);
    }
    if (active == 0) return;
    float* sums_of_group = vectors(own, g);
    if (few_ && rows_.rows.bytes()) {
      tile::add_weighted(own.tile.stored_bytes(), rows_.rows.centre(), own.weights.data(), lanes(g), count, d_, state,
                         sums_of_group);
    } else if (few_) {
      tile::add_weighted(own.tile.floats(), own.weights.data(), lanes(g), count, d_, state, sums_of_group);
    } else {
      tile::add_weighted(own.tile.values(), stride_, own.weights.data(), lanes(g), count, d_, state, sums_of_group);
    }
  }

  void collect(std::size_t g, Slot& slot, Scratch& own) {
    Softmax& state = own.softmax[g];
    std::uint64_t grown = 0;
    for (std::size_t j = 0; j < own.tile.count(); ++j) {
      for (std::uint64_t bits = state.candidates[j]; bits != 0; bits &= bits - 1) {
        const auto lane = static_cast<std::size_t>(std::countr_zero(bits));
        slot.candidates[g * kGroup + lane].add({own.tile.number(j), own.products.data()[j * lanes(g) + lane]});
        grown |= std::uint64_t{1} << lane;
      }
    }
    for (; grown != 0; grown &= grown - 1) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(grown));
      const CandidatePolicy& policy = queries_[g * kGroup + lane].policy;
      CandidateList& list = slot.candidates[g * kGroup + lane];
      if (!list.full(policy)) continue;
      list.make_room(state.largest[lane], policy);
      state.threshold[lane] = list.top_floor();
      if (!list.has_survivors()) {
        state.margin[lane] = CandidatePolicy().margin;
        crowded_[g * kGroup + lane].store(true, std::memory_order_relaxed);
      }
    }
  }

  void merge(Slot& total, const Slot& part, std::size_t q) const {
    Sums& to = total.sums[q];
    Sums from = part.sums[q];
    total.candidates[q].append(part.candidates[q]);
    if (from.sum == 0) return;
    const double inverse = queries_[q].inverse_variance;
    const float largest = std::max(to.largest, from.largest);
    const auto factor = [&](const Sums& sums) {
      return std::exp((static_cast<double>(sums.largest) - static_cast<double>(largest)) * inverse);
    };
    const double to_factor = factor(to);
    const double from_factor = factor(from);
    double* vector = total.vectors.data() + q * stride_;
    const double* added = part.vectors.data() + q * stride_;
    for (std::size_t k = 0; k < d_; ++k) vector[k] = vector[k] * to_factor + added[k] * from_factor;
    to.move_to(largest, inverse);
    from.move_to(largest, inverse);
    to.sum += from.sum;
    to.energy += from.energy;
    to.square += from.square;
    to.distance += from.distance;
  }

  const FastRows& rows_;
  std::span<const std::uint32_t> subset_;
  const Context& context_;
  std::size_t n_;
  std::size_t d_;
  std::size_t stride_;
  bool few_;  // the rows are the lanes
  std::size_t groups_;
  std::vector<Query> queries_;
  AlignedFloats panel_;  // few: [kFewQueries][stride]; else a group: [d][lanes]
  // Queries that were found to have more survivors than a list holds: no slot need collect them any more. (Where the
  // best k are collected too, all slots go on, or what they give up among ties could depend on the threads.)
  std::vector<std::atomic<bool>> crowded_;

  std::mutex mutex_;  // guards what follows, until run() ends
  std::vector<std::unique_ptr<Slot>> idle_;
  std::vector<std::unique_ptr<Slot>> finished_;  // in the order of the slots, until they are merged
  std::size_t merged_ = 0;
  std::unique_ptr<Slot> total_;
};

}  // namespace

std::vector<FastPosterior> posterior_fast(const FastRows& rows, RowsView<const double> x, std::span<const double> sigma,
                                          std::span<const std::uint32_t> subset, std::size_t top_k, bool answer_many,
                                          RowsView<double> denoised, const Context& context) {
  const std::size_t stride = rows.rows.stride();
  const std::size_t group_bytes = kGroup * stride * sizeof(double);
  const std::size_t at_once = kGroup * std::clamp<std::size_t>(kSumBytes / group_bytes, 1, kGroupsAtOnce);
  // A tile and the f32 sums a thread, the queries, and the f64 sums of the slots that wait to be merged: all at worst.
  const std::size_t queries = std::min(at_once, tile::round_up(x.rows, 8));
  const std::size_t threads =
      context.pool == nullptr ? 1 : std::min(kSlots, static_cast<std::size_t>(context.pool->threads()));
  context.check_memory(threads * (kTileRows + queries) * stride * sizeof(float) + queries * stride * sizeof(float) +
                           (threads == 1 ? 2 : kSlots) * queries * stride * sizeof(double),
                       "the posterior");
  std::vector<FastPosterior> found;
  for (std::size_t first = 0; first < x.rows; first += at_once) {
    const std::size_t count = std::min(at_once, x.rows - first);
    Pass pass(rows, x.slice(first, count), sigma.subspan(first, count), subset, top_k, context);
    pass.run();
    for (std::size_t q = 0; q < count; ++q) found.push_back(pass.posterior(q, answer_many, denoised[first + q]));
  }
  return found;
}

}  // namespace scorefield
