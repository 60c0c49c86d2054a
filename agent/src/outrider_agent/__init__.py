"""The discovery agent beside each Envoy: Consul's instances in, Envoy's endpoints out; its verbs stand in ``__main__``.

It is standard library only, and light on that too. A bare interpreter takes 2.6 MB of the 5 private ones that the agent
may have; typing, dataclasses, logging, hashlib, pathlib, asyncio, http and ssl would each cost more than all that it
knows, and even json, socket and signal load enum and re. So its data are classes with ``__slots__``, its log is ``print``
to stderr, JSON and sockets come from the C modules below (``documents``, ``sockets``), and a test counts its modules.
"""
