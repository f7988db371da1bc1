"""The whole product on the engines: what people see, and what a second instance and a second gateway cost."""

import asyncio
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from benchmarks import generator
from benchmarks.collaborate import say
from benchmarks.footage import footage
from benchmarks.stack import running
from benchmarks.studio import Studio
from svc_annotation.stores.mongo_schema import connect, database_of

PEOPLE = (200, 300)
"""Who write, and who only read."""

QUICK_PEOPLE = (100, 150)
FAST_HASHES = {"RUSHES_PROJECT__HASH_MEMORY_KIB": "64", "RUSHES_PROJECT__HASH_PASSES": "1"}
"""What is measured comes after everybody has signed in."""


def compare(servers: str, mongo: str, replicas: int, *, quick: bool) -> dict[str, Any]:
    """Many who write and read one video, half of them at each gateway where there are two."""
    generator.build()
    spent: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _ in range(1 if quick else 2):
        for count, found in spent.items():
            found.append(_load(servers, mongo, replicas, count, quick=quick))
    one, two = (min(each["cpu_s_per_million"] for each in found) for found in spent.values())
    everything = [each for found in spent.values() for each in found]
    return {
        "p99_ms": max(each["p99_ms"] for each in spent[2]),
        "p99_alone_ms": max(each["p99_ms"] for each in spent[1]),
        "missing": sum(each["missing"] for each in everything),
        "twice": sum(each["duplicated"] for each in everything),
        "disorder": sum(each["clashes"] + each["disorder"] for each in everything),
        "cpu_ratio_two_of_each": round(two / one, 2),
    }


def _load(servers: str, mongo: str, replicas: int, count: int, *, quick: bool) -> dict[str, Any]:
    writers, readers = QUICK_PEOPLE if quick else PEOPLE
    name = uuid.uuid4().hex
    engines = {
        "RUSHES_ANNOTATION__KAFKA": servers,
        "RUSHES_ANNOTATION__KAFKA_REPLICAS": str(replicas),
        "RUSHES_ANNOTATION__KAFKA_TOPIC": f"bench-{name}",
        "RUSHES_ANNOTATION__MONGO": urlsplit(mongo)._replace(path=f"/bench-{name}").geturl(),
    }
    scale = ("--profile", "cluster", "--scale", f"annotation={count},gateway={count}")
    with running(None, *scale, **FAST_HASHES, **engines) as stack, TemporaryDirectory() as folder:
        studio = Studio(stack)
        sessions = Path(folder) / "sessions"
        sessions.write_text("\n".join([*studio.people(writers), studio.secret]) + "\n")
        video = studio.video(footage())
        services = stack.ready()["services"]
        gateways = [services["gateway"]["http"], *(services[f"gateway.{n}"]["http"] for n in range(2, count + 1))]
        options = {"url": ",".join(gateways), "sessions": sessions, "video": video.video_id}
        options |= {"writers": writers, "readers": readers, "seconds": 8 if quick else 20}
        result = generator.load(options, stack.pids())
        say(f"{count} of each", result)
    asyncio.run(_drop(engines["RUSHES_ANNOTATION__MONGO"]))
    return result


async def _drop(mongo: str) -> None:
    operator = connect(mongo)
    await operator.drop_database(database_of(operator))
    await operator.close()
