"""
The meaning of a decision, written again as its definition reads: slow, with Fractions.

Nothing here is shared with the engine but the values it is given. At every instant everything is
formed anew from the logs; only the advancement that stands is carried on.
"""

from collections import namedtuple
from fractions import Fraction

Piece = namedtuple("Piece", "key id points task cond app first pinned")


def counted(logs, version, t):
    """Return the pieces that count by ``version`` with what was known at ``t``, in order."""
    found = []
    for piece in {r.piece for r in logs.ratings}:
        known = [r for r in logs.ratings if r.piece == piece and r.recorded_at <= t]
        chains = {r.chain for r in known}
        last = [
            max((r for r in known if r.chain == chain), key=lambda r: (r.recorded_at, r.id))
            for chain in sorted(chains)
        ]
        lasting = [r for r in last if not (r.voided_at and r.voided_at <= t)]
        good = [r for r in lasting if counts(r, version, t)]
        good = [r for r in good if r is newest_of_assessor(r, good)]
        points = sorted(r.points for r in good)
        if not points or level_of(version, points[-1]) - level_of(version, points[0]) > 1:
            continue
        head, first = lasting[0], min(r.first_recorded_at for r in known)
        key = (head.demonstrated_on, head.position, piece)
        median = points[(len(points) - 1) // 2]
        found.append(
            Piece(key, piece, median, head.task, head.conditions, head.application, first,
                  head.policy_version)
        )  # fmt: skip
    return sorted(found)


def counts(r, version, t):
    if not r.released_at or r.released_at > t:
        return False
    if r.needs_confirmation and not (r.confirmed_at and r.confirmed_at <= t):
        return False
    of_purpose = not version.purposes or r.purpose in version.purposes
    of_kind = not version.kinds or r.kind in version.kinds
    return r.points is not None and r.scale == version.scale.id and of_purpose and of_kind


def newest_of_assessor(rating, good):
    same = [r for r in good if r.assessor == rating.assessor]
    return max(same, key=lambda r: (r.recorded_at, r.id))


def level_of(version, points):
    return sum(level.points <= points for level in version.scale.levels)


def replaced(version, prefix):
    if version.reassessment == "adds":
        return prefix
    return [p for i, p in enumerate(prefix) if all(q.task != p.task for q in prefix[i + 1 :])]


def window(version, prefix):
    m = version.method.m if version.method.name == "n_of_last_m" else None
    return prefix[max(0, len(prefix) - m) :] if m else prefix


def estimate(version, prefix):
    """Return points as a Fraction of a point, or None."""
    method, xs = version.method, [Fraction(p.points, 100) for p in window(version, prefix)]
    if not xs or (method.name == "n_of_last_m" and len(xs) < method.n):
        return None
    if method.name == "decaying_average":
        w, k = Fraction(method.p, method.q), len(xs)
        weights = [(1 - w) ** (k - 1), *(w * (1 - w) ** (k - 1 - i) for i in range(1, k))]
        return sum(weight * x for weight, x in zip(weights, xs, strict=True))
    return {
        "n_of_last_m": lambda: sorted(xs, reverse=True)[method.n - 1],
        "latest": lambda: xs[-1],
        "highest": lambda: max(xs),
        "mean": lambda: sum(xs) / len(xs),
    }[method.name]()


def level_now(version, prefix):
    prefix = replaced(version, prefix)
    value = estimate(version, prefix)
    if value is None or len(prefix) < version.minimum_pieces:
        return None
    return sum(value >= Fraction(cut, 10_000) for cut in version.cuts) or None


def meets(version, target, prefix):
    prefix = replaced(version, prefix)
    value, cut = estimate(version, prefix), Fraction(version.cuts[target - 1], 10_000)
    if not version.decides or value is None or value < cut or len(prefix) < version.minimum_pieces:
        return False
    least = version.scale.levels[target - 1].points
    at = [p for p in window(version, prefix) if p.points >= least]
    measured = {
        "different_tasks": len({p.task for p in at}),
        "application": len([p for p in at if p.app]),
        "independent": len([p for p in at if p.cond == 1]),
        "group_at_most": -len([p for p in at if p.cond == 3]),
    }
    return all(
        measured[g.kind] >= (-g.need if g.kind == "group_at_most" else g.need)
        for g in version.gates
    )


class Oracle:
    """The decision, the level and the advancements (kind, basis, day, instant) at ``at``."""

    def __init__(self, logs, at):
        self.logs, self.at = logs, at
        self.standing = self.ground = None
        self.advancements = []
        for t in sorted({t for t in self.instants() if t <= at}):
            self.move(t)

    def instants(self):
        for r in self.logs.ratings:
            yield r.recorded_at
            for later in (r.voided_at, r.released_at, r.confirmed_at):
                if later:
                    yield max(later, r.recorded_at)
        for j in self.logs.judgements:
            yield j.recorded_at
            if j.kind == "override" and j.ends_at:
                yield max(j.ends_at, j.recorded_at)
        for entry in self.logs.policies:
            if entry.starts_at:
                yield entry.starts_at

    def in_force(self, t):
        begun = [i for i, e in enumerate(self.logs.policies) if not e.starts_at or e.starts_at <= t]
        return begun[-1] if begun else 0

    def said(self, t, *kinds):
        known = [j for j in self.logs.judgements if j.recorded_at <= t and j.kind in kinds]
        return sorted(known, key=lambda j: (j.recorded_at, j.id))

    def target(self, version, day, t, j=None):
        spoken = self.said(t, "own_target")
        if j:
            spoken = [o for o in spoken if (o.recorded_at, o.id) < (j.recorded_at, j.id)]
        for own in reversed(spoken):
            begun = not own.starts_on or own.starts_on <= day
            if begun and (not own.ends_at or day < own.ends_at.date()):
                return own.level or version.target
        return version.target

    def mastered_by(self, j):
        version = self.logs.policies[self.in_force(j.recorded_at)].version
        target = self.target(version, j.recorded_at.date(), j.recorded_at, j)
        return version.decides and (j.level >= target if j.mastered is None else j.mastered)

    def override(self, t):
        spoken = self.said(t, "override", "override_end", "reopening")
        if not spoken or spoken[-1].kind != "override":
            return None
        j = spoken[-1]
        over = j.ends_at and j.ends_at <= t and not self.mastered_by(j)
        return None if over else j

    def prior(self, t):
        spoken = self.said(t, "prior_standing", "reopening")
        return spoken[-1] if spoken and spoken[-1].kind == "prior_standing" else None

    def place(self, piece):
        same = [i for i, e in enumerate(self.logs.policies) if e.version.id == piece.pinned]
        begun = [
            i for i in same
            if not self.logs.policies[i].starts_at
            or self.logs.policies[i].starts_at.date() <= piece.key[0]
        ]  # fmt: skip
        return begun[-1] if begun else (same[0] if same else -1)

    def applied(self, after, t):
        for i in reversed(range(len(self.logs.policies))):
            if i > after and self.logs.policies[i].recompute and i <= self.in_force(t):
                return i
        return None

    def word(self, last, t):
        """Return "confirmed", "refused" or None for a prefix that ends at ``last``."""
        refusals, confirmed = set(), False
        for j in self.said(t, "confirmation", "refusal"):
            seen = self.where(j.saw_rating, t)
            if seen and j.kind == "refusal":
                refusals.add(seen)
            elif seen:
                refusals.discard(seen)
                confirmed = confirmed or seen >= last.key
        return "refused" if any(r >= last.key for r in refusals) else confirmed and "confirmed"

    def where(self, rating, t):
        piece = next(r.piece for r in self.logs.ratings if r.id == rating)
        known = [r for r in self.logs.ratings if r.piece == piece and r.recorded_at <= t]
        chains = sorted({r.chain for r in known})
        last = [
            max((r for r in known if r.chain == c), key=lambda r: (r.recorded_at, r.id))
            for c in chains
        ]
        lasting = [r for r in last if not (r.voided_at and r.voided_at <= t)] or last
        return (lasting[0].demonstrated_on, lasting[0].position, piece) if lasting else None

    def candidates(self, t):
        """Yield every prefix with what judges it; the whole list under the one in force last."""
        everything = {v.id: v for v in self.logs.versions.values()}
        found = []
        for version in everything.values():
            pieces = counted(self.logs, version, t)
            for k, last in enumerate(pieces, start=1):
                place = self.place(last)
                later = self.applied(place, t)
                by = self.logs.policies[later].version if later is not None else None
                if (by.id if by else last.pinned) == version.id:
                    found.append((last.key, place if later is None else later, version, pieces[:k]))
        for _, place, version, prefix in sorted(found, key=lambda one: one[0]):
            yield place, version, prefix
        place = self.in_force(t)
        version = self.logs.policies[place].version
        pieces = counted(self.logs, version, t)
        if pieces:
            yield place, version, pieces

    def move(self, t):
        reopened = [j.recorded_at for j in self.said(t, "reopening")]
        if t in reopened:
            self.standing = None
        if self.standing:
            self.stand(t)
        self.words = set()
        if not self.standing:
            for place, version, prefix in self.candidates(t):
                last = prefix[-1]
                target = self.target(version, last.key[0], t)
                gone = reopened and last.first <= reopened[-1]
                if gone or not meets(version, target, prefix):
                    continue
                word = self.word(last, t) if version.confirmation else "confirmed"
                self.words.add(word)
                if word == "confirmed":
                    ids = {p.id for p in prefix}
                    self.standing = (place, version, target, ids, last.key[0], t)
                    break
        self.log(t)

    def stand(self, t):
        place, version, target, ids, _, since = self.standing
        later = self.applied(place, t)
        if later is not None:
            place, version = later, self.logs.policies[later].version
        own = [p for p in counted(self.logs, version, t) if p.id in ids]
        if own and later is not None:
            target = self.target(version, own[-1].key[0], t)
        held = own and meets(version, target, own)
        self.standing = (place, version, target, ids, own[-1].key[0], since) if held else None

    def log(self, t):
        ground, override, prior = None, self.override(t), self.prior(t)
        if override:
            if self.mastered_by(override):
                ground = ("override", override.starts_on or override.recorded_at.date(), override)
        elif self.standing:
            ground = ("evidence", self.standing[4], self.standing[5])
        elif prior and self.mastered_by(prior):
            ground = ("prior_standing", prior.starts_on or prior.recorded_at.date(), prior)
        if ground != self.ground:
            kind = "redated" if self.ground and ground else "mastered" if ground else "reopened"
            basis, day, _ = ground or (self.ground[0], None, None)
            self.advancements.append((kind, basis, day, t))
            self.ground = ground

    @property
    def version(self):
        return self.logs.policies[self.in_force(self.at)].version

    @property
    def level(self):
        return level_now(self.version, counted(self.logs, self.version, self.at))

    @property
    def decision(self):
        pieces = counted(self.logs, self.version, self.at)
        judged = self.override(self.at) or (self.prior(self.at) and not pieces)
        if self.ground:
            return "mastered"
        if self.standing:
            return "not_yet" if self.version.decides else "none"
        waiting = not self.override(self.at) and False in getattr(self, "words", ())
        if waiting:
            return "awaiting_confirmation"
        if not pieces and not judged:
            return "no_evidence"
        return "not_yet" if self.version.decides else "none"
