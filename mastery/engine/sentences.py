"""
What is shown, in words.

``translate`` is a gettext-like hook: it gets the whole template, with its places by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mastery.engine.values import Decision, Scale, Shown

Translate = Callable[[str], str]


def shown_sentence(
    shown: Shown, decision: Decision, scale: Scale, translate: Translate = str
) -> str:
    """Return ``shown`` in words: the level first, then whatever stands beside it."""

    def named(level: int | None) -> str:
        if level:
            return scale.level(level).name
        return translate("Below {level}").format(level=scale.level(1).name)

    if shown.level is None and decision == Decision.NO_EVIDENCE:
        return translate("No evidence yet")
    if shown.prior:
        begin = _prior(shown.level, named, translate)
    elif decision == Decision.NONE and not shown.by_teacher:
        begin = translate("{level} lately").format(level=named(shown.level))
    elif shown.so_far:
        begin = _so_far(shown, named(shown.level), translate)
    else:
        begin = named(shown.level)
    return _beside(begin, shown, named, translate)


def _prior(level: int | None, named: Callable[[int | None], str], translate: Translate) -> str:
    if level is None:
        return translate("Prior standing")
    return translate("Prior standing: {level}").format(level=named(level))


def _so_far(shown: Shown, level: str, translate: Translate) -> str:
    if shown.need is None:
        return translate("{level} so far").format(level=level)
    return translate("{level} so far, {have} of {need}").format(
        level=level, have=shown.have, need=shown.need
    )


def _beside(
    begin: str, shown: Shown, named: Callable[[int | None], str], translate: Translate
) -> str:
    parts = [begin]
    if shown.recent is not None:
        parts.append(translate("recent work: {level}").format(level=named(shown.recent)))
    if shown.by_teacher:
        parts.append(translate("set by a teacher"))
    if shown.own_target:
        parts.append(translate("own target"))
    return translate(", ").join(parts) + _bracket(shown, named, translate)


def _bracket(shown: Shown, named: Callable[[int | None], str], translate: Translate) -> str:
    notes: Sequence[str] = [
        *([translate("held: {level}").format(level=named(shown.held))] if shown.held else ()),
        *([translate("provisional")] if shown.provisional else ()),
    ]
    return f" ({', '.join(notes)})" if notes else ""
