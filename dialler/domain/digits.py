"""Whole numbers by a part of their digits, in order, without looking at the others."""


def next_containing(digits: str, above: int) -> int:
    """Return the smallest number over `above` (0 or more) in whose decimal digits `digits` occurs."""
    first, size, wanted = above + 1, int("1" + "0" * len(digits)), int(digits)
    needs_head = digits[0] == "0"
    found: int | None = None
    place = 1
    while found is None or place <= first * 10:
        head, middle = divmod(first // place, size)
        if middle == wanted and not (needs_head and head == 0):
            return first
        if middle > wanted or (middle == wanted and first % place):
            head += 1
        if needs_head and head == 0:
            head = 1
        candidate = (head * size + wanted) * place
        if candidate >= first and (found is None or candidate < found):
            found = candidate
        place *= 10
    return found
