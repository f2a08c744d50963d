import { githubLimits, limitsOff } from "#shared/pacing/limits.ts";
import { createRecall } from "#shared/adapters/postgres/recall-content.ts";
import type { Pacing } from "#shared/ports/pacing.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import type { pacingSettings } from "./pacing-settings.ts";

/** The budgets of GitHub's installations: in Redis where there is one, else in Postgres, with the same promises. */
export async function openPacing({
  settings,
  database,
}: Pick<Foundation, "database"> & { readonly settings: Pick<Settings, (typeof pacingSettings)[number]> }): Promise<{
  readonly value: Pacing;
  readonly check: () => Promise<void>;
  readonly close?: () => Promise<void>;
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
  const recall = createRecall(database.knex);
  if (settings.REDIS_URL === undefined) {
    const { createPostgresPacing } = await import("#shared/adapters/postgres/pacing.ts");
    const value = createPostgresPacing({ database, limits, recall });
    return { value, check: () => value.check() };
  }
  const [{ openRedis }, { createRedisPacing }] = await Promise.all([
    import("#shared/adapters/redis/redis-connection.ts"),
    import("#shared/adapters/redis/redis-pacing.ts"),
  ]);
  const redis = openRedis({ url: settings.REDIS_URL });
  const value = createRedisPacing({ redis, limits, recall });
  return { value, check: () => value.check(), close: () => redis.close() };
}
