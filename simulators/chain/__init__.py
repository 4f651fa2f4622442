"""The local chain: a real node with real contracts on loopback, where tokens, prices and faults are ours to choose."""
