import { expect, test } from "vitest";
import { ZodError } from "zod";
import { isHeeded, planWebhook } from "./plan-webhook.ts";

const repository = { id: 42 };

test("an event about a pull request says which one to look at, and nothing of it is believed", () => {
  const payload = { action: "closed", repository, pull_request: { number: 7, merged: true } };
  const plan = { kind: "look-at-pull-request", repositoryId: 42, pullRequest: 7 };
  expect(planWebhook("pull_request", payload)).toEqual(plan);
});

test("a push says which branch to look at, whatever its name", () => {
  const push = (ref: string) => planWebhook("push", { repository, ref });
  const branch = "campaign/tidy/1/refs/heads/x";
  expect(push(`refs/heads/${branch}`)).toEqual({ kind: "look-at-branch", repositoryId: 42, branch });
  expect(push("refs/tags/v1")).toEqual({ kind: "ignore", because: "refs/tags/v1 is no branch" });
});

test.each([
  ["created", null, false],
  ["suspend", "2026-03-10T12:00:00Z", true],
  ["unsuspend", null, false],
  ["new_permissions_accepted", "2026-03-10T12:00:00Z", true],
])("an installation event %s says whether the App may work there", (action, suspended_at, suspended) => {
  const installation = { id: 5, account: { login: "acme" }, suspended_at };
  expect(planWebhook("installation", { action, installation })).toEqual({
    kind: "installed",
    installation: { id: 5, account: "acme", suspended },
  });
});

test("an installation that was deleted is gone", () => {
  const payload = { action: "deleted", installation: { id: 5, account: { login: "acme" } } };
  expect(planWebhook("installation", payload)).toEqual({ kind: "uninstalled", installationId: 5 });
});

test("other events are ignored, whatever they hold", () => {
  expect(planWebhook("star", null)).toEqual({ kind: "ignore", because: "nothing depends on star events" });
  expect(planWebhook("__proto__", {})).toMatchObject({ kind: "ignore" });
  expect(["star", "__proto__", "pull_request", "push", "installation"].map(isHeeded)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

test.each([
  ["pull_request", { repository }],
  ["pull_request", { repository: { id: "42" }, pull_request: { number: 7 } }],
  ["push", { repository, ref: 1 }],
  ["installation", {}],
  ["push", null],
])("a known event %s whose payload is not what GitHub documents is refused", (event, payload) => {
  expect(() => planWebhook(event, payload)).toThrow(ZodError);
});
