"""Tables in columns: Parquet and Arrow files (Feather too), read batch by batch. Needs pyarrow."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from nextword.data.files import SourceFile
from nextword.data.packed import INSTALL, with_seeking
from nextword.data.rows import without_rows
from nextword.errors import DataError

PARQUET, ARROW = "a Parquet file", "an Arrow file"
ARROW_MARK = b"ARROW1"
N_ROWS = 256  # that are made Python objects at once


def check_pyarrow(name: str, kind: str) -> None:
    """Raise DataError unless pyarrow is there to read such a file."""
    if find_spec("pyarrow") is None:
        raise DataError(f"{name}: this is {kind}. {INSTALL}")


def arrow_rows(file: SourceFile, kind: str, path: str | None = None) -> Iterator[tuple[int, Any]]:
    """Read a table's rows as dicts, each with its number from 1.

    Of each only the columns that may hold text are read, and the others None; or the one in which a path begins is.

    Raises DataError for a damaged file, and for one without rows or without a column of text.
    """
    check_pyarrow(file.name, kind)
    import pyarrow

    number, schema, others = 0, pyarrow.schema([]), dict[str, None]()

    def names(found: Any) -> list[str]:
        nonlocal schema, others
        schema, chosen = found, _names(found, path)
        if not chosen:
            held = ", ".join(f"column {column.name!r} holds {_held(column.type)}" for column in schema)
            raise DataError(
                f"{file.name}: this is {kind} without a column of text: {held or 'it has no columns'}. "
                "Expected a column of strings: write one, or name another source."
            )
        others = dict.fromkeys(name for name in schema.names if path is None and name not in chosen)
        return chosen

    try:
        with with_seeking(file).open() as opened:
            for batch in (_parquet if kind == PARQUET else _arrow)(opened, names):
                for start in range(0, batch.num_rows, N_ROWS):
                    for row in batch.slice(start, N_ROWS).to_pylist():
                        number += 1
                        yield number, others | row
        if not number:
            raise without_rows(file.name, kind, schema.names)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{file.name}: {kind} that is damaged, or another file under its name ({_first_line(error)}). "
            "Download or make it again."
        ) from error


def _parquet(opened: Any, names: Callable[[Any], list[str]]) -> Iterator[Any]:
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(opened)
    yield from table.iter_batches(batch_size=N_ROWS, columns=names(table.schema_arrow), use_threads=False)


def _arrow(opened: Any, names: Callable[[Any], list[str]]) -> Iterator[Any]:
    """Read an Arrow file, or an Arrow stream, as `datasets` keeps its tables."""
    import pyarrow

    mark = opened.read(len(ARROW_MARK))
    opened.seek(0)
    if mark == ARROW_MARK:
        table = pyarrow.ipc.open_file(opened)
        batches = (table.get_batch(i) for i in range(table.num_record_batches))
    else:
        table = batches = pyarrow.ipc.open_stream(opened)
    chosen = names(table.schema)
    for batch in batches:
        yield batch.select(chosen)


def _names(schema: Any, path: str | None) -> list[str]:
    """Choose the columns to read: the one of a path, or all with text."""
    if path is not None:
        whole = path in schema.names
        return [path if whole else path.partition(".")[0]]
    return [column.name for column in schema if _may_hold_text(column.type)]


def _held(kind: Any) -> str:
    import pyarrow.types as types

    of_bytes = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return "bytes" if any(test(kind) for test in of_bytes) else str(kind)


def _may_hold_text(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _may_hold_text(kind.value_type)
    if types.is_nested(kind):
        return any(_may_hold_text(kind.field(i).type) for i in range(kind.num_fields))
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
