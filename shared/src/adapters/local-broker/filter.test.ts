import { describe, expect, test } from "vitest";
import type { Filter } from "./manifests.ts";
import { wants } from "./filter.ts";
import { aTrigger } from "./testing.ts";
import { anEvent } from "#shared/testing/event-bus.contract.ts";

const event = anEvent({ type: "dev.octobatch.changeset.ready.v1", extensions: { partitionkey: "acme" } });

test("a Trigger without a filter wants everything", () => {
  expect(wants(aTrigger("t"), event)).toBe(true);
});

test.each<[string, Record<string, string>, boolean]>([
  ["the exact type", { type: "dev.octobatch.changeset.ready.v1" }, true],
  ["only the beginning of the type", { type: "dev.octobatch.changeset.ready" }, false],
  ["the type in other case", { type: "dev.octobatch.changeset.READY.v1" }, false],
  ["any subject", { subject: "" }, true],
  ["any value of what is absent", { dataschema: "" }, false],
  ["two that hold", { source: "/octobatch/test", partitionkey: "acme" }, true],
  ["two of which one holds", { source: "/octobatch/test", partitionkey: "other" }, false],
  ["the version of CloudEvents", { specversion: "1.0" }, true],
])("attributes that ask for %s", (_, attributes, expected) => {
  expect(wants(aTrigger("t", { filter: { attributes } }), event)).toBe(expected);
});

describe("filters", () => {
  const yes: Filter = { exact: { id: "task-1" } };
  const no: Filter = { exact: { id: "other" } };
  test.each<[string, Filter[], boolean]>([
    ["exact", [yes], true],
    ["exact of another", [no], false],
    ["exact of two attributes", [{ exact: { id: "task-1", subject: "other" } }], false],
    ["prefix", [{ prefix: { type: "dev.octobatch." } }], true],
    ["prefix of another", [{ prefix: { type: "com." } }], false],
    ["suffix", [{ suffix: { type: ".v1" } }], true],
    ["suffix of another", [{ suffix: { type: ".v2" } }], false],
    ["a prefix of what is absent", [{ prefix: { dataschema: "x" } }], false],
    ["all", [{ all: [yes, yes] }], true],
    ["all but one", [{ all: [yes, no] }], false],
    ["any", [{ any: [no, yes] }], true],
    ["none of any", [{ any: [no, no] }], false],
    ["not", [{ not: no }], true],
    ["not, of what holds", [{ not: yes }], false],
    ["nested", [{ not: { any: [no, { all: [yes, no] }] } }], true],
    ["several that must all hold", [yes, no], false],
  ])("%s", (_, filters, expected) => {
    expect(wants(aTrigger("t", { filters }), event)).toBe(expected);
  });

  test("override the attributes", () => {
    expect(wants(aTrigger("t", { filters: [yes], filter: { attributes: { id: "other" } } }), event)).toBe(true);
  });

  test("do not override them when the list is empty", () => {
    expect(wants(aTrigger("t", { filters: [], filter: { attributes: { id: "other" } } }), event)).toBe(false);
  });
});
