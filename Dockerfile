# The command as a small image, for a scheduled job or a CI that runs containers:
#   docker build -t peak-reconciler:0.1.0 .
#   docker run --rm --read-only --cap-drop ALL --env PEAK_AUTH_TOKEN \
#     --volume "$PWD/workflows:/manifests:ro" peak-reconciler:0.1.0 plan .
# `scripts/container-check` builds and tests it.
# A version of Python and of Debian; docs/how-to/container.md says how to renew it, and how to pin its digest.
ARG BASE_IMAGE=python:3.12.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /source
# Locked dependencies first: they change less often than the code.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check \
       --require-hashes --only-binary=:all: -r requirements-build.lock \
    && python -m venv --without-pip /opt/reconciler \
    && /opt/build/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir --disable-pip-version-check \
       --require-hashes --only-binary=:all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY examples/workflows examples/workflows
COPY reconciler reconciler
RUN /opt/build/bin/pip wheel --quiet --no-cache-dir --disable-pip-version-check \
      --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/build/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir --disable-pip-version-check \
       --no-index --no-deps /wheels/*.whl \
    && find /opt/reconciler/bin -type f ! -name peak-reconciler -delete \
    && find /opt/reconciler/lib -type d -name tests -prune -exec rm -r {} + \
    && install -d -m 1777 /volumes/backups

FROM ${BASE_IMAGE}
# Compiled modules are part of the image, because it runs with a read-only file system.
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RECONCILER_BACKUP_DIR=/backups
COPY --from=build /opt/reconciler /opt/reconciler
# The only writable directory: a volume, because the root file system may be read-only; for any user, because a
# cluster may choose the user.
COPY --from=build /volumes/ /
VOLUME ["/backups"]
WORKDIR /manifests
USER 65532:65532
ENTRYPOINT ["/opt/reconciler/bin/peak-reconciler"]
CMD ["--help"]
ARG VERSION=""
ARG REVISION=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="peak-reconciler" \
      org.opencontainers.image.description="GitOps for Peak workflows: validate, plan and apply workflow manifests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
