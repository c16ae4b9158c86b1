"""Every error a user can cause, each owning its message, its cure and its exit code.

    TripletteError                 2   could not run
    ├── InputError                 2   a file, row or document that cannot be used
    ├── SettingError               2   a setting out of its range, or unknown
    ├── MissingStage               2   an artefact that another command supplies
    ├── ContractMismatch           2   two parts disagree on prefixes, pooling, dimensions or tokenizer
    ├── ServiceError               2   a server that cannot be reached or refuses
    ├── GateClosed                 3   the gate before training refuses
    ├── BudgetReached              4   the spending limit stops the run; it can be resumed
    ├── AnswersPending             7   a batch is on its way; the same command later collects it
    ├── ProofFailed                5   a proof (parity, merge, evaluation) did not hold
    └── LanguageUnknown            6   the built-in question writer does not write the documents' language

Exit code 1 means that a command finished and found problems in the data; 130 is Ctrl-C, 143 is SIGTERM, 70 an error of ours.
"""

from __future__ import annotations


class TripletteError(Exception):
    """An error for the user: what is wrong, where (``file:line`` or a record id), and the cure."""

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.cure = cure

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  help: {self.cure}" if self.cure else text


class InputError(TripletteError):
    """A file, row or document that cannot be used."""


class SettingError(TripletteError):
    """A setting that is unknown or out of its range."""


class MissingStage(TripletteError):
    """An artefact is absent that another command writes."""


class ContractMismatch(TripletteError):
    """Two parts of the run disagree on the prompt contract."""


class ServiceError(TripletteError):
    """A server cannot be reached, or refuses the request for good."""


class GateClosed(TripletteError):
    """Training refuses data that is not validated and reviewed."""

    exit_code = 3


class BudgetReached(TripletteError):
    """The spending limit was reached; what was paid for is kept and the run can be resumed."""

    exit_code = 4


class AnswersPending(TripletteError):
    """A batch was submitted and has not come back; the same command later goes on."""

    exit_code = 7


class ProofFailed(TripletteError):
    """A proof that must hold before the next step did not hold."""

    exit_code = 5


class LanguageUnknown(TripletteError):
    """The built-in question writer does not write the language of any passage."""

    exit_code = 6
