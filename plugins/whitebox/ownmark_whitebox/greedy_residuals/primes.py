"""RSA keys as a function of drawn bytes, which OpenSSL, whose randomness is its own, does not offer.

Two primes are drawn and tested (strong Baillie-PSW, sympy); `cryptography` puts the key together and checks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)
from sympy import isprime, primorial

EXPONENT = 65537
SMALL = int(primorial(2000, nth=False))
"""Product of the primes to 2000: a common factor with it rules out seven of eight candidates quickly."""


def drawn_prime(bits: int, draw: Callable[[int], bytes]) -> int:
    """The next prime p after a drawn number of so many bits, the two highest set, with p - 1 prime to the exponent."""
    start = int.from_bytes(draw(bits // 8), "big") | (0b11 << (bits - 2)) | 1
    candidate = start
    while math.gcd(candidate, SMALL) > 1 or (candidate - 1) % EXPONENT == 0 or not isprime(candidate):
        candidate += 2
    return candidate


def rsa_key(size: int, draw: Callable[[int], bytes]) -> RSAPrivateKey:
    """An RSA key with a modulus of `size` bits.

    Args:
        size: a multiple of 16. draw: gives that many random bytes.
    """
    p, q = drawn_prime(size // 2, draw), drawn_prime(size // 2, draw)
    d = pow(EXPONENT, -1, math.lcm(p - 1, q - 1))
    public = RSAPublicNumbers(EXPONENT, p * q)
    crt = rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q)
    return RSAPrivateNumbers(p, q, d, *crt, public).private_key()
