"""A model's tokenizer as the phone reads it."""
