"""The operators of a .tflite file by name, and those that hold weights."""

from __future__ import annotations

from typing import Any

WEIGHTED = ("FULLY_CONNECTED", "EMBEDDING_LOOKUP")


def operator_name(model: Any, operator: Any) -> str:
    """The name of an operator in the schema, such as FULLY_CONNECTED."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    code = model.operatorCodes[operator.opcodeIndex]
    return names[max(code.builtinCode, code.deprecatedBuiltinCode)]
