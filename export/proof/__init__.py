"""Whether the file does what the model does: parity, audit, golden vectors, ranking, time and memory on the real file."""
