"""Great Expectations suites over the columns of a dataset: the result that the gate believes."""
