import { once } from "node:events";
import { Redis } from "ioredis";

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://` for TLS. */
  readonly url: string;
  /** How long one command may take, connecting included. */
  readonly timeoutMs?: number;
}

/** One connection that comes back by itself when the server does. */
export interface RedisConnection {
  /** Where it is, for people: `host:port`. */
  readonly place: string;
  /** Runs commands on the connection, once it stands. A command whose answer was lost is never sent again. */
  run<T>(command: (redis: Redis) => Promise<T>): Promise<T>;
  /** Ends the connection; nothing reconnects. Closing twice is safe. */
  close(): Promise<void>;
}

const longestPauseMs = 500;

/** Opens nothing yet: the first command connects. @throws TypeError when the URL is not one. */
export function openRedis({ url, timeoutMs = 1000 }: RedisOptions): RedisConnection {
  const parsed = URL.parse(url);
  if (parsed === null || !["redis:", "rediss:"].includes(parsed.protocol)) {
    // Not quoted: it may hold a password.
    throw new TypeError("The URL of Redis is not one. Expected redis://user:password@host:port/database.");
  }
  const redis = new Redis(url, {
    lazyConnect: true,
    connectionName: "octobatch",
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A command must not run after its caller has gone on.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * attempt, longestPauseMs),
  });
  // Each command tells it to whoever waits for it.
  redis.on("error", () => {});

  /** All who wait for the connection wait for it together. */
  let connecting: Promise<unknown> | undefined;
  async function connected(): Promise<void> {
    if (redis.status === "ready") return;
    connecting ??= once(redis, "ready", { signal: AbortSignal.timeout(timeoutMs) }).finally(() => {
      connecting = undefined;
    });
    // Its error comes as an event too.
    if (redis.status === "wait") redis.connect().catch(() => {});
    await connecting;
  }

  return {
    place: `${parsed.hostname}:${parsed.port === "" ? "6379" : parsed.port}`,
    async run(command) {
      await connected();
      return command(redis);
    },
    async close() {
      redis.disconnect();
    },
  };
}
