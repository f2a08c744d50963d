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
  if ("search" in source) {
    const { words, org } = confined(source.search, source.org);
    return { search: words, org };
  }
  if ("codeSearch" in source) {
    const { words, org } = confined(source.codeSearch, source.org);
    return { codeSearch: words, org };
  }
  return source;
}

function confined(words: string, org = ""): { readonly words: string; readonly org: string } {
  const [owner] = searchOwners(words);
  return owner === undefined ? { words: `org:${org} ${words}`, org } : { words, org: org || owner };
}

function normalizeStep({ timeout, if: condition, ...step }: SpecDocument["steps"][number]): Step {
  const timeoutMs = durationMs(timeout);
  if (timeoutMs === undefined) throw new TypeError(`the duration ${timeout} was not checked`);
  return { ...step, timeoutMs, ...(condition === undefined ? {} : { if: String(condition).trim() }) };
}
