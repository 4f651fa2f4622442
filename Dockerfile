# One image for every role; docker-compose.yml says which of them a container plays.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock /
# What the lock file names, by hash and nothing else; wheels alone, so no package runs code while the image is built.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r /requirements.lock

FROM python:3.11-slim-bookworm
# A number that no host gives to a person, and a home for the log that this user alone can read.
RUN useradd --uid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin dustman \
    && install --directory --owner=dustman --group=dustman --mode=0700 /app/var
COPY --from=packages /venv /venv
WORKDIR /app
COPY celeryconfig.py ./
COPY events/ events/
COPY domain/ domain/
COPY venues/ venues/
COPY views/ views/
COPY workers/ workers/
COPY simulators/ simulators/
COPY dustman/ dustman/
# The file system is read-only when it runs, so bytecode is made now.
RUN python -m compileall -q /app
# SIGTERM gives running tasks eight seconds and then hands them back, instead of waiting for ever.
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REMAP_SIGTERM=SIGQUIT \
    DUSTMAN_PULSE=/tmp/pulse
USER dustman
CMD ["python", "-m", "dustman", "--help"]
