"""The record: facts, envelope, catalogue, codec, log, feed, replay."""
