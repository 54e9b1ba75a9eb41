"""What a scheduled job needs beside the work itself: log events, metrics, notifications, a lock, health.

Everything here is made of an `Outcome`, the one value that says what came of a run, in which every text is
already fit to be shown. It decides nothing about workflows, and never talks to the tenant.
"""
