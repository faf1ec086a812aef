#include "scorefield/base/eigen.h"

#include <Spectra/MatOp/DenseSymMatProd.h>
#include <Spectra/SymEigsSolver.h>
#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using Matrix = Eigen::Map<const Eigen::MatrixXd>;  // column-major: the transpose, which is the same

// QR of n = 400 takes a quarter of a second; above, Lanczos pays where at most an eighth of the pairs is wanted.
constexpr Eigen::Index kSmall = 400;

void store(const Eigen::VectorXd& values, const Eigen::MatrixXd& vectors, Eigenpairs& pairs) {
  const auto n = static_cast<std::size_t>(vectors.rows());
  for (std::size_t k = 0; k < pairs.values.size(); ++k) {
    const auto column = static_cast<Eigen::Index>(k);
    pairs.values[k] = values[column];
    Eigen::Index largest = 0;
    vectors.col(column).cwiseAbs().maxCoeff(&largest);
    const double sign = vectors(largest, column) < 0 ? -1.0 : 1.0;
    for (std::size_t i = 0; i < n; ++i) pairs.vectors(k, i) = sign * vectors(static_cast<Eigen::Index>(i), column);
  }
}

bool by_lanczos(const Matrix& matrix, Eigenpairs& pairs) {
  const auto wanted = static_cast<Eigen::Index>(pairs.values.size());
  Spectra::DenseSymMatProd<double, Eigen::Upper> product(matrix);
  Spectra::SymEigsSolver solver(product, wanted, std::min(matrix.rows(), std::max<Eigen::Index>(2 * wanted + 1, 20)));
  solver.init();
  solver.compute(Spectra::SortRule::LargestAlge, 1000, 1e-12, Spectra::SortRule::LargestAlge);
  if (solver.info() != Spectra::CompInfo::Successful) return false;
  store(solver.eigenvalues(), solver.eigenvectors(), pairs);
  return true;
}

}  // namespace

Eigenpairs largest_eigenpairs(const Rows& matrix, std::size_t count) {
  ensure(matrix.rows() == matrix.cols(), "a square matrix");
  const std::size_t n = matrix.rows();
  if (count > n) throw Error(fmt::format("{} components asked of a matrix of size {}; ask for fewer", count, n));
  for (double value : matrix.values()) {
    if (!std::isfinite(value)) throw Error("a matrix whose eigenvalues are wanted holds a value that is not finite");
  }
  Eigenpairs pairs{std::vector<double>(count), Rows(count, n)};
  if (count == 0) return pairs;
  const auto size = static_cast<Eigen::Index>(n);
  // Row-major lower is column-major upper.
  const Matrix view(matrix.data(), size, size);
  const bool few = size > kSmall && static_cast<Eigen::Index>(count) * 8 <= size;
  const bool zero = view.isZero(0.0);
  if (few && !zero && by_lanczos(view, pairs)) return pairs;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::MatrixXd(view.transpose()));
  ensure(solver.info() == Eigen::Success, "QR of a symmetric matrix converges");
  store(solver.eigenvalues().reverse(), solver.eigenvectors().rowwise().reverse(), pairs);
  return pairs;
}

}  // namespace scorefield
