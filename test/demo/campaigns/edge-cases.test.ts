import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBareRepository } from "#test/github/seed/fast-import.ts";
import { runByHand, type ByHand } from "./run-by-hand.ts";

const nodeModules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
let scratch = "";

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "octobatch-edge-cases-"));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Runs a campaign over a repository that has just these files. */
async function tryOut(campaign: string, files: Readonly<Record<string, string>>): Promise<ByHand> {
  const bareDirectory = join(scratch, "acme/widgets.git");
  await writeBareRepository({
    directory: bareDirectory,
    defaultBranch: "main",
    commits: [
      {
        message: "Import widgets",
        author: { name: "Ada Moreau", email: "ada.moreau@example.com" },
        at: new Date("2024-01-02T03:04:05Z"),
        files: Object.keys(files).map((path) => ({ path, mode: "100644", sizeBytes: 0 })),
      },
    ],
    content: ({ path }) => Promise.resolve(Buffer.from(files[path] ?? "")),
  });
  const specFile = fileURLToPath(new URL(`${campaign}.yaml`, import.meta.url));
  return runByHand(specFile, { owner: "acme", name: "widgets", bareDirectory }, { scratch, nodeModules });
}

/** The lines that a patch adds, without the file headers. */
function addedLines({ patch }: ByHand): readonly string[] {
  return patch.split("\n").flatMap((line) => (/^\+(?!\+\+ )/.test(line) ? [line.slice(1)] : []));
}

describe("the codemod", () => {
  const replaceable: readonly (readonly [before: string, after: string])[] = [
    ["s.substr(1)", "s.slice(1)"],
    ["s.substr(-2)", "s.slice(-2)"],
    ["s.substr(n)", "s.slice(n)"],
    ["s.substr(0, 3)", "s.slice(0, 3)"],
    ["s.substr(2, 9)", "s.slice(2, 11)"],
    ["s.substr(1, s.length)", "s.slice(1)"],
    ["s.substr(0, t.length)", "s.slice(0, t.length)"],
    ["s.substr(0, s.length - 2)", "s.slice(0, -2)"],
    ["s?.substr(1)", "s?.slice(1)"],
    ["`\t${s.substr(1)}`", "`\t${s.slice(1)}`"],
  ];
  const kept = [
    "s.substr(-3, 2)",
    "s.substr(n, 2)",
    "s.substr(0, n)",
    "s.substr(0, s.length - n)",
    "s.substr(1, s.length - 2)",
  ];

  it("replaces the calls that slice answers alike, whatever the line breaks and indents", async () => {
    const lines = [...replaceable.map(([before]) => before), ...kept].map((call) => `\tout.push(${call})`);
    const result = await tryOut("substr-to-slice", { "index.js": `${lines.join("\r\n")}\r\n` });
    expect(addedLines(result)).toEqual(replaceable.map(([, after]) => `\tout.push(${after})\r`));
    expect(result.output).toBe("- `index.js`: 10 replaced, 5 left for a person\n");
  });

  it.each(replaceable)("is right that %s equals %s", (before, after) => {
    const evaluate = (expression: string, s: string, t: string, n: number): unknown =>
      // The expressions are the constants above.
      // oxlint-disable-next-line no-new-func typescript/no-implied-eval typescript/no-unsafe-call
      new Function("s", "t", "n", `return ${expression}`)(s, t, n);
    for (const s of ["", "a", "ab", "abc", "abcdefghijklmn"]) {
      for (const n of [-20, -1, 0, 1, 20, Number.NaN]) {
        expect(evaluate(after, s, "xyz", n)).toBe(evaluate(before, s, "xyz", n));
      }
    }
  });

  it("leaves files alone that were built or minified, or that have a substr of their own", async () => {
    const call = "s = s.substr(1)\n";
    const result = await tryOut("substr-to-slice", {
      "dist/index.js": call,
      "index.min.js": call,
      "compiled.js": `${call}//# sourceMappingURL=compiled.js.map\n`,
      "long.js": `${call}var a = "${"x".repeat(1000)}"\n`,
      "rope.js": `class Rope { substr(a) { return this.tail(a) } }\nr = new Rope().substr(1)\n`,
    });
    expect(result.status).toBe("no-change");
  });

  it("fails when it cannot read a file, and names it", async () => {
    const result = await tryOut("substr-to-slice", { "broken.js": "s.substr(1)\n}{\n" });
    expect(result).toMatchObject({ status: "failed", failedStep: "Replace substr" });
    expect(result.output).toContain("broken.js");
  });

  it("reads file names with spaces in them", async () => {
    const result = await tryOut("substr-to-slice", { "two words.ts": "const t: string = s.substr(1)\n" });
    expect(addedLines(result)).toEqual(["const t: string = s.slice(1)"]);
  });
});

describe("pinning the license", () => {
  const mit = "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software";
  const pinned = async (manifest: string, files: Readonly<Record<string, string>>) => {
    const result = await tryOut("license-and-security", { "package.json": manifest, "SECURITY.md": "", ...files });
    return result.status === "patch" ? addedLines(result) : result.status;
  };

  it("finds its place in a manifest on one line", async () => {
    const manifest = '{"config":{"license":"none"},"name":"widgets","private":true}';
    const expected = '{"config":{"license":"none"},"name":"widgets", "license": "MIT","private":true}';
    expect(await pinned(manifest, { LICENSE: mit })).toEqual([expected]);
  });

  it("leaves it to a person when the license files name two, or none that it knows", async () => {
    const apache = "Apache License\nVersion 2.0, January 2004";
    expect(await pinned('{"name":"widgets"}', { "LICENSE-MIT": mit, "LICENSE-APACHE": apache })).toBe("no-change");
    expect(await pinned('{"name":"widgets"}', { LICENSE: "Ask us." })).toBe("no-change");
    expect(await pinned('{"licenses":[{"type":"MIT"},{"type":"GPL"}]}', { LICENSE: mit })).toBe("no-change");
  });

  it("takes a valid identifier out of the old form when there is no license file", async () => {
    expect(await pinned('{\n  "license": { "type": "ISC" }\n}\n', {})).toEqual(['  "license": "ISC"']);
  });

  it("never changes an expression that is valid", async () => {
    expect(await pinned('{"license":"(MIT OR Apache-2.0)"}', { LICENSE: mit })).toBe("no-change");
  });

  it("fails on a manifest that is not JSON", async () => {
    expect(await pinned("{ name: widgets }", { LICENSE: mit })).toBe("failed");
  });
});
