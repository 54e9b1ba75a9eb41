"""GitOps for Peak workflows: manifests in Git, and a tenant that is made to match them.

Data goes one way: manifests are loaded and checked, brought to one canonical form together with what the
API describes, compared, planned, and only then applied and verified. Nothing here keeps a state file.
"""

__version__ = "0.1.0"
