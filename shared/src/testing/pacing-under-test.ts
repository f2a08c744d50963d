import { afterEach, beforeEach } from "vitest";
import { githubLimits, type PacingLimits } from "../pacing/limits.ts";
import type { PacedOutcome, PacedResource, Pacing } from "../ports/pacing.ts";
import { afterMs, aRequest, makeRequest } from "./pacing-world.ts";

/** An empty budget that several processes share. */
export interface OpenPacing {
  /** The budget as one more process sees it, with these limits. */
  client(limits: PacingLimits): Promise<Pacing>;
  close(): Promise<void>;
}

export const minute = 60_000;
export const hour = 60 * minute;

/** A new, empty budget for each test of the enclosing `describe`. */
export interface PacingUnderTest {
  /** One process, with GitHub's limits. */
  readonly pacing: () => Pacing;
  readonly client: (limits: PacingLimits) => Promise<Pacing>;
  readonly clients: (count: number) => Promise<Pacing[]>;
  /** GitHub has answered once, so requests need not go one at a time. */
  readonly heard: () => Promise<void>;
}

export function pacingUnderTest(open: () => Promise<OpenPacing>): PacingUnderTest {
  let opened: OpenPacing;
  let pacing: Pacing;
  beforeEach(async () => {
    opened = await open();
    pacing = await opened.client(githubLimits());
  });
  afterEach(() => opened.close());
  return {
    pacing: () => pacing,
    client: (limits) => opened.client(limits),
    clients: (count) => Promise.all(Array.from({ length: count }, () => opened.client(githubLimits()))),
    heard: () => makeRequest(pacing, "1", aRequest(), afterMs(0)),
  };
}

/** GitHub's word on the primary budget. */
export function budget(remaining: number, resetAtMs = hour, resource: PacedResource = "core"): PacedOutcome {
  return { budget: { resource, limit: 5000, remaining, resetAt: afterMs(resetAtMs) } };
}
