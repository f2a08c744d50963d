import { describe, expect, test } from "vitest";
import type { FileStatistics } from "#shared/execution/transform-result.ts";
import type { FileChange } from "#shared/ports/code-host.ts";
import { apiLimits, planCommit } from "./plan-commit.ts";

function write(path: string, bytes = 1): FileChange {
  return { kind: "write", path, mode: "100644", content: new Uint8Array(bytes) };
}

function aFile(path: string, overrides: Partial<FileStatistics> = {}): FileStatistics {
  const plain = { change: "modified", mode: "100644", oldMode: "100644", additions: 1, deletions: 0 } as const;
  return { path, ...plain, binary: false, ...overrides };
}

const limits = { fileBytes: 10, bytes: 30, files: 3, binaryFiles: 1 };

describe("a commit goes by the API", () => {
  test("when that can make it", () => {
    const changes = [write("a"), write("ünï \\ code"), { kind: "delete", path: "b" }] as const;
    const files = [aFile("a"), aFile("ünï \\ code"), aFile("b", { change: "deleted", mode: "000000" })];
    expect(planCommit(changes, files)).toEqual({ kind: "api" });
  });

  test("up to the limits", () => {
    const changes = ["a", "b", "c"].map((path) => write(path, 10));
    const files = [aFile("a"), aFile("b", { binary: true }), aFile("c", { binary: true, change: "deleted" })];
    expect(planCommit(changes, files, limits)).toEqual({ kind: "api" });
  });
});

describe("a commit is pushed", () => {
  test.each<readonly [string, readonly FileChange[], readonly FileStatistics[], string]>([
    [
      "a name that is not UTF-8",
      [write(String.raw`"caf\351"`)],
      [],
      String.raw`the API takes no file that is named "caf\351"`,
    ],
    [
      "a name that is deleted",
      [{ kind: "delete", path: String.raw`"\"a"` }],
      [],
      String.raw`the API takes no file that is named "\"a"`,
    ],
    [
      "a submodule that goes",
      [],
      [aFile("sub", { oldMode: "160000", mode: "000000" })],
      "it changes the submodule sub",
    ],
    ["a submodule that comes", [], [aFile("sub", { mode: "160000" })], "it changes the submodule sub"],
    ["a large file", [write("a"), write("big", 11)], [], "big is larger than"],
    ["large files", ["a", "b", "c", "d"].map((path) => write(path, 8)), [], "its files are larger than"],
    ["many files", [], ["a", "b", "c", "d"].map((path) => aFile(path)), "it changes more than 3 files"],
    [
      "many binary files",
      [],
      ["a", "b"].map((path) => aFile(path, { binary: true })),
      "it changes more than 1 binary files",
    ],
  ])("for %s, and says so", (_, changes, files, because) => {
    expect(planCommit(changes, files, limits)).toEqual({ kind: "push", because: expect.stringContaining(because) });
  });

  test("when a file comes near what GitHub takes as a blob", () => {
    expect(planCommit([write("big", apiLimits.fileBytes + 1)], [aFile("big")])).toEqual({
      kind: "push",
      because: "big is larger than 20 MiB",
    });
  });
});
