import { expect, test } from "vitest";
import { ZodError } from "zod";
import { planWebhook } from "#shared/webhook/plan-webhook.ts";
import { campaignPermissions } from "#test/github/state/permissions.ts";
import { appManifest } from "#test/github/state/app-manifest.ts";
import { defaultName, manifestOf, optionalPermissionNames } from "./manifest.ts";

const wanted = {
  name: "Octobatch acme",
  publicUrl: "https://octobatch.test",
  webhooks: true,
  extra: [],
  redirectUrl: "http://127.0.0.1:1/return",
};

test("it asks for what campaigns need and no more", () => {
  expect(manifestOf(wanted).default_permissions).toEqual(campaignPermissions);
  expect(Object.keys(manifestOf({ ...wanted, extra: optionalPermissionNames }).default_permissions)).toHaveLength(
    Object.keys(campaignPermissions).length + optionalPermissionNames.length,
  );
});

test("it is one that GitHub takes, with and without webhooks", () => {
  for (const webhooks of [true, false]) {
    const manifest = manifestOf({ ...wanted, webhooks });
    expect(appManifest.parse(manifest)).toEqual(manifest);
  }
});

test("it subscribes to events that something depends on", () => {
  const { default_events: events } = manifestOf(wanted);
  expect(events).not.toEqual([]);
  // What is ignored is ignored whatever it holds; the others miss their payload.
  for (const event of events) expect(() => planWebhook(event, null)).toThrow(ZodError);
});

test("its name says whose it is, as far as GitHub lets names go", () => {
  expect(defaultName("acme", "https://octobatch.test")).toBe("Octobatch acme");
  expect(defaultName(undefined, "https://octobatch.test:8080/x")).toBe("Octobatch octobatch.test");
  expect(defaultName("a".repeat(39), "https://octobatch.test")).toHaveLength(34);
});
