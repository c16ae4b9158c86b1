"""Records to files and back: Parquet with a schema read off the dataclass, written aside and renamed.

Bytes are a function of the rows alone (fixed compression, no writer-made metadata that varies), which lets
a hash of the file stand for its content. Errors name the file and the cure.
"""

from __future__ import annotations

import gc
import glob
import os
import typing
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from triplette.errors import InputError
from triplette.records import TERMS

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
ROW_GROUP = 65_536  # rows: bounds what a reader must hold


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, else is removed.

    One that a killed command left there is removed too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_arrays(path: Path, names: Sequence[str] = ()) -> dict[str, Any]:
    """The arrays of an .npz file by name, all or those of ``names``. Raises OSError where it cannot be read, ValueError where it is damaged."""
    import numpy as np

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as store:  # of a damaged file numpy leaves its own open
            return {name: store[name] for name in names or store.files}
    except (KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error


def _clear_leftovers(path: Path) -> None:
    """Remove temporary files of ``path`` whose process is gone: SIGKILL leaves one, and they may be as large as a model."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        pid = leftover.name.rsplit(".", 2)[1]
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, ValueError, OverflowError):
            leftover.unlink(missing_ok=True)
        except PermissionError:  # somebody else's process
            continue


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text aside, then rename."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


_HINTS: dict[Any, dict[str, Any]] = {}
_SCHEMAS: dict[Any, pa.Schema] = {}


def _hints(record: Any) -> dict[str, Any]:
    """A record's types by field: read once, for they are strings that Python compiles anew each time."""
    if record not in _HINTS:
        _HINTS[record] = typing.get_type_hints(record)
    return _HINTS[record]


def schema_of(record: type[Any]) -> pa.Schema:
    """The Arrow schema of a record class: str, int, float, bool, tuples of these, and nested records."""
    import pyarrow as pa

    if record not in _SCHEMAS:
        _SCHEMAS[record] = pa.schema(_fields(record))
    return _SCHEMAS[record]


def _fields(record: type[Any]) -> list[pa.Field]:
    import pyarrow as pa

    hints = _hints(record)
    return [pa.field(f.name, _arrow(hints[f.name]), nullable=False) for f in fields(record)]


def _arrow(hint: Any) -> pa.DataType:
    import pyarrow as pa

    plain = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    if hint in plain:
        return plain[hint]
    if typing.get_origin(hint) is tuple:
        return pa.list_(pa.field("element", _arrow(typing.get_args(hint)[0]), nullable=False))
    if is_dataclass(hint):
        return pa.struct(_fields(typing.cast("type[Any]", hint)))
    raise TypeError(f"no Arrow type for {hint!r}")


def write_records(path: Path, records: Iterable[Any], record: type[Any]) -> None:
    """Write records of one class as Parquet, in their order."""
    write_table(path, table_of(records, record))


def table_of(records: Iterable[Any], record: type[Any]) -> pa.Table:
    """Records of one class as an Arrow table: a third of the memory that they take."""
    import pyarrow as pa

    rows, schema, hints = list(records), schema_of(record), _hints(record)
    columns = []
    for named in schema:  # a column at a time: a dictionary for every row takes three to nine times as long
        values, plain = [getattr(row, named.name) for row in rows], _plain(hints[named.name])
        columns.append(pa.array(map(plain, values) if plain else values, named.type, size=len(values)))
    return pa.Table.from_arrays(columns, schema=schema)


def _plain(hint: Any) -> Callable[[Any], Any] | None:
    """What makes Arrow's own values of a field's: nested records become dictionaries; None where the values are plain already."""
    if typing.get_origin(hint) is tuple:
        inner = _plain(typing.get_args(hint)[0])
        return (lambda values: [inner(value) for value in values]) if inner else None
    if not is_dataclass(hint):
        return None
    parts = [(name, _plain(kind)) for name, kind in _hints(hint).items()]
    return lambda item: {name: part(getattr(item, name)) if part else getattr(item, name) for name, part in parts}


def write_table(path: Path, table: pa.Table, *, dictionary_bytes: int = 1 << 20) -> None:
    """Write an Arrow table as Parquet (zstd, deterministic), aside and renamed.

    How its columns lie in memory would decide where pages begin, so each row group is laid out anew.
    A column stores each distinct value of a row group once while they take no more than ``dictionary_bytes`` together: more
    than the usual mebibyte pays off for long texts that recur.
    """
    import pyarrow.parquet as pq

    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, table.schema, compression="zstd", dictionary_pagesize_limit=dictionary_bytes) as writer,
    ):
        for first in range(0, max(table.num_rows, 1), ROW_GROUP):
            writer.write_table(table.slice(first, ROW_GROUP).combine_chunks(), row_group_size=ROW_GROUP)


def read_table(
    path: Path, columns: Sequence[str] | None = None, *, encoded: Sequence[str] = (), optional: Sequence[str] = ()
) -> pa.Table:
    """A Parquet file as an Arrow table. Raises InputError when it is absent, corrupt or lacks a column that is not ``optional``.

    Those of the ``encoded`` columns that it has are kept as dictionary arrays, their distinct texts once, as they are stored.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise InputError("no such file", where=str(path), cure="run the command that writes it first")
    try:
        # ParquetFile and not read_table: the latter guesses partitions from directory names
        kept = [name for name in pq.read_schema(path).names if name in encoded] if encoded else None
        with pq.ParquetFile(path, read_dictionary=kept) as file:
            names = set(file.schema_arrow.names)
            missing = sorted(set(columns or ()) - names - set(optional))
            if missing:
                raise InputError(f"lacks the columns {', '.join(missing)}", where=str(path), cure="write it again")
            return file.read(columns=[name for name in columns if name in names] if columns is not None else None)
    except MemoryError as error:  # Arrow's own is one too; the file is as good as it was
        raise InputError("there is not enough memory to read it", where=str(path), cure="free memory, then run it again") from error
    except OSError as error:
        if error.errno is None:  # Arrow's word for bytes that are no Parquet
            raise _unreadable(path, error) from error
        raise InputError(
            f"cannot be read ({error.strerror})", where=str(path), cure="make the file readable, then run it again"
        ) from error
    except (pa.ArrowException, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    # never "delete it": the file may hold what people decided, and no command writes that again
    shown = str(error).splitlines()[0] if str(error) else type(error).__name__
    cure = "restore it from a copy, or run the command that writes it again"
    return InputError(f"not a readable Parquet file ({shown})", where=str(path), cure=cure)


def read_records(path: Path, record: type[T]) -> list[T]:
    """Every row of a Parquet file as a record. Raises InputError when columns, types or terms are not the record's, or a value is missing.

    A column of lists that a record may leave empty may be absent: a run that was made before there was one can still be read.
    """
    every = fields(typing.cast("Any", record))
    optional = [f.name for f in every if f.default == ()]
    table = read_table(path, [f.name for f in every], optional=optional)
    for named in schema_of(record):
        if named.name not in table.column_names:
            import pyarrow as pa

            table = table.append_column(named, pa.array([[]] * table.num_rows, named.type))
    check_schema(path, table, record)
    return records_of(table, record)


def read_columns(path: Path, record: type[Any], names: Sequence[str]) -> pa.Table:
    """Some of a record's columns, checked as ``read_records`` checks all of them, without their records."""
    table = read_table(path, names)
    check_schema(path, table, record)
    return table


def records_of(table: pa.Table, record: type[T]) -> list[T]:
    """Every row of a table as a record, as ``table_of`` writes them."""
    kind, hints = typing.cast("Any", record), _hints(record)
    # a collection for every few hundred new objects would walk all of the rest again and again; none of these is garbage
    with no_collection():
        columns = [[v for chunk in table[f.name].chunks for v in _values(chunk, hints[f.name])] for f in fields(kind)]
        return [kind(*row) for row in zip(*columns, strict=True)]


def check_schema(path: Path, table: pa.Table, record: type[Any]) -> None:
    """Raise InputError unless those of the record's columns that ``table`` has are of its types, with no value missing and known terms."""
    import pyarrow.compute as pc

    cure = "restore it from a copy, or run the command that writes it again"
    there = set(table.column_names)
    for named in (named for named in schema_of(record) if named.name in there):
        column = table[named.name]
        wrong = _wrong(named.type, column.type, named.name)
        if wrong:
            raise InputError(wrong, where=str(path), cure=cure)
        if column.null_count and not _is_list(named.type):
            row = pc.index(pc.is_null(column), True).as_py()
            raise InputError(f"the column {named.name} has no value in row {row}", where=str(path), cure=cure)
    for name, terms in TERMS.get(record, {}).items():
        if name not in there:
            continue
        strange = sorted(set(pc.unique(table[name]).to_pylist()) - set(terms))
        if strange:
            known = ", ".join(terms)
            raise InputError(f"{strange[0]!r} is not a {name}: it is one of {known}", where=str(path), cure=cure)


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _wrong(wanted: pa.DataType, found: pa.DataType, name: str) -> str:
    """What is wrong with a column's type, "" when the record can be read from it: other writers have wider or narrower forms of a type."""
    import pyarrow.types as kinds

    if kinds.is_dictionary(found):
        found = found.value_type
    if _is_list(wanted) and _is_list(found):
        return _wrong(wanted.value_type, found.value_type, name)
    if kinds.is_struct(wanted) and kinds.is_struct(found):
        known = {field.name: field.type for field in found}
        lacking = [field.name for field in wanted if field.name not in known]
        if lacking:
            return f"the column {name} lacks {', '.join(lacking)}"
        return next((said for field in wanted if (said := _wrong(field.type, known[field.name], f"{name}.{field.name}"))), "")
    families = (
        (kinds.is_string, lambda kind: kinds.is_string(kind) or kinds.is_large_string(kind)),
        (kinds.is_integer, kinds.is_integer),
        (kinds.is_floating, lambda kind: kinds.is_floating(kind) or kinds.is_integer(kind)),
        (kinds.is_boolean, kinds.is_boolean),
    )
    if any(is_wanted(wanted) and fits(found) for is_wanted, fits in families):
        return ""
    return f"the column {name} is {found} and not {wanted}"


def _values(array: Any, hint: Any) -> list[Any]:
    """A column of Arrow as the values of a record's field: tuples for lists, records for structs. A missing list is empty."""
    import numpy as np

    if typing.get_origin(hint) is tuple:
        inner = _values(array.flatten(), typing.get_args(hint)[0])
        ends = np.cumsum(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
        return [tuple(inner[end - length : end]) for end, length in zip(ends.tolist(), np.diff(ends, prepend=0).tolist(), strict=True)]
    if is_dataclass(hint):
        known = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        parts = [_values(known[name], kind) for name, kind in _hints(hint).items()]
        return [typing.cast("Any", hint)(*row) for row in zip(*parts, strict=True)]
    return typing.cast("list[Any]", array.to_pylist())


@contextmanager
def no_collection() -> Iterator[None]:
    """No search for garbage while a great many objects are made of which none is: it would walk all of them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
