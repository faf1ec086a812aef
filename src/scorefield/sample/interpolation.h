// The one routine behind multistep methods: integrals of a polynomial through nodes.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace scorefield {

/// int_from^to f(t) dt by Gauss-Legendre quadrature on panels that are halved until halving changes no more than
/// rounding (1e-15 of the integral of |f|).
double integrate(const std::function<double(double)>& f, double from, double to);

/// c_j = int_from^to l_j(t) w(t) dt, l_j the Lagrange basis on the nodes, so that sum_j c_j f(t_j) integrates w times
/// the polynomial through (t_j, f(t_j)). Null w: 1. With w = 1 these are the coefficients of Adams-Bashforth on any
/// nodes; with w = dsigma/dt those of DEIS t-AB (Zhang and Chen 2023, eq. 15).
std::vector<double> lagrange_integrals(std::span<const double> nodes, double from, double to,
                                       const std::function<double(double)>& w = nullptr);

}  // namespace scorefield
