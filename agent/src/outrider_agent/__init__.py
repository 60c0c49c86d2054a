"""The discovery agent beside each Envoy: Consul's instances in, Envoy's endpoints out; its verbs stand in ``__main__``.

It is standard library only, and light on that too: json, socket and selectors cost about 4 MB of private memory, while
typing, dataclasses, logging, hashlib, pathlib, asyncio, http and ssl would each cost more than everything the agent
knows. So its data are classes with ``__slots__``, its log is ``print`` to stderr, and a test counts its modules.
"""
