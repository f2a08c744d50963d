import { afterEach, describe, expect, test } from "vitest";
import { redisMissing, startRedis, type TestRedis } from "#shared/testing/redis-server.ts";
import { documentedLimits, type GitHubLimits } from "../github/limits/github-limits.ts";
import { startProcesses, type Processes } from "./eight-processes.ts";
import { scriptedFiles } from "./scripted-sandbox.ts";

const spec = `
version: 1
name: shared
on: [{ org: acme }]
steps: [{ run: "shared", image: "debian:12" }]
pullRequest: { title: Share, body: Share }
`;

const count = 120;
/** Lower than GitHub's, so that all of them bind. */
const limits: GitHubLimits = { ...documentedLimits, contentAMinute: 40, concurrent: 4 };

const environment = {
  OCTOBATCH_GITHUB_REQUESTS_AT_ONCE: "4",
  OCTOBATCH_GITHUB_CONTENT_PER_MINUTE: "40",
  OCTOBATCH_PUBLISHES_AT_ONCE: "24",
};

let processes: Processes | undefined;
let redis: TestRedis | undefined;
afterEach(async () => {
  await processes?.close();
  await redis?.stop();
  processes = undefined;
  redis = undefined;
});

const noRedis = redisMissing();

describe.each([
  { pacer: "Redis", because: noRedis },
  { pacer: "Postgres", because: undefined },
])("paced by $pacer", ({ pacer, because }) => {
  test.skipIf(because !== undefined)(
    `eight processes publish ${count} changesets within one budget`,
    async () => {
      if (pacer === "Redis") redis = await startRedis();
      const pacing = redis === undefined ? {} : { REDIS_URL: redis.url };
      processes = await startProcesses(8, { limits, environment: { ...environment, ...pacing } });
      const { github, api } = processes;
      await github.addOrganization("acme");
      await github.addRepositories(count, { owner: "acme", files: scriptedFiles });
      await api.apply(spec);
      await api.preview("shared");
      await processes.finished();
      expect(await api.publish("shared")).toMatchObject({ asked: count });
      await processes.finished();

      expect(github.rateRefusals).toEqual([]);
      const { contentAMinute, concurrent, restPointsAMinute } = github.peaks("acme");
      // Used up, and not passed.
      expect(contentAMinute).toBe(limits.contentAMinute);
      expect(concurrent).toBeLessThanOrEqual(limits.concurrent);
      expect(restPointsAMinute).toBeLessThanOrEqual(limits.restPointsAMinute);
      expect(new Set(github.pullRequests().map(({ nodeId }) => nodeId)).size).toBe(count);
      for (const { owner, name } of github.repositories()) {
        expect(github.pullRequests(`${owner.login}/${name}`)).toHaveLength(1);
      }
      const standings = new Set((await api.repositories("shared")).map(({ standing }) => standing));
      expect([...standings]).toEqual(["open"]);
      for (const requests of await processes.requestsByProcess()) expect(requests).toBeGreaterThan(count / 8);
    },
    180_000,
  );
});
