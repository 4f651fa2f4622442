// Prints what dust was converted: `node subscriber.js [POSITION]`, where POSITION is the last one you have.
// REDIS_URL names the Redis and the feed's database, such as redis://127.0.0.1:6379/0.
import { createClient } from "redis";

const client = await createClient({ url: process.env.REDIS_URL }).connect();
const stream = await client.get("dustman:feed");
if (stream === null) throw new Error("nothing was published yet: dustman:feed is not there");

let last = Number(process.argv[2] ?? 0);
for (;;) {
  const reply = await client.xRead({ key: stream, id: `${last}-0` }, { COUNT: 100, BLOCK: 1000 });
  for (const { id, message } of reply?.[0].messages ?? []) {
    const position = Number(id.split("-")[0]);
    if (position !== last + 1)
      throw new Error(`${last + 1} to ${position - 1} are gone from Redis: dustman events --json --after ${last}`);
    const event = JSON.parse(message.event);
    if (event.type === "dust_converted")
      console.log(position, event.data.asset, event.data.proceeds.quantity, event.data.proceeds.asset);
    last = position; // keep it with your own data
  }
}
