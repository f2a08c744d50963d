import { githubLimits, limitsOff } from "#shared/pacing/limits.ts";
import { createRecall } from "#shared/adapters/postgres/recall-content.ts";
import type { Pacing } from "#shared/ports/pacing.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import type { pacingSettings } from "./pacing-settings.ts";

const poolSize = 4;

/** The budgets of GitHub's installations: in Redis where there is one, else in Postgres, with the same promises. */
export async function openPacing({
  settings,
  database,
}: Pick<Foundation, "database"> & { readonly settings: Pick<Settings, (typeof pacingSettings)[number]> }): Promise<{
  readonly value: Pacing;
  readonly check: () => Promise<void>;
  readonly close: () => Promise<void>;
}> {
  const concurrentRequests = settings.OCTOBATCH_GITHUB_REQUESTS_AT_ONCE;
  const limits =
    settings.OCTOBATCH_GITHUB_LIMITS === "off"
      ? limitsOff({ concurrentRequests })
      : githubLimits({
          concurrentRequests,
          contentPerMinute: settings.OCTOBATCH_GITHUB_CONTENT_PER_MINUTE,
          contentPerHour: settings.OCTOBATCH_GITHUB_CONTENT_PER_HOUR,
        });
  // A mutation holds a connection while its request waits for a turn.
  const own = database.beside(poolSize);
  const recall = createRecall(own.knex);
  if (settings.REDIS_URL === undefined) {
    const { createPostgresPacing } = await import("#shared/adapters/postgres/pacing.ts");
    const value = createPostgresPacing({ database: own, limits, recall });
    return { value, check: () => value.check(), close: () => own.close() };
  }
  const [{ openRedis }, { createRedisPacing }] = await Promise.all([
    import("#shared/adapters/redis/redis-connection.ts"),
    import("#shared/adapters/redis/redis-pacing.ts"),
  ]);
  const redis = openRedis({ url: settings.REDIS_URL });
  const value = createRedisPacing({ redis, limits, recall });
  const close = async (): Promise<void> => {
    await Promise.all([redis.close(), own.close()]);
  };
  return { value, check: () => value.check(), close };
}
