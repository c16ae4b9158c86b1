"""Is a row good, and does a negative answer too? By documented rules, or by a language model."""
