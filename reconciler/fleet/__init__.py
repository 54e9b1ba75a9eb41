"""Fleet: plans, applies or reports many environments at a time, each in shards, wherever there are workers.

A unit of work is an environment and a shard. Dask runs units on this machine or on a cluster; a CI system or
Kubernetes runs them one by one from the same list. Their results are merged into one report. It knows nothing
of terminals; only `on_dask` and what it sends to workers needs Dask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.fleet.job_documents import INDEX_VARIABLE, github_matrix, gitlab_pipeline, kubernetes_job
    from reconciler.fleet.merging import merge, read_results
    from reconciler.fleet.on_dask import run_on_dask
    from reconciler.fleet.units import (
        COMMANDS,
        FleetWork,
        Unit,
        UnitResult,
        list_units,
        run_unit,
    )

__all__ = [
    "COMMANDS",
    "INDEX_VARIABLE",
    "FleetWork",
    "Unit",
    "UnitResult",
    "github_matrix",
    "gitlab_pipeline",
    "kubernetes_job",
    "list_units",
    "merge",
    "read_results",
    "run_on_dask",
    "run_unit",
]

__getattr__ = lazy_face(
    __name__,
    job_documents="github_matrix gitlab_pipeline INDEX_VARIABLE kubernetes_job",
    merging="merge read_results",
    on_dask="run_on_dask",
    units="COMMANDS FleetWork list_units run_unit Unit UnitResult",
)
