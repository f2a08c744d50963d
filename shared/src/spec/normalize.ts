import { durationMs } from "./duration.ts";
import type { SpecDocument } from "./schema/spec-schema.ts";
import { searchOwners } from "./search-owner.ts";
import type { Source, Spec, Step } from "./spec.ts";

/** The spec in the form in which it is hashed and used: defaults filled in, durations in milliseconds, one way to say a thing. */
export function normalize(document: SpecDocument): Spec {
  const { pullRequest } = document;
  return {
    ...document,
    on: document.on.map(normalizeSource),
    steps: document.steps.map(normalizeStep),
    pullRequest: {
      ...pullRequest,
      commit: { ...pullRequest.commit, message: pullRequest.commit.message ?? pullRequest.title },
    },
  };
}

/** A search always says whose it is, and is confined to it. */
function normalizeSource(source: SpecDocument["on"][number]): Source {
  if (!("search" in source)) return source;
  const [owner] = searchOwners(source.search);
  if (owner !== undefined) return { search: source.search, org: source.org ?? owner };
  const org = source.org ?? "";
  return { search: `org:${org} ${source.search}`, org };
}

function normalizeStep({ timeout, if: condition, ...step }: SpecDocument["steps"][number]): Step {
  const timeoutMs = durationMs(timeout);
  if (timeoutMs === undefined) throw new TypeError(`the duration ${timeout} was not checked`);
  return { ...step, timeoutMs, ...(condition === undefined ? {} : { if: String(condition).trim() }) };
}
