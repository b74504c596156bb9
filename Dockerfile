# The image of every process; docker-compose.yml says which one a container is.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install -q --require-hashes -r requirements.lock
WORKDIR /app
COPY manage.py ./
COPY config config
COPY crypto_core crypto_core
COPY queueing queueing
COPY messaging messaging
RUN /venv/bin/python manage.py collectstatic --noinput --verbosity 0 --skip-checks \
 && /venv/bin/python -m compileall -q .

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin waxwing \
 && install -d -o waxwing /state
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER waxwing
EXPOSE 8000 8001
CMD ["granian", "--interface=wsgi", "--no-ws", "--host=0.0.0.0", "config.wsgi:application"]
