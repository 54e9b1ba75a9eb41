# A small image of the command: `docker build -t peak-reconciler .`, then
# `docker run --rm -e PEAK_AUTH_TOKEN -v "$PWD/workflows:/manifests:ro" peak-reconciler plan /manifests`
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY schemas schemas
COPY examples examples
COPY reconciler reconciler
RUN python -m venv /opt/reconciler \
    && /opt/reconciler/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock \
    && /opt/reconciler/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="peak-reconciler" \
      org.opencontainers.image.description="GitOps for Peak workflows: validate, plan and apply workflow manifests" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /manifests
ENTRYPOINT ["peak-reconciler"]
CMD ["--help"]
