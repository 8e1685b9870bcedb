"""Where a name in a spec finds its plug-in, and what is said of one that is missing, broken or doubled."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.models.plugins.files import forget_files, load_files
from aesweep.models.plugins.plugin import BUILT_IN, Parameter, Plugin, PluginError, function
from aesweep.models.plugins.registry import Registry, require


@dataclass(frozen=True, kw_only=True)
class Prior(Plugin):
    kind = "prior"


GMM = Prior(name="gmm", version=BUILT_IN, meaning="a mixture")
PRIORS = Registry(Prior, [GMM])
HEAD = f"from {__name__} import Prior\n"
MINE = HEAD + 'mine = Prior(name="mine", version="1.2", meaning="of mine")\n'


@pytest.fixture(autouse=True)
def _no_files() -> Iterator[None]:
    yield
    forget_files()


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a package with one entry point on the path, as an installer leaves it there."""

    def put(module: str, text: str, name: str = "mine", group: str = "aesweep.priors") -> None:
        site = tmp_path / f"site-{module}"
        written(site / f"{module}.py", text)
        written(site / f"{module}-2.0.dist-info" / "METADATA", f"Metadata-Version: 2.1\nName: {module}\nVersion: 2.0\n")
        written(site / f"{module}-2.0.dist-info" / "entry_points.txt", f"[{group}]\n{name} = {module}:mine\n")
        monkeypatch.syspath_prepend(str(site))

    return put


def lines_of(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    lines = str(error.value).splitlines()
    assert len(lines) == 2, lines
    return lines


def test_a_file_makes_its_plugins_known(tmp_path: Path) -> None:
    load_files([written(tmp_path / "my-priors.py", MINE)])
    assert PRIORS.names() == ("gmm", "mine")
    assert PRIORS.get("mine").version == "1.2"
    assert PRIORS.uses(["mine", "gmm"]) == ("prior mine 1.2",)


def test_a_file_that_has_changed_is_run_again(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.py", MINE)
    load_files([path])
    load_files([written(path, MINE.replace("1.2", "1.3"))])
    assert PRIORS.uses(["mine"]) == ("prior mine 1.3",)


def test_an_installed_package_is_imported_only_when_its_name_is_asked_for(install: Any) -> None:
    install("lazy_priors", MINE)
    assert PRIORS.get("gmm") is GMM and PRIORS.names() == ("gmm", "mine")
    assert "lazy_priors" not in sys.modules
    assert PRIORS.get("mine").name == "mine"
    assert "lazy_priors" in sys.modules


def test_a_built_in_name_cannot_be_replaced(tmp_path: Path, install: Any) -> None:
    load_files([written(tmp_path / "mine.py", MINE.replace('"mine"', '"gmm"'))])
    install("other_gmm", MINE, name="gmm")
    assert PRIORS.get("gmm") is GMM
    assert PRIORS.names() == ("gmm",)
    assert PRIORS.uses(["gmm"]) == ()


def test_two_plugins_of_one_name_are_both_named(tmp_path: Path, install: Any) -> None:
    install("first_priors", MINE)
    install("second_priors", MINE)
    with pytest.raises(PluginError) as error:
        PRIORS.get("mine")
    assert "first_priors 2.0" in lines_of(error)[1] and "second_priors 2.0" in lines_of(error)[1]


def test_a_file_and_a_package_of_one_name_are_both_named(tmp_path: Path, install: Any) -> None:
    install("third_priors", MINE)
    load_files([written(tmp_path / "own.py", MINE)])
    with pytest.raises(PluginError) as error:
        PRIORS.get("mine")
    assert str(tmp_path / "own.py") in lines_of(error)[1] and "third_priors 2.0" in lines_of(error)[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module_anywhere\n", "No module named 'no_such_module_anywhere'"),
        ("def mine(:\n", "SyntaxError"),
        ("raise SystemExit('gone')\n", "SystemExit: gone"),
        ("mine = 3\n", "It is int"),
        (MINE.replace('"mine"', '"yours"'), "It is the prior yours 1.2"),
        (MINE.replace('version="1.2", ', ""), "missing 1 required keyword-only argument: 'version'"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_with_its_error(
    install: Any, text: str, words: str, request: pytest.FixtureRequest
) -> None:
    module = f"broken_{abs(hash(text))}"
    install(module, text)
    with pytest.raises(PluginError) as error:
        PRIORS.get("mine")
    first, second = lines_of(error)
    assert "prior mine" in first and f"{module} 2.0" in first and words in second


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "\nimport no_such_module_anywhere\n",
            "ModuleNotFoundError: No module named 'no_such_module_anywhere' (line 2)",
        ),
        ("x = 3\n", "declares no plug-in"),
        (MINE.replace("1.2", "one two"), "version"),
        (MINE.replace('"mine"', '"../mine"'), "lower-case"),
        (MINE.replace('"mine"', '"x' + "y" * 40 + '"'), "lower-case"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PluginError) as error:
        load_files([written(tmp_path / "mine.py", text)])
    first, second = lines_of(error)
    assert str(tmp_path / "mine.py") in first and words in second


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no.py", "There is no such file"), (tmp_path, "not a regular file")):
        with pytest.raises(PluginError) as error:
            load_files([path], "--plugins")
        assert lines_of(error)[0].startswith("--plugins: ") and words in lines_of(error)[1]


def test_two_files_that_would_be_one_module_are_refused(tmp_path: Path) -> None:
    load_files([written(tmp_path / "a" / "mine.py", MINE)])
    with pytest.raises(PluginError, match="has the same name"):
        load_files([written(tmp_path / "b" / "mine.py", MINE)])


def test_an_unknown_name_lists_those_that_are_known(install: Any) -> None:
    install("listed_priors", MINE)
    with pytest.raises(InputError) as error:
        PRIORS.get("maxture", "priors")
    assert lines_of(error) == ["priors: 'maxture' cannot be used.", "Choose one of: gmm, mine."]


def test_a_plugin_of_another_kind_is_refused(tmp_path: Path) -> None:
    text = "from aesweep.plugins import Plugin\nclass Metric(Plugin):\n    kind = 'prior'\n"
    load_files([written(tmp_path / "odd.py", text + 'odd = Metric(name="odd", version="1", meaning="odd")\n')])
    with pytest.raises(PluginError, match=r"test_plugins\.Prior"):
        PRIORS.get("odd")


def test_a_record_names_a_plugin_that_is_not_installed() -> None:
    recorded = ("objective other 3", "prior mine 1.2")
    assert PRIORS.uses(["mine", "gmm"], recorded) == ("prior mine 1.2",)
    with pytest.raises(PluginError) as error:
        require(["prior mine 1.2"])
    assert lines_of(error)[0] == "prior: 'mine' cannot be used." and "--plugins FILE" in lines_of(error)[1]


def test_another_version_than_the_recorded_one_is_refused(tmp_path: Path) -> None:
    load_files([written(tmp_path / "mine.py", MINE)])
    require(["prior mine 1.2"])
    with pytest.raises(PluginError) as error:
        require(["prior mine 1.1"])
    assert lines_of(error)[1] == "Version 1.1 was used, 1.2 is here. Install version 1.1."


def test_a_plugin_and_its_version_are_part_of_a_trials_key() -> None:
    keys = {TrialConfig(model="mine", plugin_versions=(f"objective mine {version}",)).key for version in (1, 2)}
    assert len({*keys, TrialConfig().key}) == 3
    assert TrialConfig(plugin_versions=()).key == TrialConfig().key
    again = TrialConfig(**TrialConfig(model="mine", plugin_versions=("objective mine 1",)).to_json())
    assert again.plugin_versions == ("objective mine 1",)


@pytest.mark.parametrize("text", ["mine", "prior mine", "prior ../x 1", "prior mine 1 2", "prior mine \n", 3])
def test_a_recorded_version_of_another_form_is_refused(text: Any) -> None:
    with pytest.raises(InputError, match="plugin_versions"):
        TrialConfig(plugin_versions=(text,))


WEIGHT = Parameter(name="weight", default=1.0, meaning="", least=0.0)
SIZES = Parameter(name="size", default=8, meaning="", least=1, most=100)
KIND = Parameter(name="kind", default="full", meaning="", choices=("full", "diagonal"))
WARM = Parameter(name="warm", default=True, meaning="")
FOUR = Prior(name="four", version="1", meaning="four parameters", parameters=(WEIGHT, SIZES, KIND, WARM))


def test_parameters_are_typed_and_only_changed_ones_are_kept() -> None:
    given = {"weight": 1, "size": "16", "kind": "diagonal", "warm": "false"}
    assert FOUR.settings(given) == (("kind", "diagonal"), ("size", 16), ("warm", False))
    assert FOUR.settings(FOUR.settings(given)) == FOUR.settings(given)
    assert FOUR.values(FOUR.settings(given)) == {"weight": 1.0, "size": 16, "kind": "diagonal", "warm": False}
    assert FOUR.values(()) == FOUR.defaults


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"weight": -1}, "Give a number of 0 or more."),
        ({"weight": float("nan")}, "Give a number of 0 or more."),
        ({"weight": 10**400}, "Give a number of 0 or more."),
        ({"weight": True}, "Give a number of 0 or more."),
        ({"size": 1.5}, "Give a whole number from 1 to 100."),
        ({"size": None}, "Give a whole number from 1 to 100."),
        ({"kind": "half"}, "Give one of: full, diagonal."),
        ({"kind": ["full"]}, "Give one of: full, diagonal."),
        ({"warm": 3}, "Give true or false."),
        ({"warm": []}, "Give true or false."),
        ({"wait": 1}, "The prior four has no such parameter. It has: weight, size, kind, warm."),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(given: dict[str, Any], remedy: str) -> None:
    with pytest.raises(InputError) as error:
        FOUR.settings(given)
    (name, value), (first, second) = next(iter(given.items())), lines_of(error)
    assert first.startswith(f"prior four: {name}{' is missing.' if value is None else ': '}") and second == remedy


def test_code_may_be_named_so_that_it_is_imported_late() -> None:
    assert function("aesweep.models.identity:content_hash")({}) == function(lambda _: "44136fa355b3")({})
