"""The rules. Pure: standard library and facts only, no clock, no ids made at random, no input or output."""
