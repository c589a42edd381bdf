# T-Minus in a container. docs/operations.md says what to mount, and why it is stopped slowly.
FROM python:3.11-slim-bookworm

# tini is the first process: it reaps what scripts leave behind, which a bot in that place would not. The rest is what the
# bot (git) and most deploy scripts need; add what yours call.
RUN apt-get update \
    && apt-get install -y --no-install-recommends bash ca-certificates curl git openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/t-minus --uid 10001 t-minus

WORKDIR /opt/t-minus
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bot bot
COPY handlers handlers
COPY checks checks
COPY templates templates
# Editable: plugins, templates and migrations are read from here, and yours can be mounted over them.
RUN pip install --no-cache-dir --constraint constraints.txt --editable .
COPY deploy/container.sh deploy/container.sh
# Yours are mounted over these: app.yaml, services/ and the scripts that they name.
COPY app.yaml ./
COPY deployment deployment

USER t-minus
ENV PYTHONUNBUFFERED=1 TMINUS_HOME=/var/lib/t-minus
VOLUME /var/lib/t-minus
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tini", "--", "deploy/container.sh"]
