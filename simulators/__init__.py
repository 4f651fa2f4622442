"""The twins that demo, tests and benchmarks run against."""
