# One image, four targets. `light`, the default (136 MB of packages on Python's slim image): the receiver, and workers for the
# backends that call a model over HTTP; no torch. `gpu` (3.1 GB more to download): `light` with the extra `local`, whose torch
# brings CUDA with it; the host needs NVIDIA's driver and its container toolkit. `dashboard`: `light` with rq-dashboard.
# `ui` (275 MB more, 68 MB to download): `light` with the extra `ui`, whose Gradio shows the chat page.
# EXTRAS are those of pyproject.toml, separated by commas; `voice` writes voice notes down in the worker's own process.
FROM python:3.11.15-slim-bookworm AS build
ARG EXTRAS=huggingface
WORKDIR /src
RUN python -m venv /opt/recado
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY workers workers
COPY simulator simulator
RUN /opt/recado/bin/pip install --quiet --no-cache-dir --disable-pip-version-check ".[${EXTRAS}]"

FROM build AS build-gpu
RUN /opt/recado/bin/pip install --quiet --no-cache-dir --disable-pip-version-check ".[local]"

FROM build AS build-dashboard
RUN /opt/recado/bin/pip install --quiet --no-cache-dir --disable-pip-version-check ".[dashboard]"
COPY deploy/dashboard.py /opt/recado/dashboard.py

FROM build AS build-ui
RUN /opt/recado/bin/pip install --quiet --no-cache-dir --disable-pip-version-check ".[ui]"

FROM python:3.11.15-slim-bookworm AS runtime
ENV PATH=/opt/recado/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /data --create-home recado \
    && mkdir /models && chown recado /models
USER recado
WORKDIR /data
EXPOSE 8080
# Each is asked directly, whatever HTTP_PROXY says.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + (os.environ.get('PORT') or '8080') + '/healthz', timeout=2)"]

FROM runtime AS gpu
COPY --from=build-gpu /opt/recado /opt/recado
ENV LLM_PROVIDER=local LLM_CACHE_DIR=/models
HEALTHCHECK NONE
CMD ["python", "-m", "workers", "run"]

FROM runtime AS dashboard
COPY --from=build-dashboard /opt/recado /opt/recado
ENV PORT=9181
EXPOSE 9181
CMD ["python", "/opt/recado/dashboard.py", "--port", "9181"]

FROM runtime AS ui
COPY --from=build-ui /opt/recado /opt/recado
ENV UI_HOST=0.0.0.0 UI_PORT=7860
EXPOSE 7860
# Gradio takes some seconds to load.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:7860/healthz', timeout=2)"]
CMD ["python", "-m", "workers", "ui"]

FROM runtime AS light
COPY --from=build /opt/recado /opt/recado
CMD ["python", "-m", "bot", "serve"]
