"""Charts as SVG, made here: no script, no style attribute, every value on hover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 26, 26


@dataclass(frozen=True)
class Point:
    """The level at the end of a day. `marks` say what happened on it."""

    day: date
    level: float
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """Something on a day: a receipt (▲, above the line), a need (▼, below) or an appointment (◆, below)."""

    day: date
    kind: str  # "receipt", "need" or "appointment"
    text: str


def stock_chart(
    past: Sequence[Point],
    future: Sequence[Point],
    marks: Sequence[Mark],
    today: date,
    reorder_point: float | None,
    order_up_to: float | None,
) -> Markup:
    """Past levels as a solid step line, projected ones dashed; thresholds as lines with their names."""
    points = [*past, *future]
    first, last = min(point.day for point in points), max(point.day for point in points)
    days = max(1, (last - first).days)
    levels = [point.level for point in points] + [level for level in (reorder_point, order_up_to) if level is not None]
    whole = all(level.is_integer() for level in levels)
    low, high, step = _scale(min([0.0, *levels]), max([1.0, *levels]), 1.0 if whole else 0.0)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / days, 1)

    def y(level: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - level) / (high - low), 1)

    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="Stock, past and projected">').format(
            WIDTH, HEIGHT
        )
    ]
    level = low
    while level <= high + step / 2:
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                LEFT, WIDTH - RIGHT, y(level), y(level)
            )
        )
        parts.append(
            Markup('<text class="axis end" x="{}" y="{}">{}</text>').format(LEFT - 8, y(level) + 4, f"{level:g}")
        )
        level += step
    parts.append(Markup('<text class="axis" x="2" y="12">pcs</text>'))
    for day in _days(first, last):
        parts.append(
            Markup('<text class="axis middle" x="{}" y="{}">{}</text>').format(x(day), HEIGHT - 6, f"{day:%d %b}")
        )
    for name, value, at, side in (
        ("reorder point", reorder_point, LEFT + 20, "start"),
        ("order up to", order_up_to, WIDTH - RIGHT, "end"),
    ):
        if value is not None and (reorder_point, order_up_to) != (0.0, 0.0):
            parts.append(
                Markup(
                    '<line class="threshold" x1="{}" x2="{}" y1="{}" y2="{}"/>'
                    '<text class="axis {}" x="{}" y="{}">{} {}</text>'
                ).format(LEFT, WIDTH - RIGHT, y(value), y(value), side, at, y(value) - 5, name, f"{value:g}")
            )
    parts.append(
        Markup(
            '<line class="today" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="axis middle" x="{}" y="{}">today</text>'
        ).format(x(today), x(today), TOP, HEIGHT - BOTTOM, max(x(today), LEFT + 16), TOP - 8)
    )
    if past:
        parts.append(Markup('<path class="level" d="{}"/>').format(_steps([(x(p.day), y(p.level)) for p in past])))
    if future:
        joined = [*past[-1:], *future]
        parts.append(
            Markup('<path class="level projected" d="{}"/>').format(_steps([(x(p.day), y(p.level)) for p in joined]))
        )
    for point in points:
        parts.append(
            Markup('<circle class="point" cx="{}" cy="{}" r="3"><title>{}: {} pieces</title></circle>').format(
                x(point.day), y(point.level), f"{point.day:%d %b %Y}", f"{point.level:g}"
            )
        )
    by_day = {point.day: point.level for point in points}
    for mark in marks:
        if first <= mark.day <= last:
            parts.append(_mark(x(mark.day), y(by_day.get(mark.day, 0.0)), mark))
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def sparkline(values: Sequence[float], label: str) -> Markup:
    """A line of the last days, without axes; the number beside it says how high it is."""
    width, height = 120, 28
    top = max([1.0, *values])
    count = max(1, len(values) - 1)
    points = " ".join(
        f"{width * at / count:.1f},{height - 3 - (height - 6) * value / top:.1f}" for at, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polyline points="{}"/><title>{}</title></svg>'
    ).format(width, height, label, points, label)


def _mark(x: float, y: float, mark: Mark) -> Markup:
    shapes = {"receipt": f"M{x},{y - 16} l6,10 h-12 z", "need": f"M{x},{y + 16} l6,-10 h-12 z"}
    if mark.kind != "receipt" and y + 18 > HEIGHT - BOTTOM:  # the days stand there
        shapes["need"] = f"M{x},{y - 6} l6,-10 h-12 z"
        y -= 24
    shape = shapes.get(mark.kind, f"M{x},{y + 6} l6,6 l-6,6 l-6,-6 z")
    return Markup('<path class="mark {}" d="{}"><title>{}</title></path>').format(mark.kind, shape, mark.text)


def _steps(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return f"M{x},{y}" + "".join(f" H{x} V{y}" for x, y in rest)


def _scale(low: float, high: float, finest: float) -> tuple[float, float, float]:
    """Round limits and a round step, not below `finest`, that gives about five lines."""
    span = (high - low) or 1.0
    size = 10.0 ** (len(str(int(span))) - 1)
    step = next(size * part for part in (0.1, 0.2, 0.5, 1, 2, 5, 10) if span / (size * part) <= 6)
    step = max(step, finest)
    bottom = step * (low // step)
    top = bottom
    while top < high + step * 0.4:
        top += step
    return bottom, top, step


def _days(first: date, last: date) -> list[date]:
    span = max(1, (last - first).days)
    step = max(1, round(span / 7))
    return [first + timedelta(days=at) for at in range(0, span + 1, step)]
