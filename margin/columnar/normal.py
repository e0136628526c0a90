"""The normal distribution over arrays: NumPy has no error function."""

import numpy as np

from margin.columnar.arithmetic import Floats

_A = (
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
    1.85777706184603153e-1,
)
_B = (
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
_C = (
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
    2.15311535474403846e-8,
)
_D = (
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)
_P = (
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
    1.63153871373020978e-2,
)
_Q = (
    2.56852019228982242e00,
    1.87295284992346725e00,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)
_ROOT_PI_INVERSE = 5.6418958354775628695e-1


def normal_cdf(x: Floats) -> Floats:
    """Chance that a standard normal variable is below x (no unit), to 1e-14 relative.

    Source: Cody 1969, rational Chebyshev approximations for the error function.

    >>> normal_cdf(np.array([0.0, 1.96])).round(4).tolist()
    [0.5, 0.975]
    """
    z = np.abs(x) / np.sqrt(2.0)
    tail = _erfc(z) / 2
    cdf: Floats = np.where(x > 0, 1 - tail, tail)
    return cdf


def _erfc(z: Floats) -> Floats:
    """Complementary error function for z >= 0."""
    near = np.minimum(z, 0.46875)
    square = near * near
    top, below = _A[4] * square, square
    for a, b in zip(_A[:3], _B[:3], strict=True):
        top, below = (top + a) * square, (below + b) * square
    small = 1 - near * (top + _A[3]) / (below + _B[3])
    mid = np.clip(z, 0.46875, 4.0)
    top, below = _C[8] * mid, mid
    for c, d in zip(_C[:7], _D[:7], strict=True):
        top, below = (top + c) * mid, (below + d) * mid
    middle = np.exp(-mid * mid) * (top + _C[7]) / (below + _D[7])
    far = np.clip(z, 4.0, 30.0)
    inverse = 1 / (far * far)
    top, below = _P[5] * inverse, inverse
    for p, q in zip(_P[:4], _Q[:4], strict=True):
        top, below = (top + p) * inverse, (below + q) * inverse
    rest = inverse * (top + _P[4]) / (below + _Q[4])
    large = np.exp(-far * far) * (_ROOT_PI_INVERSE - rest) / far
    found: Floats = np.where(z <= 0.46875, small, np.where(z <= 4.0, middle, large))
    return found
