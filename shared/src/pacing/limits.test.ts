import { expect, test } from "vitest";
import { afterMs, aPullRequest, aRequest } from "../testing/pacing-world.ts";
import { answerOf } from "./explain.ts";
import { githubLimits, limitsOff } from "./limits.ts";

test.each([
  [{ contentPerMinute: 0 }, "contentPerMinute is 0"],
  [{ contentPerHour: 1.5 }, "contentPerHour is 1.5"],
  [{ concurrentRequests: Number.NaN }, "concurrentRequests is NaN"],
  [{ concurrentRequests: 101 }, "concurrentRequests is 101"],
])("a setting that cannot be is refused by its name: %j", (settings, message) => {
  expect(() => githubLimits(settings)).toThrow(message);
});

test("limits that are off still bound what is under way", () => {
  expect(limitsOff({ concurrentRequests: 300 })).toMatchObject({
    windows: [],
    concurrent: { requests: 300, writes: 300, content: 300 },
  });
});

test.each([
  ["cooldown", aRequest(), "GitHub asked this installation to slow down"],
  ["budget", aRequest(), "the REST budget of this installation is used up until GitHub resets it"],
  ["budget", aRequest({ urgency: "sweep" }), /kept for more urgent requests/],
  ["answer", aRequest({ resource: "graphql" }), "GitHub's next answer tells what remains of the GraphQL budget"],
  ["turn", aRequest(), "others who waited come first"],
  ["writes at once", aPullRequest, "as many writes at once as this installation may make are under way"],
  ["new contents an hour", aPullRequest, "GitHub allows 500 new contents an hour"],
  ["REST points a minute", aRequest({ urgency: "sweep" }), /^GitHub allows 900 REST points a minute, the last/],
])("a wait for %s is told in people's words", (gate, request, because) => {
  const turn = { id: "a", installation: "1" };
  const answer = answerOf({ kind: "wait", until: afterMs(5).getTime(), gate }, turn, request, githubLimits());
  expect(answer).toEqual({ kind: "wait", until: afterMs(5), because: expect.stringMatching(because) });
});
