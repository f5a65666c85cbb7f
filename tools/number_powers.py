#!/usr/bin/env python3
"""Writes src/parse/number_powers.c: the 128 leading bits of each power of five that a double can need.

    tools/number_powers.py > src/parse/number_powers.c

Non-negative powers are cut; reciprocals are rounded up as far as -27, where the product of a
64-bit number with them is then exact enough to find ties, and cut below. (D. Lemire, Number
Parsing at a Gigabyte per Second, 2021, section 5; N. Mushtak, D. Lemire, Fast Number Parsing
Without Fallback, 2023.)
"""

LOWEST, HIGHEST = -342, 308


def leading_bits(exponent):
    if exponent >= 0:
        power = 5**exponent
        length = power.bit_length()
        return power << 128 - length if length <= 128 else power >> length - 128
    power = 5**-exponent
    length = power.bit_length()
    if exponent >= -27:
        return (1 << length + 127) // power + 1
    bits = (1 << 2 * length + 128) // power + 1
    return bits >> bits.bit_length() - 128


def main():
    print("/* Written by tools/number_powers.py. Do not edit. */")
    print('#include "parse/number_powers.h"\n')
    print("/* clang-format off */")
    print("const struct number_power number_powers[NUMBER_POWER_HIGHEST - NUMBER_POWER_LOWEST + 1] = {")
    for exponent in range(LOWEST, HIGHEST + 1, 2):
        pair = range(exponent, min(exponent + 2, HIGHEST + 1))
        cells = (f"{{0x{bits >> 64:016x}, 0x{bits & (1 << 64) - 1:016x}}}," for bits in map(leading_bits, pair))
        print("    " + " ".join(cells))
    print("};")


if __name__ == "__main__":
    main()
