"""Random values that fit a botocore shape, and the two forms they have: what a client passes and
what an operation sees (timestamps as numbers, blobs as base64)."""

import base64
import datetime
import random
import re
import string
from re import _constants as sre
from re import _parser

CATEGORIES = {sre.CATEGORY_DIGIT: string.digits, sre.CATEGORY_SPACE: " \t",
              sre.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
              sre.CATEGORY_NOT_SPACE: "aZ9_", sre.CATEGORY_NOT_DIGIT: "aZ_",
              sre.CATEGORY_NOT_WORD: "-/."}
PRINTABLE = [chr(code) for code in range(33, 127)]
UNICODE_CLASSES = {"L": "a-zA-Z", "N": "0-9", "Z": " ", "Zs": " ", "M": "\u0301", "S": "+",
                   "P": ".,;", "Alnum": "a-zA-Z0-9", "Print": " -~", "ASCII": " -~"}


def as_python(java):
    """A pattern of Java's in Python's words: Unicode classes shrink to what stands for them."""
    text = java.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U00010fff")
    text = re.sub(r"\$\{\d+,\d*\}", "$", text).replace(r"\z", r"\Z")
    text = re.sub(r"(\\[wd])-(?!\])", r"\1\-", text)

    def spelled(match):
        before = re.sub(r"\\.", "", text[:match.start()])
        in_class = before.count("[") > before.count("]")
        stand_in = UNICODE_CLASSES[match[1]]
        return stand_in if in_class else f"[{stand_in}]"

    return re.sub(r"\\p\{(\w+)\}", spelled, text)


class FromPattern:
    """Strings that a pattern matches."""

    def __init__(self, rng, longest=40):
        self.rng, self.longest = rng, longest

    def __call__(self, pattern):
        return self.items(_parser.parse(as_python(pattern)))

    def items(self, parsed):
        return "".join(self.item(*item) for item in parsed)

    def item(self, kind, value):
        if kind is sre.LITERAL:
            return chr(value)
        if kind is sre.NOT_LITERAL:
            return self.rng.choice([c for c in "aZ5-" if ord(c) != value])
        if kind is sre.ANY:
            return self.rng.choice("aZ5-/")
        if kind is sre.IN:
            return self.one_of(value)
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, what = value
            most = min(int(most), max(least, self.longest))
            return "".join(self.items(what) for _ in range(self.rng.randint(least, most)))
        if kind is sre.SUBPATTERN:
            return self.items(value[-1])
        if kind is sre.BRANCH:
            return self.items(self.rng.choice(value[1]))
        if kind in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            return ""
        raise NotImplementedError(kind)

    def one_of(self, choices):
        if choices[0][0] is sre.NEGATE:
            outside = re.compile("[" + "".join(map(re.escape, self.members(choices[1:]))) + "]")
            return self.rng.choice([c for c in PRINTABLE if not outside.match(c)])
        return self.rng.choice(self.members(choices))

    @staticmethod
    def members(choices):
        found = []
        for kind, value in choices:
            if kind is sre.LITERAL:
                found.append(chr(value))
            elif kind is sre.RANGE:
                low, high = value
                step = max(1, (high - low) // 64)
                found += [chr(code) for code in range(low, high + 1, step)
                          if not 0xD800 <= code < 0xE000]
            else:
                found += CATEGORIES[value]
        # Control characters have no place in XML or a header.
        return [c for c in found if ord(c) >= 32 and ord(c) != 127] or found


class Values:
    """Values by shape; members that are not required are there with a chance of `optional`."""

    def __init__(self, seed, optional=0.5):
        self.rng = random.Random(seed)
        self.optional = optional

    def text(self, shape, place):
        low = max(int(shape.metadata.get("min", 0)), 1)
        high = min(int(shape.metadata.get("max", low + 30)), low + 60)
        pattern = shape.metadata.get("pattern")
        if pattern:
            python = re.compile(as_python(pattern), re.ASCII)
            for longest in (3, 8, 40, 1, 2, 64, low, low + 1) * 60:
                made = FromPattern(self.rng, longest)(pattern)
                top = int(shape.metadata.get("max", 1 << 20))
                plain = not place or (made.isascii() and made == made.strip() and '"' not in made)
                if low <= len(made) <= top and plain and python.fullmatch(made):
                    return made
            raise AssertionError(f"no string found for {pattern!r} of {low}..{high} characters")
        plain = string.ascii_letters + string.digits + "+/=."
        alphabet = {"header": plain, "headers": plain,
                    "uri": string.ascii_letters + " +%&=/?#~é雪",
                    "querystring": string.ascii_letters + " +%&=/?#~é雪"}
        letters = alphabet.get(place, string.ascii_letters + " <>&\"'\n+%=é雪\U0001f600")
        made = "".join(self.rng.choice(letters) for _ in range(self.rng.randint(low, max(low, min(high, 60)))))
        # What comes from an XML element or a header loses no inner character; ends are letters.
        return "a" + made[1:-1] + "z" if len(made) > 2 else "a" * len(made)

    def number(self, shape):
        low = shape.metadata.get("min", -5 if "max" not in shape.metadata else 0)
        high = shape.metadata.get("max", max(float(low), 0) + 1000)
        if shape.type_name in ("float", "double"):
            return round(self.rng.uniform(float(low), min(float(high), float(low) + 1e6)), 3)
        return self.rng.randint(int(low), min(int(high), int(low) + 2**31 - 1 if int(low) < 0
                                              else int(low) + 10**6))

    def value(self, shape, place=None, depth=0):
        """A value; place is where it is written: None (the body), "uri", "header" ..."""
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            least = max(1, int(shape.metadata.get("min", 1)))
            most = min(int(shape.metadata.get("max", 3)), max(least, 3))
            return [self.value(shape.member, place, depth + 1)
                    for _ in range(self.rng.randint(least, max(least, most)))]
        if kind == "map":
            keys = {self.key(shape, place) for _ in range(2)}
            return {key: self.value(shape.value, place, depth + 1) for key in sorted(keys)}
        if shape.metadata.get("enum"):
            return self.rng.choice(shape.metadata["enum"])
        if kind in ("string", "character"):
            return self.text(shape, place)
        if kind in ("integer", "long", "float", "double"):
            return self.number(shape)
        if kind == "boolean":
            return self.rng.random() < 0.5
        if kind == "timestamp":
            seconds = self.rng.randint(10**9, 2 * 10**9)
            return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        assert kind == "blob", kind
        least = int(shape.metadata.get("min", 0))
        return self.rng.randbytes(self.rng.randint(least, least + 20))

    def key(self, shape, place):
        if place == "headers":
            return "".join(self.rng.choice(string.ascii_lowercase) for _ in range(6))
        return self.value(shape.key)

    def structure(self, shape, depth=0):
        if shape.is_tagged_union:
            names = [self.rng.choice(list(shape.members))]
            if depth > 6:  # the union's members may hold it again
                names = sorted(shape.members, key=lambda n: shape.members[n].type_name in
                               ("structure", "list"))[:1]
        else:
            names = [name for name in shape.members if name in shape.required_members or
                     (depth < 6 and self.rng.random() < self.optional)]
        if not names and depth and shape.members:  # a form cannot say {}
            names = [self.rng.choice(list(shape.members))]
        made = {}
        for name in names:
            member = shape.members[name]
            made[name] = self.value(member, member.serialization.get("location"), depth + 1)
        return made


def seen(value):
    """The form that operations see."""
    if isinstance(value, dict):
        return {key: seen(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [seen(element) for element in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value


def without_empty(value):
    """XML and forms have no way to write an empty list, map or structure in every place."""
    if isinstance(value, dict):
        kept = {key: without_empty(element) for key, element in value.items()}
        return {key: element for key, element in kept.items() if element not in ({}, [])}
    if isinstance(value, list):
        return [without_empty(element) for element in value]
    return value
