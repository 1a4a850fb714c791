# The light side: receiver and worker for the backends that call a model over HTTP. No torch in it.
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

FROM python:3.11.15-slim-bookworm AS light
ENV PATH=/opt/recado/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /data --create-home recado
COPY --from=build /opt/recado /opt/recado
USER recado
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + (os.environ.get('PORT') or '8080') + '/healthz', timeout=2)"]
CMD ["python", "-m", "bot", "serve"]
