"""The OKX twin: a trading account on this machine, with signatures that are checked, orders and easy convert."""
