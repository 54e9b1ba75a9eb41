"""An emulator of the Peak workflows API: a real HTTP server for tests, demos and trying things out.

It keeps workflows in memory or in a file, lets executions progress by the clock, reads back in every way
the platform is known or suspected to (profiles), and misbehaves on demand (faults). It imports nothing
of the package but its errors and values, and nothing but the command line imports it: what is tested
against it cannot lean on it. It never talks to any other host.
"""
