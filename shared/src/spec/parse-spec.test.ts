import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { InvalidSpec } from "./invalid-spec.ts";
import { parseSpec } from "./parse-spec.ts";

const smallest = `
version: 1
name: node-24
on:
  - org: acme
steps:
  - run: sed -i s/22/24/ .nvmrc
    image: alpine:3
pullRequest:
  title: Move to Node 24
`;

const full = `
version: 1
name: node-24
description: Move to Node 24
on:
  - repository: acme/widgets
    branch: release
  - search: "org:acme language:typescript"
filters:
  include:
    - { name: "acme/api-*", visibility: private }
    - { file: package.json }
  exclude:
    - fork: true
steps:
  - name: bump
    run: echo "\${{ repository.name }}" > name.txt
    image: node:24
    env: { WHO: "\${{ repository.owner }}", TOKEN: { secret: NPM_TOKEN } }
    files: { /octobatch/a.txt: "a\\nb\\n" }
    timeout: 90s
    if: \${{ matches(repository.name, "acme/*") }}
    outputs: { version: { value: "\${{ trim(step.stdout) }}" } }
pullRequest:
  title: Node \${{ outputs.version }}
  body: "Because of **LTS**."
  labels: [node, "24"]
  assignees: [octocat]
policies:
  throttle: { pullRequestsPerDay: 50 }
`;

describe("a spec", () => {
  test("has every default filled in", () => {
    expect(parseSpec(smallest).spec).toEqual({
      version: 1,
      name: "node-24",
      description: "",
      on: [{ org: "acme" }],
      filters: { include: [], exclude: [] },
      steps: [
        { run: "sed -i s/22/24/ .nvmrc", image: "alpine:3", env: {}, files: {}, timeoutMs: 600_000, outputs: {} },
      ],
      pullRequest: {
        title: "Move to Node 24",
        body: "",
        labels: [],
        reviewers: [],
        teamReviewers: [],
        assignees: [],
        draft: false,
        commit: { message: "Move to Node 24", author: { name: "Octobatch", email: "octobatch@noreply.invalid" } },
      },
      policies: { drift: "needs-human", throttle: {} },
    });
  });

  test("has durations in milliseconds", () => {
    const timeoutOf = (timeout: string): number | undefined =>
      parseSpec(smallest.replace("image:", `timeout: ${timeout}\n    image:`)).spec.steps[0]?.timeoutMs;
    expect(["500ms", "90s", "5m", "1h"].map(timeoutOf)).toEqual([500, 90_000, 300_000, 3_600_000]);
  });

  test("is the same after its normalized form was stored and read", () => {
    const { spec, normalized } = parseSpec(full);
    expect(JSON.parse(normalized)).toStrictEqual(spec);
  });

  test("names the installation that searches, from the search or from the key beside it", () => {
    const onOf = (source: string): unknown => parseSpec(smallest.replace("- org: acme", `- ${source}`)).spec.on[0];
    expect(onOf('search: "topic:node org:acme"')).toEqual({ search: "topic:node org:acme", org: "acme" });
    expect(onOf('search: "user:octocat fork:true"')).toEqual({ search: "user:octocat fork:true", org: "octocat" });
    expect(onOf('{ search: "topic:node", org: acme }')).toEqual({ search: "org:acme topic:node", org: "acme" });
    const found = { codeSearch: "org:acme filename:.nvmrc 22", org: "acme" };
    expect(onOf('{ codeSearch: "filename:.nvmrc 22", org: acme }')).toEqual(found);
    expect(onOf('codeSearch: "org:acme filename:.nvmrc 22"')).toEqual(found);
  });
});

describe("the hash of a spec", () => {
  test.for([
    ["comments", full.replace("steps:", "# why\nsteps: # what")],
    ["quotes", full.replace("name: node-24", 'name: "node-24"').replace('"24"', "'24'")],
    ["anchors", full.replace("image: node:24", "image: &image node:24").replace("labels: [node,", "labels: [node,")],
    ["flow and block style", stringify(parse(full), { collectionStyle: "flow" })],
    ["a default that is written out", full.replace("  throttle:", "  drift: needs-human\n  throttle:")],
    ["another way to write a duration", full.replace("90s", "90000ms")],
    ["line endings", full.replaceAll("\n", "\r\n")],
    ["a byte order mark", `\uFEFF${full}`],
  ])("stays the same whatever the %s", ([, text]) => {
    expect(parseSpec(text ?? "").specHash).toBe(parseSpec(full).specHash);
  });

  test("stays the same whatever the order of keys, the quotes and the layout", () => {
    const random = randomFrom(42);
    const expected = parseSpec(full);
    for (let round = 0; round < 100; round += 1) {
      const text = stringify(shuffled(parse(full), random), {
        defaultStringType: pick(["PLAIN", "QUOTE_DOUBLE", "QUOTE_SINGLE"] as const, random),
        defaultKeyType: pick(["PLAIN", "QUOTE_DOUBLE"] as const, random),
        collectionStyle: pick(["any", "block"] as const, random),
        indent: pick([2, 3, 4] as const, random),
        lineWidth: pick([20, 40, 0] as const, random),
      });
      const { specHash, stepsHash } = parseSpec(text);
      expect({ specHash, stepsHash, text }).toEqual({
        specHash: expected.specHash,
        stepsHash: expected.stepsHash,
        text,
      });
    }
  });

  test("stays the same when an alias stands for a value", () => {
    const repeated = smallest.replace("title: Move to Node 24", "title: Move to Node 24\n  body: Move to Node 24");
    const aliased = smallest.replace("title: Move to Node 24", "title: &text Move to Node 24\n  body: *text");
    expect(parseSpec(aliased).specHash).toBe(parseSpec(repeated).specHash);
  });

  test.for([
    ["the name", full.replace("name: node-24", "name: node-25")],
    ["the order of a list", full.replace('[node, "24"]', '["24", node]')],
    ["white space in a script", full.replace("name.txt", " name.txt")],
  ])("changes with %s", ([, text]) => {
    expect(parseSpec(text ?? "").specHash).not.toBe(parseSpec(full).specHash);
  });

  test("of the steps changes with nothing else", () => {
    const { stepsHash } = parseSpec(full);
    expect(parseSpec(full.replace("Because", "As")).stepsHash).toBe(stepsHash);
    expect(parseSpec(full.replace("90s", "91s")).stepsHash).not.toBe(stepsHash);
    expect(parseSpec(full.replace("description: M", "description: m")).stepsHash).toBe(stepsHash);
  });
});

test("the hash of steps that read the description changes with it", () => {
  const reading = full.replace("repository.owner", "campaign.description");
  expect(parseSpec(reading.replace("description: M", "description: m")).stepsHash).not.toBe(
    parseSpec(reading).stepsHash,
  );
});

describe("a spec with mistakes", () => {
  test("is told all of them at once, each with its place and a remedy", () => {
    const text = full
      .replace("timeout:", "timout:")
      .replace("visibility: private", "visibility: privat")
      .replace("repository.owner", "repository.ownr")
      .replace("title:", "titel:");
    expect(messageOf(text, "campaign.yaml").split("\n")).toEqual([
      'campaign.yaml:11:41 filters.include[0].visibility: has to be public or private or internal; did you mean "private"?',
      'campaign.yaml:19:22 steps[0].env.WHO: unknown variable repository.ownr; did you mean "repository.owner"?',
      'campaign.yaml:21:5 steps[0].timout: unknown key; did you mean "timeout"?',
      "campaign.yaml:25:3 pullRequest.title: is missing",
      'campaign.yaml:25:3 pullRequest.titel: unknown key; did you mean "title"?',
    ]);
  });

  test("carries its problems as data", () => {
    const error = errorOf(smallest.replace("name: node-24", "name: Node"));
    expect(error).toMatchObject({ code: "invalid", problems: [{ line: 3, column: 7, path: "name" }] });
  });

  test("is told no more problems than people read", () => {
    const error = errorOf(smallest.replace("- org: acme", "- orgs: acme\n  ".repeat(1_000)));
    expect(error?.problems).toHaveLength(1_000);
    expect(error?.message.split("\n")).toHaveLength(101);
    expect(error?.message).toMatch(/and 900 more problems$/);
  });

  test.for([
    ["on:\n  - org: acme", "on: []", "5:5 on: is empty"],
    ["- org: acme", "- {}", "6:5 on[0]: is empty; there is org, search, codeSearch, repository, branch"],
    ["- org: acme", "- orgs: acme", '6:5 on[0].orgs: unknown key; did you mean "org"?'],
    [
      "- org: acme",
      "- { org: acme, branch: x }",
      "6:18 on[0].branch: cannot stand beside org; write one entry for each",
    ],
    ["- org: acme", "- search: topic:node", "6:13 on[0].search: names no organization"],
    ["- org: acme", '- search: "org:a org:b"', "6:13 on[0].search: names several organizations"],
    ["- org: acme", '- { search: "org:a", org: b }', "6:29 on[0].org: is not the a that the search names"],
    ["- org: acme", "- { codeSaerch: x, org: a }", '6:7 on[0].codeSaerch: unknown key; did you mean "codeSearch"?'],
    ["- org: acme", "- { codeSearch: x, search: y }", "6:7 on[0].codeSearch: cannot stand beside search"],
    ["- org: acme", "- codeSearch: filename:.nvmrc", "6:17 on[0].codeSearch: names no organization"],
    ["- org: acme", '- codeSearch: "x org:a user:b"', "6:17 on[0].codeSearch: names several organizations"],
    ["- org: acme", '- { codeSearch: "x org:a", org: b }', "6:35 on[0].org: is not the a that the search names"],
    ["- org: acme", '- codeSearch: ""', "6:17 on[0].codeSearch: is empty"],
    [
      "- org: acme",
      '- codeSearch: "org:a language:go"',
      "6:17 on[0].codeSearch: says where to look and not what to look",
    ],
    [
      "- org: acme",
      '- codeSearch: "org:a -filename:x NOT"',
      "6:17 on[0].codeSearch: says where to look and not what to look",
    ],
    ["- org: acme", '- codeSearch: "x repo:a/b"', "6:17 on[0].codeSearch: names a repository, which GitHub adds"],
    ["name: node-24", "name: 24", '4:7 name: has to be text, not the number 24; put it in quotes: "24"'],
    ["name: node-24", "name:", "4:6 name: has no value, and has to be text"],
    ["name: node-24", "name: a..b", "4:7 name: is part of a branch name"],
    ["name: node-24", "name: a.lock", "4:7 name: is part of a branch name"],
    ["version: 1", "version: 2", "3:10 version: has to be 1"],
    ["image: alpine:3", "image: alpine 3", "9:12 steps[0].image: is no container image"],
    ["image: alpine:3", "image: a\n    timeout: 2h", "10:14 steps[0].timeout: is too long; a step may take 1h at most"],
    [
      "image: alpine:3",
      "image: a\n    timeout: 5",
      '10:14 steps[0].timeout: has to be text, not the number 5; put it in quotes: "5"',
    ],
    ["image: alpine:3", "image: a\n    timeout: 5 minutes", "10:14 steps[0].timeout: is no duration"],
    ["image: alpine:3", "image: a\n    env: { OCTOBATCH_X: y }", "10:12 steps[0].env.OCTOBATCH_X: is reserved"],
    [
      "image: alpine:3",
      "image: a\n    env: { A: { secert: y } }",
      '10:17 steps[0].env.A.secert: unknown key; did you mean "secret"?',
    ],
    ["title: Move", 'title: "a\\nb"#', "11:10 pullRequest.title: has the character U+000A"],
    ["title: Move", "base: a..b\n  title: Move", "11:9 pullRequest.base: is no name that git accepts"],
    [
      "title: Move",
      "assignees: [a,b,c,d,e,f,g,h,i,j,k]\n  title: Move",
      "11:14 pullRequest.assignees: has more than 10 entries",
    ],
    ["title: Move", "reviewers: ['@me']\n  title: Move", "11:15 pullRequest.reviewers[0]: is no login"],
  ])("has %j as %j: %s", ([from = "", to = "", message]) => {
    expect(messageOf(`\n${smallest.replace(from, to)}`.replace('"#', '" #'))).toContain(`spec:${message}`);
  });
});

function errorOf(text: string, source = "spec"): InvalidSpec | undefined {
  try {
    parseSpec(text, { source });
  } catch (error) {
    if (error instanceof InvalidSpec) return error;
    throw error;
  }
  return undefined;
}

function messageOf(text: string, source?: string): string {
  return errorOf(text, source)?.message ?? "no problem";
}

/** A generator of numbers from 0 to 1 that always gives the same ones (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<Choice>(choices: readonly [Choice, ...Choice[]], random: () => number): Choice {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

/** The same value with the keys of every mapping in another order. */
function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => ({ key, item: shuffled(item, random), at: random() }));
  return Object.fromEntries(entries.toSorted((a, b) => a.at - b.at).map(({ key, item }) => [key, item]));
}
