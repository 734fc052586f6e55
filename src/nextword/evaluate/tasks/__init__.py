"""The tasks by name. To add one, write its class in a file here, and name it below."""

from collections.abc import Callable

from nextword.errors import DataError, SettingError
from nextword.evaluate.task import Measure, Task
from nextword.evaluate.tasks.cbt import CommonNouns, NamedEntities
from nextword.evaluate.tasks.hellaswag import HellaSwag
from nextword.evaluate.tasks.lambada import Lambada
from nextword.evaluate.tasks.language import CORPORA, LanguageTask, measures_of
from nextword.evaluate.tasks.source import TaskData, read_task_data
from nextword.evaluate.text import ANY_TEXT, TextTask
from nextword.tokenizer import Tokenizer

OF_ITEMS = {kind.name: kind for kind in (Lambada, CommonNouns, NamedEntities, HellaSwag)}
OF_TEXT = {corpus.name: corpus for corpus in CORPORA}
TASKS = (*OF_ITEMS, *OF_TEXT)
"""The tasks' names."""

Make = Callable[[Tokenizer, int], Task]
"""Makes a task for a tokenizer and n_ctx."""


def protocols(name: str) -> tuple[str, ...]:
    """List a task's protocols, the usual one first. Raises SettingError for a task that there is not."""
    if name not in TASKS:
        raise SettingError("task", f"{name} is none: choose {', '.join(TASKS)}.")
    return (OF_ITEMS.get(name) or OF_TEXT[name]).protocols


def chosen_protocol(name: str, protocol: str | None) -> str:
    """Choose a task's protocol: the usual one where none is named. Raises SettingError for one that it has not."""
    there = protocols(name)
    aliases = OF_ITEMS[name].aliases if name in OF_ITEMS else {}
    chosen = there[0] if protocol is None else aliases.get(protocol, protocol)
    if chosen not in there:
        raise SettingError("protocol", f"{protocol} is none of {name}: choose {', '.join((*there, *aliases))}.")
    return chosen


def measures_by_name(name: str, protocol: str) -> tuple[Measure, ...]:
    """List what a task's protocol measures; `text` is any text."""
    if name == TextTask.name:
        return ANY_TEXT
    return OF_ITEMS[name].measures_of(protocol) if name in OF_ITEMS else measures_of(OF_TEXT[name], protocol)


def read_data(name: str, file: str | None) -> TaskData:
    """Read a task's data from the file that was given, or from the hub.

    Raises DataError where it cannot be had.
    """
    there = OF_ITEMS.get(name) or OF_TEXT[name]
    if file is None and not there.hub:
        raise DataError(f"{name} is not on the hub in a form to be read: name its file, {there.formats}, by `file`.")
    try:
        return read_task_data(file or there.hub)
    except DataError as error:
        if file is not None:
            raise
        raise DataError(f"{error} Or name the file by `file`: {there.formats}.") from error


def make_task(name: str, data: TaskData, protocol: str, tokenizer: Tokenizer, n_ctx: int) -> Task:
    """Make a task of its data, for a model's tokenizer and context."""
    if name in OF_ITEMS:
        return OF_ITEMS[name](data, tokenizer, n_ctx, protocol)
    return LanguageTask(OF_TEXT[name], data, tokenizer, n_ctx, protocol)
