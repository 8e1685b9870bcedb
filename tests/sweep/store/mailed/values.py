"""Changes of JSON: values of other types, sizes and meanings, in one to three places or in every text."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sweep.store.mailed.damage import Context

MARK = "fz7canary"
"""A word in every text that a program could take for a command."""
HTML = f"<script>{MARK}</script><img src=x onerror={MARK}>"
FORMULA = f'=HYPERLINK("http://{MARK}","x")'
LATEX = f"\\input{{{MARK}}}\\write18{{{MARK}}} 50% & x_1 #"
TEXTS = {
    "long texts": ["x" * 5_000, "é" * 100_000, "a b " * 20_000, "x\n" * 3_000],
    "control characters": ["\x1b[2J\x1b]0;x\x07", "a\r\nb\tc", "\x00", "\x9b31m", "a\x08\x08b", "\x7f", "\u2028\u2029"],
    "direction and odd letters": ["\u202etxt.exe", "\u2066a\u2069", "\u200b\u200d\ufeff", "e" + "\u0301" * 500, "\ud800", "𝔘" * 90, "﷽"],
    "HTML": [HTML, f"</style>{HTML}", f'"><svg/onload={MARK}>', "&lt;b&gt;", "{{7*7}}{% include 'x' %}", f"javascript:{MARK}"],
    "LaTeX": [LATEX, "\\", "\\end{tabular}", "\\begin{verbatim}", "%", "_^~#&{}"],
    "mathematics": ["$", "$x$", "$\\frac{1}{$", "$\\sqrt{" * 20, "a$b$c$", "$" + "{" * 2_000 + "}" * 2_000 + "$", "$\\undefined$",
        "\\$", "$$"],
    "formulas": [FORMULA, f"=cmd|' /C {MARK}'!A0", f"+{MARK}", f"-{MARK}", f"@SUM({MARK})", f"\t={MARK}", f"\r={MARK}"],
    "markup": ["[/red]", "[bold", "[link=file:///etc/passwd]x[/link]", "| a | b |", f"![x](http://{MARK})", "```", ":smile:"],
    "words of code": ["os:system", "builtins.eval", "!!python/name:os.system",
        "__class__", "nan", "inf", "-0", "true", "%n%s%n", "{0.__class__}"],
}  # fmt: skip


def texts_in(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a text."""
    return ((container, key) for container, key in places(tree) if isinstance(container[key], str))


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON tree; of long lists the first and last items."""
    if not isinstance(tree, dict | list):
        return
    keys = list(tree) if isinstance(tree, dict) else sorted({*range(min(3, len(tree))), len(tree) - 1} - {-1})
    for key in keys:
        yield tree, key
        yield from places(tree[key])


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _others(values: Callable[["Context"], list[Any]]) -> Callable[["Context", Any], Any]:
    """Put some of these in one to three places."""

    def change(context: "Context", tree: Any) -> Any:
        for _ in range(context.rng.randint(1, 3)):
            if found := list(places(tree)):
                container, key = context.rng.choice(found)
                container[key] = context.rng.choice(values(context))
        return tree

    return change


def _texts(values: Callable[["Context"], list[str]]) -> Callable[["Context", Any], Any]:
    """Put one of these in place of one text, behind every text, or in the place of every text or name."""

    def change(context: "Context", tree: Any) -> Any:
        found, text, way = list(texts_in(tree)), context.rng.choice(values(context)), context.rng.randrange(4)
        for container, key in found if way else context.rng.sample(found, min(1, len(found))):
            container[key] = f"{container[key]} {text}" if way == 1 else text
        if way == 3:
            _rename(context, tree, text)
        return tree

    return change


def _rename(context: "Context", tree: Any, name: str) -> None:
    """Another name for some member of an object."""
    found = [(container, key) for container, key in places(tree) if isinstance(container, dict)]
    if found:
        container, key = context.rng.choice(found)
        container[name] = container.pop(key)


def _without(context: "Context", tree: Any) -> Any:
    for _ in range(context.rng.randint(1, 3)):
        if found := list(places(tree)):
            container, key = context.rng.choice(found)
            del container[key]
    return tree


def _more(context: "Context", tree: Any) -> Any:
    """Members that nobody knows, or a member many times."""
    lists = [container[key] for container, key in places(tree) if isinstance(container[key], list) and container[key]]
    if lists and context.rng.random() < 0.5:
        chosen = context.rng.choice(lists)
        chosen.extend([chosen[0]] * context.rng.choice([10, 1_000, 200_000]))
    else:
        objects = [tree, *(container[key] for container, key in places(tree) if isinstance(container[key], dict))]
        chosen = context.rng.choice(objects)
        chosen.update(
            {f"{i:012x}": context.rng.choice([1, "x", {}]) for i in range(context.rng.choice([1, 300, 100_000]))}
        )
    return tree


def _paths(context: "Context") -> list[str]:
    outside = context.bait / "outside"
    up = "../" * 12
    return [
        str(outside), f"{outside}/images", f"{outside}/file.json", f"{up}{str(outside).lstrip('/')}", "../../bait/outside/file",
        "../bait/outside/images", ".", "..", "", "/", "~", "~root", "~/.ssh/id_rsa", "/etc/passwd", "/dev/zero", "/dev/stdin",
        "/proc/self/mem", "C:\\x", "\\\\host\\x", "a/b", "a\0b", "file:///etc/passwd", "s3://bucket/x", "http://127.0.0.1:1/x",
        "x" * 300, "/".join(["d"] * 3000), "con", "-rf", "--help", "$(touch x)", "`touch x`", "; touch x",
    ]  # fmt: skip


VALUES: dict[str, Callable[["Context", Any], Any]] = {
    "other types": _others(
        lambda _: [None, True, 0, 1, -1, 3.5, "", "x", [], {}, [[]], [None], {"": 1}, ["dae"], [1] * 1000]
    ),
    "large numbers": _others(
        lambda _: [10**30, -(10**30), 2**31, 2**63, 2**63 - 1, -(2**63), 1e308, -1e308, 5e-324, 10**4000]
    ),
    "no numbers": _others(lambda _: [float("nan"), float("inf"), float("-inf")]),
    "large sizes": _others(lambda _: [10**6, 10**9, 2**20, 65_537, 10**12]),
    "nested values": _others(lambda _: [_deep(5), _deep(50), _deep(500), {"a": {"b": _deep(30)}}]),
    "odd dates": _others(
        lambda _: ["2020-01-01", "0000-99-99", "9999-12-31T23:59:59+14:00", "0001-01-01", "1e9", "२०२०-०१-०१"]
    ),
    "missing members": _without,
    "further members": _more,
    "paths": _texts(_paths),
    **{name: _texts(lambda _, texts=texts: texts) for name, texts in TEXTS.items()},  # type: ignore[misc]
}
