"""What teams write by hand: prompts from a file through aiohttp, answers with orjson into a file.

    harvest_aiohttp.py URL CONNECTIONS ROWS.jsonl ANSWERS.jsonl

ROWS has one request body a line. Every answer's candidates are read and kept; nothing is limited,
keyed, budgeted or synced. Prints {"answers": N, "seconds": S}.
"""

import asyncio
import sys
import time

import aiohttp
import orjson


def soft_output(body):
    choice = orjson.loads(body)["choices"][0]
    tokens = [
        [token["bytes"], token["logprob"],
         [[top["bytes"], top["logprob"]] for top in token["top_logprobs"]]]
        for token in choice["logprobs"]["content"]
    ]
    return {"text": choice["message"]["content"], "tokens": tokens}


async def worker(session, url, rows, out):
    for row in rows:
        async with session.post(url, data=row,
                                headers={"Content-Type": "application/json"}) as response:
            response.raise_for_status()
            out.write(orjson.dumps(soft_output(await response.read())) + b"\n")


async def main(url, connections, rows_path, answers_path):
    with open(rows_path, "rb") as file:
        rows = [line for line in file.read().splitlines() if line]
    todo = iter(rows)
    connector = aiohttp.TCPConnector(limit=connections)
    start = time.perf_counter()
    with open(answers_path, "wb") as out:
        async with aiohttp.ClientSession(connector=connector) as session:
            # The iterator is shared: each row is taken once.
            await asyncio.gather(*(worker(session, url, todo, out) for _ in range(connections)))
    seconds = time.perf_counter() - start
    print(orjson.dumps({"answers": len(rows), "seconds": seconds}).decode())


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]))
