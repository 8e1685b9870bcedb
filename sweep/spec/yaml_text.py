"""A YAML file as a plain tree of dicts, lists, text and numbers, or an `InputError` that says where it is not one.

YAML can do more than a spec needs, and each extra can mislead: a key given twice keeps the last value, `yes:` is the
key true, `2020-01-01` is a date, `010` is 8 and `1:30` is 90, and a few aliases of aliases stand for billions of values.
All of these are refused here, so that what follows sees plain values only.
"""

import difflib
import re
from pathlib import Path
from typing import Any

import yaml

from aesweep.models.errors import InputError

MOST_BYTES = 4_000_000
MOST_VALUES = 500_000
MOST_MERGED = 100  # mappings or fields that one merge key names
DEEPEST = 12  # levels of lists and mappings; a spec needs six
NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _OtherNumberError(yaml.MarkedYAMLError):
    """A number that YAML 1.1 reads as another one than it seems."""


class _Loader(yaml.SafeLoader):
    """`yaml.SafeLoader` that refuses a key given twice in one mapping, octal and sexagesimal numbers, and merge bombs."""

    merged = 0

    def flatten_mapping(self, node: Any) -> None:
        """Put the fields of merge keys (`<<`) into a mapping: lists of aliases of such lists grow without end."""
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge" and len(value.value) > MOST_MERGED:
                self._refuse_merging(f"merge keys (<<) take at most {MOST_MERGED} mappings", key)
        super().flatten_mapping(node)
        self.merged += len(node.value)
        if self.merged > MOST_VALUES:
            self._refuse_merging(f"merge keys (<<) stand for more than {MOST_VALUES:,} fields", node)

    def _refuse_merging(self, problem: str, node: Any) -> None:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        plain = node.value if node.style is None else ""
        problem = ""
        if re.fullmatch("[-+]?0[0-9_]+", plain):  # 010 is 8, and 08 is text
            problem = f"{plain!r} begins with a zero, as octal numbers do; leave the zero out, or put text in quotes"
        elif ":" in plain and node.tag in NUMBER_TAGS:  # 1:30 is 90
            problem = f"{plain!r} would be a number in base 60; put text in quotes"
        if problem:
            raise _OtherNumberError(problem=problem, problem_mark=node.start_mark)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"the key {key.value!r} is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return node


def read_yaml(path: Path) -> Any:
    """The file's content. Raises `InputError` naming the file (and line) for everything that cannot be read."""
    return parse_yaml(_read_text(path), str(path))


def parse_yaml(text: str, source: str) -> Any:
    """YAML text as plain Python values; `source` names it in errors."""
    try:
        tree = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        lines = text.splitlines()
        found = lines[mark.line].strip() if mark and mark.line < len(lines) else text[:80]
        what = "" if isinstance(error, _OtherNumberError) else "This is not valid YAML: "
        raise InputError(f"{source}{line}", found, f"{what}{problem}.") from None
    except Exception as error:
        # PyYAML lets ValueError (13th month), KeyError (!!bool x), RecursionError (1,000 brackets) and others through.
        raise InputError(source, text[:80], f"This is not valid YAML: {type(error).__name__}: {error}.") from None
    _check_plain(tree)
    return tree


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.y*ml")], n=1)
        hint = f" (there is {near[0]})" if near else ""
        raise InputError("SPEC", str(path), f"There is no such file{hint}: {path.absolute()}.") from None
    except IsADirectoryError:
        raise InputError("SPEC", str(path), "This is a folder; give the YAML file in it.") from None
    except (OSError, ValueError) as error:
        raise InputError("SPEC", str(path), f"The file cannot be read: {error}.") from None
    if len(data) > MOST_BYTES:
        remedy = f"The file is larger than {MOST_BYTES // 1_000_000} MB; it cannot be a spec."
        raise InputError("SPEC", str(path), remedy)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        remedy = f"Byte {error.start} (line {line}) is not UTF-8. Save the file as UTF-8."
        raise InputError("SPEC", str(path), remedy) from None


def _check_plain(tree: Any) -> None:
    """Refuse keys that are not text, values that are no YAML-plain ones, and trees too large or too deep."""
    waiting: list[tuple[str, Any, int]] = [("", tree, 0)]
    values = 0
    while waiting:
        place, value, depth = waiting.pop()
        values += 1
        if values > MOST_VALUES or depth > DEEPEST:
            what = f"more than {MOST_VALUES:,} values" if depth <= DEEPEST else f"lists more than {DEEPEST} levels deep"
            raise InputError(place[:40] or "spec", "…", f"The spec holds {what} (aliases count each time).")
        if isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(key, str) or not key.strip():
                    remedy = (
                        "Field names are words; YAML reads yes, no, on and off as true and false: put them in quotes."
                    )
                    raise InputError(f"{place}: field name" if place else "field name", key, remedy)
                waiting.append((f"{place}.{key}" if place else key, item, depth + 1))
        elif isinstance(value, list):
            waiting += [(f"{place}[{index}]", item, depth + 1) for index, item in enumerate(value)]
        elif not isinstance(value, str | int | float | bool | None):
            remedy = f"YAML reads this as a {type(value).__name__}; give a number, or text in quotes."
            raise InputError(place or "spec", str(value), remedy)
