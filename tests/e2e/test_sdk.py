"""Programs: the SDK through cuts, offline, at odds with others; large uploads; the commands as a person runs them."""

import asyncio
import contextlib
import csv
import io
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import rushes
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.client.session import Refused
from rushes.document.pending_event import Changed
from rushes.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from rushes.media.v1.media_service_pb2 import VIDEO_STATE_FAILED
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.clips import footage
from tests.cutting_proxy import CuttingProxy
from tests.product import Product
from tests.waiting import until

BIG_BYTES = 30 << 20
SEED = 20_260_714


@pytest.fixture(scope="module")
def video_id(product: Product) -> int:
    """A clip of its own."""
    return product.fresh_video()


@pytest.fixture
async def proxy(product: Product) -> AsyncIterator[CuttingProxy]:
    """A line that can be cut."""
    async with CuttingProxy(product.host, product.port) as line:
        yield line


@contextlib.asynccontextmanager
async def at_work(address: str, secret: str, video_id: int) -> AsyncIterator[rushes.Session]:
    """Somebody's session on a clip."""
    async with rushes.connect(address, session=secret) as client, client.collaborate(video_id) as session:
        yield session


def looks(session: rushes.Session) -> list[bytes]:
    """The document as it stands with somebody."""
    return [state.SerializeToString(deterministic=True) for state in session.annotations]


async def agree(*sessions: rushes.Session) -> None:
    """Waits until all have everything, and checks that they have the same."""
    for session in sessions:
        await session.saved()
    last = max(session.revision for session in sessions)
    await until(lambda: all(session.revision == last for session in sessions), "everybody's being up to date")
    assert all(looks(session) == looks(sessions[0]) for session in sessions)


async def act(session: rushes.Session, dice: random.Random, known: list[bytes]) -> None:
    """One thing that a person might do, on what anybody made."""
    choice = dice.randrange(6) if known else 0
    if choice < 2:
        known.append(await session.comment(dice.randrange(250), f"note {dice.randrange(10**6)}"))
        return
    target = dice.choice(known)
    state = session.get(target)
    if state is None:
        return
    if choice == 2:
        await session.move(target, dice.randrange(-9_000, 9_000), dice.randrange(-9_000, 9_000))
    elif choice == 3:
        at = dice.randrange(len(state.annotation.text) + 1)
        text = state.annotation.text
        await session.edit_text(target, text[:at] + dice.choice("abc ") + text[at:])
    elif choice == 4:
        await session.resolve(target, dice.random() < 0.5)
    else:
        await session.delete(target, dice.random() < 0.5)


async def test_two_who_are_cut_again_and_again_end_with_the_same(
    product: Product, proxy: CuttingProxy, video_id: int
) -> None:
    people = [product.person("reviewer"), product.person("member")]
    async with at_work(proxy.address, people[0], video_id) as one, at_work(product.address, people[1], video_id) as two:
        known: list[bytes] = []
        done = asyncio.Event()

        async def work(session: rushes.Session, seed: int) -> None:
            dice = random.Random(seed)
            for _ in range(30):
                # What one has deleted the other may be editing: a refusal is told, and work goes on.
                with contextlib.suppress(Refused):
                    await act(session, dice, known)

        async def cut() -> None:
            dice = random.Random(SEED)
            while not done.is_set():
                enough = one.revision + dice.randrange(3, 7)
                await until(lambda enough=enough: one.revision >= enough or done.is_set(), "progress")  # type: ignore[misc]
                proxy.cut()

        cutting = asyncio.create_task(cut())
        await asyncio.gather(work(one, SEED), work(two, SEED + 1))
        done.set()
        await cutting
        assert proxy.cuts > 2
        await agree(one, two)
        assert len(one.annotations) == len(two.annotations) >= len(known)


async def test_what_is_done_without_a_line_is_merged_when_there_is_one(
    product: Product, proxy: CuttingProxy, video_id: int
) -> None:
    people = [product.person("reviewer"), product.person("member")]
    async with at_work(proxy.address, people[0], video_id) as one, at_work(product.address, people[1], video_id) as two:
        shared = await one.comment(40, "The quick fox")
        await until(lambda: two.get(shared) is not None, "the other's seeing it")
        proxy.refusing = True
        proxy.cut()
        offline = [
            asyncio.create_task(one.edit_text(shared, "The quick brown fox")),
            asyncio.create_task(one.comment(41, "written without a line")),
        ]
        await two.edit_text(shared, "The quick fox jumps")
        await two.resolve(shared)
        await until(lambda: one.pending_count >= 2, "the work's waiting")
        assert not any(task.done() for task in offline)
        here = one.get(shared)
        assert here is not None
        assert here.annotation.text == "The quick brown fox", "one sees one's own work at once"
        proxy.refusing = False
        await asyncio.gather(*offline)
        await agree(one, two)
        merged = two.get(shared)
        assert merged is not None
        assert (merged.annotation.text, merged.annotation.resolved) == ("The quick brown fox jumps", True)
        assert [s.annotation.text for s in two.annotations].count("written without a line") == 1


async def test_one_undoes_and_redoes_what_is_one_s_own(product: Product, video_id: int) -> None:
    people = [product.person("reviewer"), product.person("member")]
    async with (
        at_work(product.address, people[0], video_id) as one,
        at_work(product.address, people[1], video_id) as two,
    ):
        note = await one.comment(50, "to be undone")
        await one.move(note, 500, 600)
        await until(lambda: two.get(note) is not None, "the other's seeing it")
        theirs = await two.comment(50, "somebody else's")
        await one.undo()
        assert _position(one, note) == (0, 0)
        await one.redo()
        assert _position(one, note) == (500, 600)
        await one.undo()
        await one.undo()
        await agree(one, two)
        undone, kept = two.get(note), two.get(theirs)
        assert undone is not None
        assert kept is not None
        assert undone.annotation.deleted
        assert not kept.annotation.deleted
        await one.redo()
        await agree(one, two)
        again = two.get(note)
        assert again is not None
        assert not again.annotation.deleted


def _position(session: rushes.Session, note: bytes) -> tuple[int, int]:
    state = session.get(note)
    assert state is not None
    return state.annotation.position.x, state.annotation.position.y


async def test_a_state_that_never_was_live_is_saved_and_joined_with_what_was(product: Product, video_id: int) -> None:
    async with (
        rushes.connect(product.address, session=product.person("member")) as client,
        client.collaborate(video_id) as session,
    ):
        note = await session.comment(20, "where it is now")
        await session.saved()
        versions = client.versions
        base = await versions.commit(video_id, "both are built on it")
        there = operation_pb2.MoveOperation(id=note, to=annotation_pb2.Position(x=7), seen_revision=base.revision)
        planned = await versions.commit_operations(
            video_id, [operation_pb2.Operation(move=there)], "planned", base.version_id
        )
        await session.resolve(note)
        await session.saved()
        live = await versions.commit(video_id, "live", base_version_id=base.version_id)
        merged = await versions.merge(video_id, planned.version_id, live.version_id)
        assert list(merged.conflicts) == []
        states = {each.annotation.id: each for each in await versions.document(video_id, merged.version.version_id)}
        assert (states[note].annotation.position.x, states[note].annotation.resolved) == (7, True)
        state = session.get(note)
        assert state is not None
        assert state.annotation.position.x == 0


async def test_work_that_is_refused_is_told_and_work_goes_on(product: Product, video_id: int) -> None:
    async with at_work(product.address, product.person("guest"), video_id) as session:
        with pytest.raises(Refused) as caught:
            await session.comment(100_000, "past the end")
        assert caught.value.metadata["refused_reason"] == "FRAME_OUTSIDE"
        with pytest.raises(InvalidArgument):
            await session.submit([operation_pb2.Operation()])
        with pytest.raises(NotFound):
            await session.edit_text(os.urandom(16), "of nothing")
        with pytest.raises(InvalidArgument):
            await session.edit_text(await session.comment(60, "x"), "y" * 70_000)
        note = await session.comment(60, "and on it goes")
        await agree(session)
        assert session.get(note) is not None


async def test_others_notes_are_theirs(product: Product, video_id: int) -> None:
    async with (
        at_work(product.address, product.person("member"), video_id) as member,
        at_work(product.address, product.person("guest"), video_id) as guest,
    ):
        note = await member.comment(70, "of a member")
        await until(lambda: guest.get(note) is not None, "the guest's seeing it")
        with pytest.raises(Refused) as caught:
            await guest.delete(note)
        assert caught.value.metadata["refused_reason"] == "NOT_YOURS"
        await agree(member, guest)


async def test_who_loses_the_line_for_good_is_told_by_the_changes(product: Product, video_id: int) -> None:
    secret = product.studio.people(1, "guest")[0]
    async with rushes.connect(product.address, session=secret) as client:
        session = client.collaborate(video_id)
        async with session:
            product.stack.post_json("/auth/sign-out", {}, secret)

            async def listen() -> None:
                async for _ in session.changes():
                    pass

            async with asyncio.timeout(60):
                with pytest.raises(Unauthenticated):
                    await listen()
            with pytest.raises(Unauthenticated):
                await session.comment(1, "from nobody")


async def test_many_who_are_too_fast_are_slowed_and_lose_nothing(product: Product, video_id: int) -> None:
    async with at_work(product.address, product.person("member"), video_id) as session:
        before = len(session.annotations)
        await asyncio.gather(*(session.comment(80, f"burst {number}") for number in range(200)))
        assert len(session.annotations) == before + 200
        await agree(session)


# -- uploads ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip with 30 MB behind it that players pass over: a `free` box."""
    path = tmp_path_factory.mktemp("big") / "big.mp4"
    size = BIG_BYTES - footage().stat().st_size
    free = size.to_bytes(4, "big") + b"free" + random.Random(SEED).randbytes(size - 8)
    path.write_bytes(footage().read_bytes() + free)
    return path


async def test_a_large_file_comes_whole_through_cuts(product: Product, proxy: CuttingProxy, big: Path) -> None:
    seen: list[tuple[int, int]] = []
    proxy.cut_after = 5 << 20
    async with rushes.connect(product.address, session=product.secret) as straight:
        async with rushes.connect(proxy.address, session=product.secret) as client:
            uploading = asyncio.create_task(
                client.upload(big, product.studio.project_id, lambda done, total: seen.append((done, total)))
            )
            for share in (0.2, 0.5, 0.8):
                await until(lambda share=share: bool(seen) and seen[-1][0] > share * BIG_BYTES, "progress")  # type: ignore[misc]
                proxy.cut()
            proxy.cut_after = None
            video_id = await uploading
        assert proxy.cuts >= 3
        assert seen[-1] == (BIG_BYTES, BIG_BYTES)
        await straight.create_asset(product.studio.project_id, video_id)
        video = await straight.wait_ready(video_id)
        assert (video.size_bytes, video.frame_count) == (BIG_BYTES, 250)


async def test_a_file_that_is_no_clip_says_why(product: Product, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("This is not a video.\n" * 50)
    async with rushes.connect(product.address, session=product.secret) as client:
        video_id = await client.upload(text, product.studio.project_id)
        with pytest.raises(rushes.client.client.VideoFailed, match=r"[a-z]"):
            await client.wait_ready(video_id)
        assert (await client.video(video_id)).state == VIDEO_STATE_FAILED


async def test_who_may_not_upload_is_told_so(product: Product) -> None:
    async with rushes.connect(product.address, session=product.person("guest")) as client:
        with pytest.raises(PermissionDenied):
            await client.upload(footage(), product.studio.project_id)


# -- commands -----------------------------------------------------------------------------------------------------


class Shell:
    """A person at a terminal with a home of their own."""

    def __init__(self, server: str, home: Path) -> None:
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RUSHES_")},
            "RUSHES_SERVER": server,
            "XDG_CONFIG_HOME": str(home),
        }

    async def start(self, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
        """Starts a command."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rushes.cli", *arguments),
            env={**self._environ, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """Runs a command: exit code, output, errors."""
        process = await self.start(*arguments, **environ)
        out, errors = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), errors.decode()


@pytest.fixture
async def shell(product: Product, tmp_path: Path) -> Shell:
    """Somebody who has signed in."""
    person = Shell(product.address, tmp_path)
    who = product.stack.first_sign_in()
    code, out, errors = await person.run("sign-in", "--email", who["email"], RUSHES_PASSWORD=who["password"])
    assert (code, errors) == (0, "")
    assert "as Administrator" in out
    return person


async def test_a_session_is_kept_for_its_owner_alone(shell: Shell, tmp_path: Path) -> None:
    kept = tmp_path / "rushes" / "sessions.json"
    assert kept.stat().st_mode & 0o077 == 0


async def test_upload_annotate_and_export_as_a_person_runs_them(shell: Shell, product: Product, tmp_path: Path) -> None:
    code, out, _ = await shell.run("upload", str(footage()), "--name", "A shot")
    assert code == 0
    assert f"{product.address}/a/" in out
    video = out.partition("video ")[2].partition(",")[0]
    code, out, _ = await shell.run("annotate", video, "--frame", "12", "--last", "20", "=1+1 is no formula")
    assert code == 0
    assert "saved as" in out
    assert (await shell.run("annotate", video, "--frame", "5", "--internal", "among us"))[0] == 0
    code, out, _ = await shell.run("export", video)
    exported = json.loads(out)
    assert code == 0
    assert exported["video"]["frame_count"] == 250
    assert sorted((note["frame"], note["text"], note["audience"]) for note in exported["annotations"]) == [
        (5, "among us", "internal"),
        (12, "=1+1 is no formula", "client"),
    ]
    assert {note["author"] for note in exported["annotations"]} == {"Administrator"}
    target = tmp_path / "notes.csv"
    assert (await shell.run("export", video, "--format", "csv", "-o", str(target)))[0] == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert {row["text"] for row in rows} == {"among us", "'=1+1 is no formula"}


async def test_notes_are_saved_compared_and_brought_back_from_a_terminal(shell: Shell, product: Product) -> None:
    video = str(product.fresh_video())
    assert (await shell.run("annotate", video, "--frame", "12", "the first words"))[0] == 0
    assert (await shell.run("commit", video, "-m", "before lunch", "--tag", "lunch"))[1] == "saved as 1, revision 1\n"
    assert (await shell.run("annotate", video, "--frame", "40", "later words"))[0] == 0
    assert (await shell.run("commit", video))[0] == 0
    code, out, _ = await shell.run("versions", video)
    assert (code, "before lunch" in out, "<lunch>" in out, out.count("\n")) == (0, True, True, 2)
    assert "+ frame     40" in (await shell.run("diff", video, "lunch", "2"))[1]
    assert "later words" not in (await shell.run("show", video, "--revision", "1"))[1]
    assert (await shell.run("show", video, "--at", "2020-01-01"))[1] == ""
    assert "later words" in (await shell.run("show", video, "--frame", "30-50"))[1]
    assert "would change 1 notes" in (await shell.run("rollback", video, "--version", "lunch", "--dry-run"))[1]
    code, out, errors = await shell.run("rollback", video, "--version", "lunch")
    assert (code, errors) == (0, "")
    assert "later words" not in (await shell.run("show", video))[1]
    undo = out.split()[-1]
    assert (await shell.run("rollback", video, "--undo", undo))[0] == 0
    assert "later words" in (await shell.run("show", video))[1]
    code, out, _ = await shell.run("rollback", video, "--version", "lunch", "--mine")
    assert (code, out.split()[-3::2]) == (0, ["--undo", "--mine"])
    assert (await shell.run(*out.split("rushes ")[-1].split()))[0] == 0
    assert "later words" in (await shell.run("show", video))[1]
    following = str(product.fresh_video())
    code, out, errors = await shell.run("carry", video, following, "--offset", "-20")
    assert (code, errors) == (0, "")
    assert out.startswith(f"carried 1 notes to video {following}; 1 are on no frame of it")
    assert "frame     20" in (await shell.run("show", following))[1]
    assert (await shell.run(*out.split("rushes ")[-1].split()))[0] == 0
    assert (await shell.run("show", following))[1] == ""


async def test_watch_prints_notes_as_they_come_and_change(shell: Shell, product: Product, video_id: int) -> None:
    watching = await shell.start("watch", str(video_id))
    assert watching.stdout is not None
    try:
        async with at_work(product.address, product.secret, video_id) as session:
            note = await session.comment(90, "seen by who watches")
            await _line(watching.stdout, "Administrator: seen by who watches")
            await session.edit_text(note, "seen and changed")
            await _line(watching.stdout, "Administrator: seen and changed")
            await session.resolve(note)
            await _line(watching.stdout, "seen and changed [resolved]")
            await session.delete(note)
            await _line(watching.stdout, "[deleted]")
    finally:
        watching.terminate()
        await watching.communicate()


async def _line(stream: asyncio.StreamReader, text: str) -> str:
    """The next line with this text."""
    async with asyncio.timeout(60):
        while line := await stream.readline():
            if text in line.decode():
                return line.decode()
    raise AssertionError(f"the output ended before {text!r}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("annotate", "987654", "--frame", "1", "x"), "There is no such thing"),
        (("export", "987654"), "There is no such thing"),
        (("upload", "/no/such/file.mp4"), "No such file"),
        (("watch", "987654"), "There is no such thing"),
        (("export", "1", "-o", "/no/such/folder/x"), "No such file"),
        (("show", "1", "--at", "yesterday"), "yesterday is no time"),
        (("diff", "1", "1", "77"), "there is no"),
        (("rollback", "1", "--revision", "987654"), "no such revision"),
    ],
)
async def test_what_goes_wrong_is_said_in_one_line(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    code, _, errors = await shell.run(*arguments)
    assert code == 1
    assert errors.startswith("rushes: ")
    assert said in errors
    assert errors.count("\n") == 1


async def test_who_is_not_signed_in_is_told_how(product: Product, tmp_path: Path) -> None:
    nobody = Shell(product.address, tmp_path)
    code, _, errors = await nobody.run("export", "1")
    assert (code, "rushes sign-in --server" in errors) == (1, True)
    code, _, errors = await nobody.run("sign-in", "--email", "nobody@rushes.local", RUSHES_PASSWORD="wrong")
    assert (code, "wrong" in errors) == (1, True)
    away = Shell("http://127.0.0.1:9", tmp_path)
    code, _, errors = await away.run("sign-in", "--email", "nobody@rushes.local", RUSHES_PASSWORD="wrong")
    assert (code, errors) == (1, "rushes: http://127.0.0.1:9: The server does not answer.\n")


async def test_events_say_what_changed(product: Product, video_id: int) -> None:
    async with (
        at_work(product.address, product.person("member"), video_id) as one,
        at_work(product.address, product.person("reviewer"), video_id) as two,
    ):
        line = annotation_pb2.Annotation(kind=annotation_pb2.ANNOTATION_KIND_LINE, first_frame=7, last_frame=9)
        line.points.extend((0, 0, 500, 500))
        line.audience = AUDIENCE_CLIENT
        note = await one.create(line)

        async def told() -> None:
            async for event in two.changes():
                if isinstance(event, Changed) and event.ids is not None and note in event.ids:
                    return

        async with asyncio.timeout(60):
            await told()
