"""A sheet of notes as PDF: stills with vector drawings on them, and what was said beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.exchange import ink
from rushes.exchange.layer import UNITS, style_of
from rushes.exchange.notes import audience_name, one_line
from rushes.exchange.shape import box_of
from rushes.exchange.sheet import MAX_FRAMES, Entry, Head, Sheet, Thread

Still = Callable[[int], bytes | None]
"""Frame -> JPEG; None: it cannot be shown."""

PAGE_MM: Final = (210.0, 297.0)
MARGIN_MM: Final = 12.0
STILL_MM: Final = (90.0, 64.0)
"""Most that a still is wide and high."""
GAP_MM: Final = 5.0
_POINT: Final = 72 / 25.4
"""Points in a millimetre."""
_TEXT_SIZE: Final = 9.0
_SMALL_SIZE: Final = 7.5
_LINE_MM: Final = 4.4
_SMALL_LINE_MM: Final = 3.8
_INK: Final = (24, 24, 27)
_GREY: Final = (113, 113, 122)
_LIGHT: Final = (212, 212, 216)
_FACE: Final = "text"
_CORE_FACE: Final = "helvetica"
_DEFAULT_FONT_SIZE: Final = 900
_LINE_HEIGHT: Final = 1.25


@dataclass(frozen=True, slots=True)
class Font:
    """A font file, and which face of it."""

    path: str
    face: int = 0


@dataclass(frozen=True, slots=True)
class Fonts:
    """What text is set in. Without `regular` it is a font that every reader has, which knows Latin letters alone."""

    regular: Font | None = None
    bold: Font | None = None
    fallback: Sequence[Font] = ()
    """For letters that the first ones do not have."""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file."""

    data: bytes
    unknown: str
    """Letters that no font has; they are shown as a box or a question mark."""


def write(
    sheet: Sheet, still: Still, fonts: Fonts, on_progress: Callable[[float], None] = lambda share: None
) -> Written:
    """The file."""
    writer = _Writer(sheet, still, fonts)
    for number, entry in enumerate(sheet.entries):
        writer.entry(entry)
        on_progress((number + 1) / len(sheet.entries))
    return writer.finished()


class _Page(FPDF):
    """A4, with a line at the head of each page but the first and a number at the foot."""

    def __init__(self, letters: "_Letters", running_head: str) -> None:
        super().__init__(format="A4", unit="mm")
        letters.add_to(self)
        self.face = letters.face
        self._running_head = letters.shown(running_head)
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM + 4)

    def header(self) -> None:
        """See FPDF."""
        if self.page_no() == 1:
            return
        left = self.l_margin
        self.set_xy(MARGIN_MM, MARGIN_MM - 4)
        self.set_font(self.face, size=_SMALL_SIZE)
        self.set_text_color(*_GREY)
        self.cell(PAGE_MM[0] - 2 * MARGIN_MM, 4, self._running_head)
        self.set_xy(left, MARGIN_MM + 3)

    def footer(self) -> None:
        """See FPDF."""
        self.set_xy(MARGIN_MM, -MARGIN_MM)
        self.set_font(self.face, size=_SMALL_SIZE)
        self.set_text_color(*_GREY)
        self.cell(PAGE_MM[0] - 2 * MARGIN_MM, 4, f"{self.page_no()} / {{nb}}", align="R")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a still stands, in millimetres from the page's upper edge."""

    top: float
    width: float
    height: float

    @property
    def frame(self) -> ink.Frame:
        """The same in points from the lower edge."""
        bottom = PAGE_MM[1] - self.top - self.height
        return ink.Frame(MARGIN_MM * _POINT, bottom * _POINT, self.width * _POINT, self.height * _POINT)


class _Writer:
    """Lays a sheet out from the top down."""

    def __init__(self, sheet: Sheet, still: Still, fonts: Fonts) -> None:
        self._sheet = sheet
        self._still = still
        self._letters = _Letters(fonts)
        self._page = _Page(self._letters, _title(sheet))
        self._page.add_page()
        self._head(sheet.head)

    def finished(self) -> Written:
        """The file, with what is not in it said at its end."""
        if self._sheet.left_out:
            self._say(f"{self._sheet.left_out} more frames have notes; a sheet has the first {MAX_FRAMES}.", grey=True)
        if not self._sheet.entries:
            self._say("There are no notes.", grey=True)
        if self._letters.unknown:
            self._say("Some letters are in no font of the server and are shown as ?.", grey=True)
        return Written(bytes(self._page.output()), "".join(sorted(self._letters.unknown)))

    # -- the head ----------------------------------------------------------------------------------------------

    def _head(self, head: Head) -> None:
        page, video = self._page, self._sheet.notes.video
        self._say(_title(self._sheet), bold=True, size=15.0, line=7.5)
        threads = [thread for entry in self._sheet.entries for thread in entry.threads]
        opened = sum(not thread.comment.resolved for thread in threads)
        size = f" · {video.width} × {video.height}" if video.width else ""
        facts = (
            head.project,
            f"{video.name}{size} · {float(video.rate):g} fps · {video.frame_count} frames",
            f"{len(threads)} comments, {opened} open · {len(self._sheet.entries)} frames",
            " · ".join(filter(None, (head.made, head.person, "with internal notes" if head.internal else ""))),
        )
        for line in filter(None, facts):
            self._say(line, grey=True, size=_SMALL_SIZE, line=_SMALL_LINE_MM)
        page.ln(2)
        self._rule()

    def _rule(self) -> None:
        page = self._page
        page.set_draw_color(*_LIGHT)
        page.set_line_width(0.2)
        page.line(MARGIN_MM, page.get_y(), PAGE_MM[0] - MARGIN_MM, page.get_y())
        page.ln(GAP_MM)

    # -- frames ------------------------------------------------------------------------------------------------

    def entry(self, entry: Entry) -> None:
        """A frame: its still on the left, what was said on the right, which goes on over the page if it is long."""
        page = self._page
        width, height = self._still_size()
        if page.get_y() + height + GAP_MM > PAGE_MM[1] - MARGIN_MM - 4:
            page.add_page()
        first, top = page.page_no(), page.get_y()
        self._picture(entry, top, width, height)
        page.set_left_margin(MARGIN_MM + width + GAP_MM)
        page.set_xy(page.l_margin, top)
        self._said(entry)
        page.set_left_margin(MARGIN_MM)
        bottom = page.get_y()
        if page.page_no() == first:
            bottom = max(bottom, top + height)
        page.set_xy(MARGIN_MM, bottom + GAP_MM)

    def _still_size(self) -> tuple[float, float]:
        aspect = float(self._sheet.notes.video.aspect)
        width = min(STILL_MM[0], STILL_MM[1] * aspect)
        return width, width / aspect

    def _picture(self, entry: Entry, top: float, width: float, height: float) -> None:
        page, jpeg = self._page, self._still(entry.frame)
        place = _Place(top, width, height)
        if jpeg is None:
            page.set_fill_color(*_LIGHT)
            page.rect(MARGIN_MM, top, width, height, style="F")
        else:
            page.image(jpeg, MARGIN_MM, top, width, height)
        with page.rect_clip(MARGIN_MM, top, width, height):
            for drawing in entry.drawings:
                if drawing.mode == pb.STROKE_MODE_ERASE:
                    self._erase(drawing, place, jpeg)
                elif drawing.kind == pb.ANNOTATION_KIND_TEXT:
                    self._write(drawing, place)
                else:
                    self._draw(drawing, place.frame)

    def _draw(self, drawing: Annotation, frame: ink.Frame) -> None:
        filled = ink.filling(drawing, frame), drawing.style.fill >> 24
        for operators, opacity in (filled, (ink.strokes(drawing, frame), style_of(drawing).opacity)):
            if operators and opacity:
                with self._page.local_context(fill_opacity=opacity / 255, stroke_opacity=opacity / 255):
                    self._page._out(operators)

    def _erase(self, stroke: Annotation, place: "_Place", jpeg: bytes | None) -> None:
        """Shows the still again where an eraser went: on paper nothing can be taken away."""
        page = self._page
        with page.local_context():
            page._out("\n".join((*ink.pressed(stroke, place.frame), "W n")))
            if jpeg is not None:
                page.image(jpeg, MARGIN_MM, place.top, place.width, place.height)
            else:
                page.set_fill_color(*_LIGHT)
                page.rect(MARGIN_MM, place.top, place.width, place.height, style="F")

    def _write(self, text: Annotation, place: "_Place") -> None:
        """Text on the picture, in its box."""
        page, style = self._page, style_of(text)
        unit = place.height / UNITS
        left, upper, right, _ = box_of(text)
        size_mm = (style.font_size or _DEFAULT_FONT_SIZE) * unit
        align = {pb.TEXT_ALIGN_CENTER: "C", pb.TEXT_ALIGN_END: "R"}.get(style.align, "L")
        page.set_font(page.face, size=size_mm * _POINT)
        page.set_text_color(style.color >> 16 & 255, style.color >> 8 & 255, style.color & 255)
        breaking, margin = page.auto_page_break, page.b_margin
        page.set_auto_page_break(False)
        page.c_margin = 0
        with page.local_context(fill_opacity=style.opacity / 255):
            page.set_xy(MARGIN_MM + place.width / 2 + left * unit, place.top + place.height / 2 + upper * unit)
            words = self._letters.shown(text.text)
            page.multi_cell(max((right - left) * unit, size_mm), size_mm * _LINE_HEIGHT, words, align=align)
        page.set_auto_page_break(breaking, margin)

    # -- words -------------------------------------------------------------------------------------------------

    def _said(self, entry: Entry) -> None:
        notes, offset = self._sheet.notes, self._sheet.head.display_offset
        self._say(f"{notes.video.label(entry.frame)}   frame {entry.frame + offset}", bold=True, size=10.0, line=5.5)
        if not entry.threads:
            self._say(", ".join(sorted({notes.author(each) for each in entry.drawings} - {""})), grey=True)
        for thread in entry.threads:
            self._thread(thread)

    def _thread(self, thread: Thread) -> None:
        page, column = self._page, self._page.l_margin
        self._comment(thread.comment)
        page.set_left_margin(column + 4)
        page.set_x(page.l_margin)
        for reply in thread.replies:
            self._comment(reply)
        page.set_left_margin(column)
        page.set_x(column)
        page.ln(1.5)

    def _comment(self, comment: Annotation) -> None:
        notes = self._sheet.notes
        label = notes.video.label
        span = f"to {label(comment.last_frame)}" if comment.last_frame > comment.first_frame else ""
        facts = (
            notes.author(comment),
            _date(comment.created_ms),
            span,
            "resolved" if comment.resolved else "",
            "internal" if audience_name(comment) == "internal" else "",
            " ".join(f"#{tag}" for tag in comment.tags),
        )
        self._say(" · ".join(filter(None, map(one_line, facts))), grey=True, size=_SMALL_SIZE, line=_SMALL_LINE_MM)
        self._say(comment.text.strip() or "-")

    def _say(
        self, text: str, *, bold: bool = False, grey: bool = False, size: float = _TEXT_SIZE, line: float = _LINE_MM
    ) -> None:
        page = self._page
        if not text:
            return
        page.c_margin = 0
        page.set_font(page.face, "B" if bold else "", size)
        page.set_text_color(*(_GREY if grey else _INK))
        page.multi_cell(0, line, self._letters.shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


class _Letters:
    """The fonts of a file, and what letters they lack."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self.face = _FACE if fonts.regular is not None else _CORE_FACE
        self.unknown: set[str] = set()
        self._known: set[int] = set(range(32, 127)) | set(range(160, 256))
        """Letters that can be shown."""

    def add_to(self, page: FPDF) -> None:
        """Makes the fonts known to a file."""
        regular = self._fonts.regular
        if regular is None:
            return
        bold = self._fonts.bold or regular
        for style, font in (("", regular), ("B", bold)):
            page.add_font(_FACE, style, font.path, collection_font_number=font.face)
        names = [f"{_FACE}-{number}" for number in range(len(self._fonts.fallback))]
        for name, font in zip(names, self._fonts.fallback, strict=True):
            page.add_font(name, "", font.path, collection_font_number=font.face)
        page.set_fallback_fonts(names, exact_match=False)
        self._known = {letter for font in page.fonts.values() if isinstance(font, TTFFont) for letter in font.cmap}

    def shown(self, text: str) -> str:
        """A text of which every letter can be shown."""
        return "".join(self._letter(letter) for letter in text)

    def _letter(self, letter: str) -> str:
        if letter == "\n" or ord(letter) in self._known:
            return letter
        if letter.isspace():
            return " "
        if letter.isprintable():
            self.unknown.add(letter)
            return "?"
        return ""


def _title(sheet: Sheet) -> str:
    head = sheet.head
    return " · ".join(filter(None, (head.asset or sheet.notes.video.stem, head.cut)))


def _date(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC") if time_ms else ""
