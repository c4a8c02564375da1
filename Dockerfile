# The product with its locked dependencies; which process it is, the command says.
FROM python:3.11-slim-bookworm

RUN useradd --system --create-home --home-dir /var/lib/streamer streamer
WORKDIR /opt/streamer
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY streamer streamer
COPY topics topics
COPY schemas schemas
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation .

USER streamer
WORKDIR /var/lib/streamer
VOLUME /var/lib/streamer
EXPOSE 8080
CMD ["streamer", "--help"]
