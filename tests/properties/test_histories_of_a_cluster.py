"""One watch against a Consul of several servers that lag, clients that lose their data, and deploys: by the clock alone."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from outrider_agent.endpoints import Endpoints
from outrider_agent.instances import Instance
from outrider_agent.queries import Query
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream
from outrider_agent.watch import Watch

LIMITS = Limits()
ROUND_TRIP = 0.002
RANDOMS = st.randoms(use_true_random=False)


class Server:
    """A follower: it knows the history up to ``version``."""

    def __init__(self) -> None:
        self.version = 0
        self.is_stuck = False
        self.contact_ms = 0


class Cluster:
    """What was registered in which order; each version of the truth has an index."""

    def __init__(self, servers: int) -> None:
        self.index = 100
        self.history: list[tuple[int, dict[int, str]]] = [(self.index, {})]
        self.servers = [Server() for _ in range(servers)]

    @property
    def truth(self) -> dict[int, str]:
        return self.history[-1][1]

    def change(self, **registered: str | None) -> None:
        """``p8080="passing"`` registers, ``p8080=None`` deregisters."""
        now = dict(self.truth)
        for name, health in registered.items():
            if health is None:
                now.pop(int(name[1:]), None)
            else:
                now[int(name[1:])] = health
        self.index += 1
        self.history.append((self.index, now))
        for server in self.servers:
            if not server.is_stuck:
                server.version = len(self.history) - 1

    def catch_up(self) -> None:
        for server in self.servers:
            server.is_stuck, server.contact_ms = False, 0
            server.version = len(self.history) - 1


class Life:
    """A watch, Envoy's view of it, and the clock; queries go to servers in a random order that leaves none out."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self.now = 1000.0
        self.cluster = cluster
        self.random = random
        self.watch = Watch(Upstream("web"), LIMITS, random.random, self.changed)
        self.envoy: Endpoints | None = None
        self.changes: list[float] = []
        self.emptied = False
        self.query: Query | None = None
        self.asked: Server | None = None
        self.asked_at = 0.0
        self._turns: list[Server] = []

    def changed(self, watch: Watch) -> None:
        self.envoy = watch.endpoints
        self.changes.append(self.now)
        self.emptied = self.emptied or not watch.endpoints

    @property
    def ports(self) -> set[int]:
        return {one.port for one in self.envoy or ()}

    def turn(self) -> Server:
        if not self._turns:
            self._turns = list(self.cluster.servers)
            self.random.shuffle(self._turns)
        return self._turns.pop()

    def run(self, seconds: float) -> None:
        """Let so much time pass; a blocking query ends when its server's index passes the one it named."""
        until = self.now + seconds
        while True:
            if self.query is None or self.asked is None:
                if self.watch.due(self.now) > until:
                    break
                self.now = max(self.now, self.watch.due(self.now))
                self.query, self.asked, self.asked_at = self.watch.query(self.now), self.turn(), self.now
            index, _ = self.cluster.history[self.asked.version]
            ends = self.asked_at + (self.query.wait if index <= self.query.index else ROUND_TRIP)
            if ends > until and index <= self.query.index:
                break
            self.now = max(self.now, min(ends, until))
            self.answer(self.asked)
        self.now = until

    def answer(self, server: Server) -> None:
        asked, self.query, self.asked = self.query, None, None
        assert asked is not None
        if asked.is_catalog:
            self.watch.witnessed(self.now, knows_others=True)
            return
        index, registered = self.cluster.history[server.version]
        headers = {"x-consul-index": str(index), "x-consul-lastcontact": str(server.contact_ms)}
        self.watch.answered(headers, [Instance("10.0.0.1", port, is_) for port, is_ in registered.items()], self.now)


def started(servers: int, random: Random, instances: int) -> Life:
    life = Life(Cluster(servers), random)
    life.cluster.change(**{f"p{port}": "passing" for port in range(1, instances + 1)})
    life.run(0.1)
    assert life.ports == set(range(1, instances + 1))
    return life


@given(RANDOMS, st.integers(1, 6), st.integers(1, 5), st.floats(0.0, 29.0), st.floats(0.0, 0.5))
@settings(max_examples=60, deadline=None)
def test_a_client_that_lost_its_data_never_empties_an_upstream(
    random: Random, instances: int, servers: int, absence: float, pause: float
) -> None:
    """Its services are deregistered one by one, and Nomad registers them anew within 30 s, one by one as well."""
    life = started(servers, random, instances)
    life.run(random.uniform(0.0, 100.0))
    order = list(range(1, instances + 1))
    random.shuffle(order)
    for number, port in enumerate(order, start=1):
        life.cluster.change(**{f"p{port}": None})
        life.run(max(pause, 0.2))
        assert life.ports == (set(order[number:]) or set(order)), "each leaves at once, and the last brings back all"
    life.run(absence)
    assert life.ports == set(order)
    for port in order:
        life.cluster.change(**{f"p{port}": random.choice(["passing", "critical"])})
        life.run(pause)
    life.run(10.0)
    for port in order:
        life.cluster.change(**{f"p{port}": "passing"})
    life.run(1.0)
    assert (life.ports, life.emptied) == (set(order), False)


@given(RANDOMS, st.integers(2, 8), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_a_rolling_deploy_takes_each_instance_away_at_once(random: Random, count: int, servers: int) -> None:
    life = started(servers, random, count)
    for old in range(1, count + 1):
        life.run(random.uniform(0.5, 20.0))
        life.cluster.change(**{f"p{old + 100}": "critical"})
        life.run(random.uniform(0.5, 5.0))
        assert old + 100 not in life.ports
        life.cluster.change(**{f"p{old + 100}": "passing"})
        life.run(0.3)
        assert old + 100 in life.ports
        life.cluster.change(**{f"p{old}": None})
        life.run(0.3)
        assert old not in life.ports
    assert life.ports == {port + 100 for port in range(1, count + 1)}
    assert len(life.changes) == 1 + 2 * count


@given(RANDOMS, st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_a_service_that_is_scaled_to_nothing_is_empty_after_the_hold_down_and_not_before(
    random: Random, count: int
) -> None:
    life = started(3, random, count)
    for port in range(1, count + 1):
        life.cluster.change(**{f"p{port}": None})
        life.run(random.uniform(0.0, 5.0))
    emptied = life.now
    life.run(39.0)
    assert life.ports
    life.run(emptied + 60.0 - life.now)
    assert life.envoy == ()


def others(cluster: Cluster, random: Random, *, is_orderly: bool) -> None:
    """Servers that are stuck somewhere in the history; one knows all of it."""
    for server in cluster.servers[1:]:
        server.is_stuck = True
        server.version = random.randrange(1, len(cluster.history))
        server.contact_ms = 0 if is_orderly else random.choice([0, 30_000])


def churned(life: Life, random: Random, steps: int) -> None:
    for _ in range(steps):
        port = random.randrange(1, 9)
        is_there = port in life.cluster.truth
        life.cluster.change(**{f"p{port}": None if is_there and len(life.cluster.truth) > 1 else "passing"})


@given(RANDOMS, st.integers(2, 5), st.integers(1, 12), st.booleans())
@settings(max_examples=80, deadline=None)
def test_servers_that_lag_do_not_make_the_membership_flap(
    random: Random,
    servers: int,
    steps: int,
    is_orderly: bool,
) -> None:
    life = started(servers, random, 4)
    churned(life, random, steps)
    others(life.cluster, random, is_orderly=is_orderly)
    life.run(60.0)
    settled = len(life.changes)
    life.run(300.0)
    assert len(life.changes) - settled <= 2
    life.cluster.catch_up()
    life.run(60.0)
    assert life.ports == set(life.cluster.truth)


@given(RANDOMS, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_cluster_that_was_restored_is_followed_within_some_seconds(random: Random, servers: int) -> None:
    """The index goes back, by little or by much; then every change is seen at once again."""
    life = started(servers, random, 4)
    life.cluster.index = 10_000
    life.cluster.change(p5="passing")
    life.run(1.0)
    life.cluster.index = random.choice([1, 40, 4_000, 6_000, 9_998])
    life.cluster.change(p5=None)
    life.run(70.0)
    assert life.ports == {1, 2, 3, 4}
    life.cluster.change(p6="passing")
    life.run(0.3)
    assert life.ports == {1, 2, 3, 4, 6}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["register", "deregister", "sicken", "heal", "lag", "catch up", "lose the client", "rewind"]),
        st.integers(1, 6),
        st.floats(0.0, 50.0),
    ),
    max_size=25,
)


@given(RANDOMS, st.integers(1, 4), STEPS)
@settings(max_examples=150, deadline=None)
def test_any_history_ends_in_the_truth_and_empties_nothing_that_was_usable_a_moment_ago(
    random: Random, servers: int, steps: Sequence[tuple[str, int, float]]
) -> None:
    life = started(servers, random, 3)
    usable_at = life.now
    for kind, port, seconds in steps:
        was_usable = any(health == "passing" for health in life.cluster.truth.values())
        usable_at = life.now if was_usable else usable_at
        happen(life, kind, port, random)
        life.emptied = False
        life.run(seconds)
        if was_usable and seconds < LIMITS.empty_hold - 5:
            assert not life.emptied or now_usable(life), (kind, port)
    life.cluster.catch_up()
    life.run(240.0)
    usable = {port for port, health in life.cluster.truth.items() if health == "passing"}
    critical = set(life.cluster.truth) - usable
    assert usable <= life.ports <= usable | critical
    assert life.ports == usable or not usable, "a minute beside a healthy one is over"


def now_usable(life: Life) -> bool:
    return any(health == "passing" for health in life.cluster.truth.values())


def happen(life: Life, kind: str, port: int, random: Random) -> None:
    cluster = life.cluster
    health = {"register": "passing", "heal": "passing", "sicken": "critical", "deregister": None}
    if kind in ("register", "deregister") or (kind in health and port in cluster.truth):
        cluster.change(**{f"p{port}": health[kind]})
    elif kind == "lag":
        stuck = cluster.servers[port % len(cluster.servers)]
        stuck.is_stuck, stuck.contact_ms = len(cluster.servers) > 1, random.choice([0, 30_000])
    elif kind == "catch up":
        cluster.catch_up()
    elif kind == "lose the client":
        lose_the_client(life)
    elif kind == "rewind":
        cluster.index = random.randrange(1, cluster.index)
        cluster.change()


def lose_the_client(life: Life) -> None:
    """Every service is deregistered, one after the other."""
    for one in list(life.cluster.truth):
        life.cluster.change(**{f"p{one}": None})
        life.run(0.2)
