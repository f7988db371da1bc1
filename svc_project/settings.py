"""Use cases about what a person keeps for themselves: key map, saved views, read marks."""

from collections.abc import Sequence

from svc_project.context import Context, Work
from svc_project.core import text
from svc_project.core.errors import EtagMismatch, InvalidField, SettingsFull
from svc_project.core.model import Once, Setting, Who
from svc_project.library import find_me

MOST_NAMES = 100
MOST_ANSWERED = 1000
MOST_SETTINGS = 4000
MOST_BYTES = 4 * 1024 * 1024


class Settings:
    """A person's own settings. They are no event of the trail: nobody else sees or feels them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def find(self, who: Who, names: Sequence[str]) -> Sequence[Setting]:
        """Those of these names, by name."""
        if len(names) > MOST_NAMES:
            raise InvalidField("names", f"at most {MOST_NAMES}")
        for name in names:
            text.check_setting_name(name, "names")

        def find(work: Work) -> Sequence[Setting]:
            find_me(work, who)
            return work.unit.settings.find(who, names, MOST_ANSWERED)

        return await self._context.run(find)

    async def change(self, who: Who, name: str, value_json: str, etag: str, once: Once) -> Setting:
        """A new value; none removes it."""
        text.check_setting_name(name)
        if name.endswith("/"):
            raise InvalidField("setting.name", "may not end with /")
        value = text.check_setting(value_json)

        def put(work: Work) -> str:
            now = _find(work, who, name)
            if etag and etag != str(now.version):
                raise EtagMismatch(str(now.version))
            if not value:
                work.unit.settings.remove(who, name)
            elif value != now.value_json:
                work.unit.settings.put(who, Setting(name, value, now.version + 1))
                _check_room(work, who)
            return ""

        def change(work: Work) -> Setting:
            find_me(work, who)
            work.unit.once(once, lambda: put(work))
            return _find(work, who, name)

        return await self._context.run(change)


def _find(work: Work, who: Who, name: str) -> Setting:
    return next(iter(work.unit.settings.find(who, [name], 1)), Setting(name, "", 0))


def _check_room(work: Work, who: Who) -> None:
    count, size_bytes = work.unit.settings.size(who)
    if count > MOST_SETTINGS or size_bytes > MOST_BYTES:
        raise SettingsFull
