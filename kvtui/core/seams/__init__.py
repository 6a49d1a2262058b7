"""The five seams between decisions and the world: transport, storage engine, launcher, clock, random.

Each is a small protocol with a real implementation beside it; the simulated ones live with the tests. Nothing else
in ``kvtui.core`` and ``kvtui.node`` touches a socket, a file, a process, the time or chance.
"""
