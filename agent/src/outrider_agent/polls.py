"""Envoy's long polls, without a socket: which to answer at once, which to hold, and until when."""

from __future__ import annotations

from outrider_agent.discovery import Answer, Question

LONGEST_HOLD = 50.0  # seconds
HOLD_SHARE = 0.9  # of Envoy's request_timeout, so that it never runs out
DEFAULT_TIMEOUT = 1.0  # Envoy's own default where it does not say
MOST_UNKNOWN = 16  # polls held for names that nobody watches
REFUSED_HOLD = 5.0  # seconds between two tries of an update that Envoy rejects, or of an unknown name

OK, NOT_MODIFIED, NOT_FOUND = 200, 304, 404


class Poll:
    """One held question; ``caller`` is whoever asked, ``opened_at`` when its connection was accepted."""

    __slots__ = ("caller", "hold", "label", "opened_at", "until", "version")

    def __init__(self, caller: object, question: Question, opened_at: float, hold: float) -> None:
        self.caller = caller
        self.label = question.label
        self.version = question.version
        self.opened_at = opened_at
        self.hold = hold
        self.until = 0.0


class Reply:
    """What a poll is answered with; ``body`` is empty unless the status is 200."""

    __slots__ = ("body", "poll", "status")

    def __init__(self, poll: Poll, status: int, body: bytes = b"") -> None:
        self.poll = poll
        self.status = status
        self.body = body


class Sent:
    """The last update sent for an upstream and not yet seen accepted."""

    __slots__ = ("at", "version")

    def __init__(self, version: str, at: float) -> None:
        self.version = version
        self.at = at


def hold_of(expected_timeout_ms: str) -> float:
    """Seconds to hold a poll, from the header ``x-envoy-expected-rq-timeout-ms``."""
    is_told = (
        expected_timeout_ms.isascii()
        and expected_timeout_ms.isdigit()
        and len(expected_timeout_ms) < len("10000000000")
    )
    timeout = int(expected_timeout_ms) / 1000 if is_told else DEFAULT_TIMEOUT
    return min(HOLD_SHARE * timeout, LONGEST_HOLD)


class Polls:
    """All polls of one Envoy; versions are compared by equality, never by order."""

    def __init__(self, labels: list[str]) -> None:
        self.answers: dict[str, Answer | None] = dict.fromkeys(labels)
        self.restored: set[str] = set()  # whose answer is a snapshot's
        self.accepted: dict[str, str] = {}
        self.rejected: dict[str, int] = dict.fromkeys(labels, 0)
        self.unknown = 0
        self.replies = {OK: 0, NOT_MODIFIED: 0, NOT_FOUND: 0}
        self._held: list[Poll] = []
        self._overtaken: list[Poll] = []
        self._sent: dict[str, Sent] = {}

    @property
    def held(self) -> int:
        return len(self._held)

    def asked(self, poll: Poll, now: float) -> Reply | None:
        """The reply to give at once, or None: it is held."""
        if poll.label not in self.answers:
            self.unknown += 1
            return self._hold(poll, now + min(REFUSED_HOLD, poll.hold))
        answer = self.answers[poll.label]
        if poll.version:
            self.accepted[poll.label] = poll.version
        if answer is not None and poll.version == answer.version:
            self._sent.pop(poll.label, None)
        if answer is None or not self._is_news(poll, answer):
            return self._hold(poll, now + poll.hold)
        if self._is_rejection(poll, answer):
            self.rejected[poll.label] += 1
            return self._hold(poll, now + min(REFUSED_HOLD, poll.hold))
        return self._update(poll, answer, now)

    def publish(self, label: str, answer: Answer, now: float) -> list[Reply]:
        """New content: every poll held for it is answered, unless its Envoy has just that."""
        self.restored.discard(label)
        return self._answered(label, answer, now)

    def restore(self, label: str, answer: Answer, now: float) -> list[Reply]:
        """What a snapshot says, for an Envoy that has nothing: one that has a version may have a newer one."""
        self.restored.add(label)
        return self._answered(label, answer, now)

    def _answered(self, label: str, answer: Answer, now: float) -> list[Reply]:
        self.answers[label] = answer
        due = [poll for poll in self._held if poll.label == label and self._is_news(poll, answer)]
        self._release(due)
        return [self._update(poll, answer, now) for poll in due]

    def overtaken(self) -> list[Reply]:
        """Replies to polls whose place a later one has taken, so that nobody uses up the room of others."""
        due, self._overtaken = self._overtaken, []
        return [self._reply(poll, NOT_MODIFIED if poll.label in self.answers else NOT_FOUND) for poll in due]

    def expired(self, now: float) -> list[Reply]:
        """Replies to the polls whose hold is over."""
        due = [poll for poll in self._held if poll.until <= now]
        self._release(due)
        return [self._last_word(poll, now) for poll in due]

    def ended(self) -> list[Reply]:
        """Replies to all that is held, for a clean end."""
        due, self._held = self._held, []
        return [self._reply(poll, NOT_MODIFIED) for poll in due]

    def forget(self, caller: object) -> None:
        """The caller has gone."""
        self._held = [poll for poll in self._held if poll.caller is not caller]
        self._overtaken = [poll for poll in self._overtaken if poll.caller is not caller]

    def wake_at(self) -> float:
        return min([poll.until for poll in self._held], default=float("inf"))

    def _is_news(self, poll: Poll, answer: Answer) -> bool:
        """Whether this Envoy shall have the answer: not what it has, and nothing that may be older than that."""
        return poll.version != answer.version and not (poll.version and poll.label in self.restored)

    def _is_rejection(self, poll: Poll, answer: Answer) -> bool:
        """Envoy asks again without having taken what it was sent; a new Envoy asks on a new connection."""
        sent = self._sent.get(poll.label)
        return sent is not None and sent.version == answer.version and poll.opened_at <= sent.at

    def _last_word(self, poll: Poll, now: float) -> Reply:
        answer = self.answers.get(poll.label)
        if poll.label not in self.answers:
            return self._reply(poll, NOT_FOUND)
        if answer is None or not self._is_news(poll, answer):
            return self._reply(poll, NOT_MODIFIED)
        return self._update(poll, answer, now)

    def _hold(self, poll: Poll, until: float) -> None:
        poll.until = until
        due = self._in_the_way(poll)
        self._release(due)
        self._overtaken += due
        self._held.append(poll)

    def _in_the_way(self, poll: Poll) -> list[Poll]:
        """Envoy has one poll for each name, so an older one is of a client that is gone or wants too much."""
        if poll.label in self.answers:
            return [one for one in self._held if one.label == poll.label]
        unknown = [one for one in self._held if one.label not in self.answers]
        return unknown[: len(unknown) + 1 - MOST_UNKNOWN] if len(unknown) >= MOST_UNKNOWN else []

    def _release(self, polls: list[Poll]) -> None:
        self._held = [poll for poll in self._held if poll not in polls] if polls else self._held

    def _update(self, poll: Poll, answer: Answer, now: float) -> Reply:
        self._sent[poll.label] = Sent(answer.version, now)
        return self._reply(poll, OK, answer.body)

    def _reply(self, poll: Poll, status: int, body: bytes = b"") -> Reply:
        self.replies[status] += 1
        return Reply(poll, status, body)
