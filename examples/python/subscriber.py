"""Prints what dust was converted: `python subscriber.py [POSITION]`, where POSITION is the last one you have.

It needs the package `redis` and nothing of Dustman's. REDIS_URL names the Redis and the feed's database, such as
redis://127.0.0.1:6379/0.
"""

import json
import os
import sys
from typing import Any

import redis

client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, socket_timeout=5)
stream = client.get("dustman:feed")
if stream is None:
    sys.exit("nothing was published yet: dustman:feed is not there")

last = int(sys.argv[1]) if len(sys.argv) > 1 else 0
while True:
    replies: Any = client.xread({stream: f"{last}-0"}, count=100, block=1000)
    for _, entries in replies or []:
        for entry, fields in entries:
            position = int(entry.split("-")[0])
            if position != last + 1:
                gone = f"{last + 1} to {position - 1} are gone from Redis"
                sys.exit(f"{gone}: dustman events --json --after {last}")
            event = json.loads(fields["event"])
            if event["type"] == "dust_converted":
                proceeds = event["data"]["proceeds"]
                sys.stdout.write(f"{position} {event['data']['asset']} {proceeds['quantity']} {proceeds['asset']}\n")
                sys.stdout.flush()
            last = position  # keep it with your own data
