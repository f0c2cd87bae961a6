"""The field table of ISO 8583:1987 for pyiso8583, written from the standard and not from the profile, so that a wrong length in
either shows."""

FIXED = {
    3: 6, 4: 12, 5: 12, 6: 12, 7: 10, 8: 8, 9: 8, 10: 8, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 16: 4, 17: 4, 18: 4,
    19: 3, 20: 3, 21: 3, 22: 3, 23: 3, 24: 3, 25: 2, 26: 2, 27: 1, 28: 9, 29: 9, 30: 9, 31: 9, 37: 12, 38: 6, 39: 2,
    40: 3, 41: 8, 42: 15, 43: 40, 49: 3, 50: 3, 51: 3, 53: 16, 66: 1, 67: 2, 68: 3, 69: 3, 70: 3, 71: 4, 72: 4, 73: 6,
    **{field: 10 for field in range(74, 82)}, **{field: 12 for field in range(82, 86)},
    **{field: 16 for field in range(86, 90)}, 90: 42, 91: 1, 92: 2, 93: 5, 94: 7, 95: 42, 97: 17, 98: 25,
}
LLVAR = {2: 19, 32: 11, 33: 11, 34: 28, 35: 37, 44: 25, 45: 76, 99: 11, 100: 11, 101: 17, 102: 28, 103: 28}
LLLVAR = {
    36: 104, 46: 999, 47: 999, 48: 999, 54: 120, **{field: 999 for field in range(55, 64)}, 104: 100,
    **{field: 999 for field in range(105, 128)},
}
BINARY = (52, 64, 96, 128)
SIGNED = (28, 29, 30, 31, 97)
TEXT = (37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 54, *range(55, 64), 91, 92, 94, 95, 98,
        *range(101, 128))


def field_spec(length_digits, most, encoding="ascii"):
    return {"data_enc": encoding, "len_enc": "ascii", "len_type": length_digits, "max_len": most, "desc": ""}


def specification():
    spec = {"h": field_spec(0, 0), "t": field_spec(0, 4), "p": field_spec(0, 8, "b"), "1": field_spec(0, 8, "b")}
    for table, digits in ((FIXED, 0), (LLVAR, 2), (LLLVAR, 3)):
        spec.update({str(field): field_spec(digits, most) for field, most in table.items()})
    spec.update({str(field): field_spec(0, 8, "b") for field in BINARY})
    return spec
