"""Mutation testing of the modules that decide: change one operator, constant or condition at a time, and see whether a test notices.

    python benchmarks/mutation.py triplette/gate.py          # one module; none: all of MODULES
    python benchmarks/mutation.py --list curate/quota.py     # the mutants, untested
    python benchmarks/mutation.py triplette/gate.py --lines 90-120   # those of some lines, while a test is being written

The tests are collected once and run once with a trace, which says which test passes through which line. Each mutant then runs in a fork
of that process, by exchanging the code objects of the one module, on the tests that pass through its line, until one fails; those that
noticed most so far go first. So a mutant costs what its tests cost, no import and no collection, and no file of the tree is touched.

What is mutated: comparisons, ``and``/``or``, ``not``, arithmetic, numbers, texts, True/False/None, conditions (also as always true and always
false), ``return`` values, ``break``/``continue``, and keyword arguments left out. What is not: docstrings and annotations, the fragments of f-strings (the
wording of messages), decorators, class bodies outside methods (the fields of records), and ``strict=True`` of zip, an assertion about our own columns.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib
import os
import signal
import sys
import time
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {  # module -> (the tests that belong to it, the functions in question: all of them when empty)
    "triplette/gate.py": (("tests/test_triplette_gate.py",), ()),
    "curate/quota.py": (("tests/test_curate_quota.py",), ()),
    "curate/decisions.py": (("tests/test_curate_decisions.py",), ()),
    "curate/judge/rules.py": (("tests/test_curate_rules.py",), ()),
    "synth/mining/choose.py": (("tests/test_synth_choose.py",), ()),
    "curate/dataset/split.py": (("tests/test_curate_split.py",), ()),
    "train/measure.py": (("tests/test_train_measure.py",), ("judge",)),
    "train/production.py": (("tests/test_train_production.py",), ("fusion_for", "of_people", "weighed_by")),
}
SLOWEST = 20.0  # times the baseline that a mutant may take before it counts as an endless loop, and so as killed
LEAST_SECONDS = 10.0
TOLERANCE = 1e-6  # a number up to this absorbs rounding: a tenth more of it is the same decision
COMPARE = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: its line, what it was, what it is, and the whole changed tree."""

    line: int
    before: str
    after: str
    tree: ast.Module


def mutants(source: str, only: tuple[str, ...]) -> Iterator[Mutant]:
    """Every mutant of a module's source, in the order of the lines."""
    tree = ast.parse(source)
    for path, node in _walk(tree, ()):
        if only and not any(isinstance(step, ast.FunctionDef) and step.name in only for step in path):
            continue
        for change in _changes(node, path):
            yield _apply(tree, node, path, change)


def _walk(node: ast.AST, path: tuple[ast.AST, ...]) -> Iterator[tuple[tuple[ast.AST, ...], ast.AST]]:
    """Every node with the nodes above it, those that are not mutated left out."""
    yield path, node
    for name, value in ast.iter_fields(node):
        if name in ("decorator_list", "annotation", "returns", "type_params"):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue
        children = value if isinstance(value, list) else [value]
        if isinstance(node, ast.ClassDef) and name == "body":
            children = [child for child in children if isinstance(child, ast.FunctionDef)]
        for place, child in enumerate(children):
            is_docstring = name == "body" and place == 0 and isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not is_docstring and not isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom):
                yield from _walk(child, (*path, node))


Change = Callable[[Any], ast.AST]


def _changes(node: ast.AST, path: tuple[ast.AST, ...]) -> Iterator[Change]:
    """What may be changed of one node: functions that make another of a copy of it."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            yield lambda n, p=place, o=operator: _with(n, ops=[*n.ops[:p], COMPARE[type(o)](), *n.ops[p + 1 :]])
    elif isinstance(node, ast.BoolOp):
        yield lambda n: _with(n, op=ast.Or() if isinstance(n.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield lambda n: n.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node):
        yield lambda n: _with(n, op=ARITHMETIC[type(n.op)]())
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.If | ast.IfExp | ast.comprehension):
        yield from _conditions(node)
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield lambda n: ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Break | ast.Continue):
        yield lambda n: ast.Continue() if isinstance(n, ast.Break) else ast.Break()
    elif isinstance(node, ast.Call) and path:
        for place, keyword in enumerate(node.keywords):
            if keyword.arg not in (None, "strict"):
                yield lambda n, p=place: _with(n, keywords=[*n.keywords[:p], *n.keywords[p + 1 :]])


def _conditions(node: ast.AST) -> Iterator[Change]:
    for value in (True, False):
        if isinstance(node, ast.comprehension):
            for place in range(len(node.ifs)):
                yield lambda n, p=place, v=value: _with(n, ifs=[*n.ifs[:p], ast.Constant(v), *n.ifs[p + 1 :]])
        else:
            yield lambda n, v=value: _with(n, test=ast.Constant(v))


def _constants(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield lambda n: ast.Constant(not n.value)
    elif isinstance(value, int | float):
        yield lambda n: ast.Constant(n.value + 1)
        if isinstance(value, float) and abs(value) > TOLERANCE:
            yield lambda n: ast.Constant(n.value * 1.1)
    elif isinstance(value, str) and value:
        yield lambda n: ast.Constant(f"XX{n.value}")


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right))


def _with(node: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _apply(tree: ast.Module, node: ast.AST, path: tuple[ast.AST, ...], change: Change) -> Mutant:
    """The tree with one node changed; the tree itself stays as it was."""
    memo: dict[int, Any] = {}
    changed = copy.deepcopy(tree, memo)
    twin = memo[id(node)]
    before, line = ast.unparse(node), getattr(node, "lineno", 0)
    line = line or next((step.lineno for step in reversed(path) if hasattr(step, "lineno")), 0)  # type: ignore[attr-defined]
    new = ast.copy_location(change(twin), node) if hasattr(node, "lineno") else change(twin)
    if new is not twin:
        _replace(memo[id(path[-1])], twin, new)
    ast.fix_missing_locations(changed)
    return Mutant(line, _short(before), _short(ast.unparse(new)), changed)


def _replace(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for name, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, name, new)
        elif isinstance(value, list):
            setattr(parent, name, [new if item is old else item for item in value])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 100 else f"{text[:60]} ... {text[-36:]}"


class Exchange:
    """The module under test in this process, whose functions can be given other code."""

    def __init__(self, path: str) -> None:
        self.file = ROOT / path
        self.module = importlib.import_module(
            path.removesuffix(".py").replace("/", ".") if path.startswith("triplette") else _dotted(path)
        )
        self.source = self.file.read_text(encoding="utf-8")

    def apply(self, tree: ast.Module) -> None:
        """Give every function of the module the code of ``tree``, and every constant its value, wherever it was imported."""
        fresh = types.ModuleType(self.module.__name__)
        fresh.__dict__.update(__file__=self.module.__file__, __package__=self.module.__package__)
        sys.modules[self.module.__name__] = fresh  # dataclasses look their module up
        try:
            exec(compile(tree, str(self.module.__file__), "exec"), fresh.__dict__)
        finally:
            sys.modules[self.module.__name__] = self.module
        for name, new in vars(fresh).items():
            old = vars(self.module).get(name)
            if name.startswith("__") or old is new:
                continue
            if isinstance(old, type) and getattr(old, "__module__", "") == self.module.__name__:
                _exchange_class(old, new)
            elif isinstance(old, types.FunctionType):
                _exchange_function(old, new)
            elif not callable(old) and old != new:
                for loaded in list(sys.modules.values()):
                    if vars(loaded).get(name) is old:
                        setattr(loaded, name, new)


def _exchange_class(old: type, new: type) -> None:
    for name, member in vars(new).items():
        before = vars(old).get(name)
        if isinstance(before, types.FunctionType) and isinstance(member, types.FunctionType):
            _exchange_function(before, member)
        elif isinstance(before, property) and isinstance(member, property) and before.fget and member.fget:
            _exchange_function(before.fget, member.fget)  # type: ignore[arg-type]
        elif isinstance(before, cached_property) and isinstance(member, cached_property):
            _exchange_function(before.func, member.func)  # type: ignore[arg-type]


def _exchange_function(old: types.FunctionType, new: types.FunctionType) -> None:
    inner = getattr(old, "__wrapped__", None)
    if inner is not None:  # lru_cache, contextmanager: the function inside is what runs
        return _exchange_function(inner, new.__wrapped__)  # type: ignore[attr-defined]
    if len(old.__code__.co_freevars) == len(new.__code__.co_freevars):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return None


def _dotted(path: str) -> str:
    return "triplette." + path.removesuffix(".py").replace("/", ".")


class Runner:
    """A pytest plugin that runs the collected tests once with a trace, and then once for each mutant in a fork."""

    def __init__(self, exchange: Exchange, every: list[Mutant]) -> None:
        self.exchange, self.every = exchange, every
        self.noticed: Counter[int] = Counter()
        self.problem = "no test was run"
        self.survivors: list[Mutant] = []
        self.untested: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Stand in for pytest's own loop."""
        self.lines: dict[int, list[int]] = defaultdict(list)
        self.seconds: list[float] = []
        items, file = session.items, str(Path(str(self.exchange.module.__file__)).resolve())
        started = time.perf_counter()
        for place, item in enumerate(items):
            began = time.perf_counter()
            for line in self._trace(item, items[place + 1] if place + 1 < len(items) else None, file):
                self.lines[line].append(place)
            self.seconds.append(time.perf_counter() - began)
        if session.testsfailed:
            self.problem = "the tests fail without any mutant"
            return True
        total = time.perf_counter() - started
        print(f"\n{len(items)} tests in {total:.1f} s, {len(self.every)} mutants", flush=True)
        gc.collect()
        gc.freeze()  # a collection in a child would copy the pages of everything
        unchanged = Mutant(0, "", "", ast.parse(self.exchange.source))
        if self._is_noticed(session, unchanged, list(range(len(items))), total):
            self.problem = "the tests fail where the module is exchanged for itself: no figure would mean anything"
            return True
        self.problem = ""
        for mutant in self.every:
            self._try(session, mutant, total)
        return True

    def _trace(self, item: pytest.Item, following: pytest.Item | None, file: str) -> set[int]:
        seen: set[int] = set()
        names: dict[str, bool] = {}

        def tracer(frame: types.FrameType, event: str, _: Any) -> Any:
            name = frame.f_code.co_filename
            if name not in names:
                names[name] = os.path.realpath(name) == file
            if not names[name]:
                return None
            seen.add(frame.f_code.co_firstlineno)
            seen.add(frame.f_lineno)
            return tracer

        sys.settrace(tracer)
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            sys.settrace(None)
        return seen

    def _try(self, session: pytest.Session, mutant: Mutant, total: float) -> None:
        chosen = sorted(self._through(mutant), key=lambda place: (-self.noticed[place], self.seconds[place]))
        if not chosen:
            self.untested.append(mutant)
            print(f"  no test: line {mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
            return
        if not self._is_noticed(session, mutant, chosen, total):
            self.survivors.append(mutant)
            print(f"  survives: line {mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)

    def _is_noticed(self, session: pytest.Session, mutant: Mutant, chosen: list[int], total: float) -> bool:
        """Whether one of the chosen tests fails, in a child that has the mutant."""
        told, tell = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(int(max(LEAST_SECONDS, SLOWEST * total)))
            self._child(session, mutant, chosen, tell)
        os.close(tell)
        _, status = os.waitpid(child, 0)
        with os.fdopen(told) as pipe:
            self.noticed.update(int(place) for place in pipe.read().split())
        return not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0)

    def _through(self, mutant: Mutant) -> set[int]:
        """The tests that pass through the mutant's line; for a constant of the module, all of them."""
        inside = any(node.lineno <= mutant.line <= (node.end_lineno or 0) for node in _functions(mutant.tree))
        if not inside:
            return set(range(len(self.seconds)))
        statement = _statement(mutant.tree, mutant.line)
        return {place for line in range(statement.lineno, (statement.end_lineno or 0) + 1) for place in self.lines.get(line, ())}

    def _child(self, session: pytest.Session, mutant: Mutant, chosen: list[int], tell: int) -> None:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        session.config.pluginmanager.unregister(name="terminalreporter")
        try:
            self.exchange.apply(mutant.tree)
            for place in chosen:
                item = session.items[place]
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if session.testsfailed:
                    os.write(tell, str(place).encode())
                    os._exit(1)
        except BaseException:
            os._exit(1)
        os._exit(0)


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _statement(tree: ast.Module, line: int) -> ast.stmt:
    """The innermost statement around a line, without the statements inside it."""
    around = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)]
    found = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    if hasattr(found, "body"):
        first = found.body[0].lineno
        found = _with(copy.copy(found), end_lineno=max(found.lineno, first - 1))
    return found


def run(path: str, lines: tuple[int, int] | None = None) -> tuple[int, int]:
    """(mutants, killed) of one module, or of some of its lines (first and last); the survivors are printed."""
    tests, only = MODULES[path]
    exchange = Exchange(path)
    every = [m for m in mutants(exchange.source, only) if lines is None or lines[0] <= m.line <= lines[1]]
    runner = Runner(exchange, every)
    print(f"{path}:", flush=True)
    arguments = ["-q", "-p", "no:cacheprovider", "--no-header", "--no-summary", "-m", "not slow and not gpu", "--tb=no"]
    arguments += [
        "--assert=plain",
        "-o",
        "tmp_path_retention_policy=none",
        *tests,
    ]  # no folder is left to be looked through by the next
    pytest.main(arguments, plugins=[runner])
    if runner.problem:
        raise SystemExit(f"{path}: {runner.problem}")
    killed = len(every) - len(runner.survivors) - len(runner.untested)
    share = 100 * killed / max(len(every), 1)
    print(
        f"{path}: {killed} of {len(every)} killed ({share:.1f} %), {len(runner.survivors)} survive, {len(runner.untested)} no test",
        flush=True,
    )
    return len(every), killed


def _lines(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def main() -> None:
    """Run the modules that are named, else all, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(MODULES))
    parser.add_argument("--lines", type=_lines, metavar="FIRST-LAST", help="only the mutants of these lines")
    parser.add_argument("--list", action="store_true", help="print the mutants and test none")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for path in options.modules or MODULES:
        if options.list:
            for mutant in mutants((ROOT / path).read_text(encoding="utf-8"), MODULES[path][1]):
                print(f"{path}:{mutant.line}: {mutant.before}  ->  {mutant.after}")
            continue
        child = os.fork()
        if not child:
            run(path, options.lines)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
