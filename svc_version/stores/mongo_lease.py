"""What one instance has for itself for a while, in MongoDB: machine ids with their ticks, and turns."""

from typing import Final

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from mesh.mongo import Document
from mesh.sql import StoreBusy
from svc_version.core.sonyflake import MACHINES, Reservation, reserve
from svc_version.stores import LEASE_MS
from svc_version.stores.mongo_schema import LEASES
from svc_version.stores.mongo_schema import MACHINES as MACHINE_IDS

TRIES: Final = 200


class MongoLeases:
    """See the module, and `Store`."""

    def __init__(self, database: "AsyncDatabase[Document]") -> None:
        self._machines = database[MACHINE_IDS]
        self._leases = database[LEASES]

    async def reserve(self, holder: str, now_ms: int) -> Reservation:
        """Of those who want a machine at once one gets it: the ticks given out so far are what it has seen last."""
        for _ in range(TRIES):
            found = await self._free(holder, now_ms)
            count = await self._machines.count_documents({}) if found is None else 0
            if count >= MACHINES:
                break
            made = reserve(found["_id"], found["reserved"], now_ms) if found else reserve(count, 0, now_ms)
            change = {"holder": holder, "leased_until_ms": now_ms + LEASE_MS, "reserved": made.end}
            if found is not None:
                mine = {"_id": found["_id"], "reserved": found["reserved"]}
                if (await self._machines.update_one(mine, {"$set": change})).matched_count:
                    return made
                continue
            try:
                await self._machines.insert_one({"_id": count, **change})
            except DuplicateKeyError:
                continue
            return made
        raise StoreBusy("No machine id is free; try again in a moment.")

    async def _free(self, holder: str, now_ms: int) -> Document | None:
        mine = await self._machines.find_one({"holder": holder})
        if mine is not None:
            return mine
        return await self._machines.find_one({"leased_until_ms": {"$lt": now_ms}}, sort=[("_id", 1)])

    async def lease(self, name: str, holder: str, now_ms: int, until_ms: int) -> bool:
        """See `Store`."""
        free: Document = {"_id": name, "$or": [{"holder": holder}, {"until_ms": {"$lt": now_ms}}]}
        change = {"holder": holder, "until_ms": until_ms}
        if (await self._leases.update_one(free, {"$set": change})).matched_count:
            return True
        try:
            await self._leases.insert_one({"_id": name, **change})
        except DuplicateKeyError:
            return False
        return True
