"""The unmodified argilla-server on SQLite alone, in an environment of its own.

``environment``, ``home`` and ``supervise`` run here; ``launcher``, ``engine``, ``conditions`` and ``patches`` run in that
environment, whose Python has neither triplette nor its libraries: they import nothing but the server and each other.
"""
