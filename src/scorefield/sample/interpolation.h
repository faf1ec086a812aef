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

/// The coefficients of Adams-Bashforth for equal steps: lagrange_integrals() over nodes 0, -1, -2, ... from 0 to 1.
std::vector<double> equal_step_weights(std::size_t nodes);

/// w with sum_j w_j nodes_j^k = moments_k for every k below the number of nodes: sum_j w_j f(nodes_j) is then the value
/// at the polynomial through (nodes_j, f) of the linear functional that takes t^k to moments_k. As many moments as
/// nodes, the nodes distinct (Bjorck and Pereyra 1970, algorithm for the primal system).
std::vector<double> moment_weights(std::span<const double> nodes, std::span<const double> moments);

}  // namespace scorefield
