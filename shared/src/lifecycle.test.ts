import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { campaignLifecycle } from "./campaign/campaign.ts";
import { changesetLifecycle } from "./changeset/changeset.ts";
import { executionLifecycle } from "./execution/execution.ts";
import { advance, describeLifecycle, type Lifecycle } from "./lifecycle.ts";

type Door = { readonly status: "open" } | { readonly status: "shut"; readonly by: string };
type DoorFact = { readonly fact: "pushed"; readonly by: string } | { readonly fact: "pulled" };

const door: Lifecycle<Door, DoorFact> = {
  open: {
    pushed: { to: "shut", when: (_, { by }) => by !== "the wind", state: (_, { by }) => ({ status: "shut", by }) },
  },
  shut: {},
};

test("a fact moves a state and hands over its particulars", () => {
  expect(advance(door, { status: "open" }, { fact: "pushed", by: "ana" })).toEqual({ status: "shut", by: "ana" });
});

test("a fact that is absent, or whose condition does not hold, is an echo", () => {
  expect(advance(door, { status: "open" }, { fact: "pulled" })).toBeUndefined();
  expect(advance(door, { status: "shut", by: "ana" }, { fact: "pushed", by: "bo" })).toBeUndefined();
  expect(advance(door, { status: "open" }, { fact: "pushed", by: "the wind" })).toBeUndefined();
});

test("a table is described row by row, and says which states are final", () => {
  expect(describeLifecycle("Door", door).split("\n").slice(4, 6)).toEqual([
    "| open | pushed, under a condition | shut |",
    "| shut | | (final) |",
  ]);
});

const introduction = `# Lifecycles

For each status, the facts that move it. A fact that is absent is an echo: it came late, twice or out of order, and
changes nothing. "Under a condition" means that it counts only when the condition in the code holds.

<!-- Printed from the tables in shared/src, not edited by hand: UPDATE=1 npm test -- shared/src/lifecycle.test.ts -->
`;

test("docs/lifecycle.md is what the tables say; UPDATE=1 npm test -- shared/src/lifecycle.test.ts prints it again", async () => {
  const page = [
    introduction,
    describeLifecycle("Campaign", campaignLifecycle),
    describeLifecycle("Execution", executionLifecycle),
    describeLifecycle("Changeset", changesetLifecycle),
  ].join("\n");
  const place = new URL("../../docs/lifecycle.md", import.meta.url);
  if (process.env["UPDATE"] !== undefined) await writeFile(place, page);
  expect(await readFile(place, "utf8")).toBe(page);
});
