"""The ways of scoring that a store holds scores of, by id and by readable name."""

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.errors import InputError
from aesweep.sweep.store.store import Store

NO_SUCH_EVALUATION = "This store holds no such evaluation; `aesweep status STORE` shows their names."


def evaluation_config(store: Store, key: str, evaluation: str) -> EvaluationConfig | None:
    """The settings that a trial was scored with; None where they are another version's, or where the scores are lost."""
    commit = store.commits.scores(key, evaluation)
    try:
        config = EvaluationConfig(**commit.evaluation) if commit else None  # type: ignore[arg-type]
    except (InputError, TypeError):
        return None
    return config if config is not None and config.id == evaluation else None


def evaluation_names(store: Store) -> dict[str, str]:
    """Id -> name of every evaluation that a trial was scored with; the id itself where the settings are not known here."""
    listed = store.snapshot()
    keys = {evaluation: key for key in listed.trials.known_keys() for evaluation in listed.commits.scored(key)}
    configs = {evaluation: evaluation_config(listed, key, evaluation) for evaluation, key in sorted(keys.items())}
    return {evaluation: config.name if config else evaluation for evaluation, config in configs.items()}


def named_evaluation(store: Store, word: str) -> EvaluationConfig:
    """The settings of the evaluation of this id or name, or whose id or name begins so. Raises `InputError` for others."""
    listed = store.snapshot()
    found = matching(evaluation_names(listed), word)
    if len(found) != 1:
        remedy = f"{len(found)} evaluations of this store begin so; give more." if found else NO_SUCH_EVALUATION
        raise InputError("--evaluation", word, remedy)
    keys = (key for key in listed.trials.known_keys() if found[0] in listed.commits.scored(key))
    config = next(filter(None, (evaluation_config(listed, key, found[0]) for key in keys)), None)
    if config is None:
        raise InputError(
            "--evaluation", word, "Its settings cannot be read: another version of aesweep, or a plug-in, made it."
        )
    return config


def matching(names: dict[str, str], word: str) -> list[str]:
    """The ids that a word means: itself, the one of this name, or all whose id or name begins so."""
    exact = [i for i, name in names.items() if word in (i, name)]
    return exact or [i for i, name in names.items() if word and (i.startswith(word) or name.startswith(word))]
