# docker build -t dockerfix . && docker run --rm -v "$PWD:/work" -u "$(id -u):$(id -g)" dockerfix --check
ARG NODE=node:22-slim

FROM ${NODE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.js

FROM ${NODE}
# Which files of a context git tracks or ignores.
RUN apt-get update \
 && apt-get install -y --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/*
# The mounted repository is another user's, and nothing of it is run.
RUN git config --system --add safe.directory '*' \
 && ln -s /opt/dockerfix/dist/cli.js /usr/local/bin/dockerfix
WORKDIR /opt/dockerfix
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY LICENSE ./
COPY schema schema
COPY templates templates
COPY --from=build /src/dist dist
WORKDIR /work
USER node
ENTRYPOINT ["dockerfix"]
