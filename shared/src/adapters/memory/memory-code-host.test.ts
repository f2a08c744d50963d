import { describe, expect, test } from "vitest";
import { CodeHostUnavailable } from "../../ports/code-host.ts";
import { codeHostContract } from "../../testing/code-host.contract.ts";
import { createMemoryCodeHost } from "./memory-code-host.ts";

const clock = { now: () => new Date("2030-01-02T03:04:05Z") };

codeHostContract("the memory code host", async () => {
  const codeHost = createMemoryCodeHost({ clock });
  codeHost.install("acme");
  return {
    codeHost,
    addRepository: async (repository) =>
      void codeHost.addRepository({ ...repository, owner: "acme", collaborators: ["ana"], teams: ["core"] }),
    pushAsHuman: async (repository, branch, files) => codeHost.pushAsHuman(`acme/${repository}`, branch, files),
    fileAt: async (repository, revision, path) => codeHost.fileAt(`acme/${repository}`, revision, path),
    rename: async (repository, name) => codeHost.rename(`acme/${repository}`, name),
    archive: async (repository) => codeHost.archive(`acme/${repository}`),
    protectBranch: async (repository, branch) => codeHost.protectBranch(`acme/${repository}`, branch),
    merge: async (repository, number) => codeHost.mergeAsHuman(`acme/${repository}`, number),
    freezeCodeIndex: async () => codeHost.freezeCodeIndex(),
    suspend: async (account) => codeHost.install(account, { suspended: true }),
    close: async () => {},
  };
});

describe("the memory code host, for tests,", () => {
  test("fails once when told to, before the effect or after it", async () => {
    const codeHost = createMemoryCodeHost({ clock });
    const repository = codeHost.addRepository({ owner: "acme", name: "api", files: { a: "" } });
    const to = codeHost.pushAsHuman("acme/api", "other", { a: "b" });
    const move = (branch: string) => codeHost.moveBranch(repository, { branch, from: undefined, to });

    codeHost.failNext("moveBranch", new CodeHostUnavailable("no answer"));
    await expect(move("one")).rejects.toBeInstanceOf(CodeHostUnavailable);
    expect(codeHost.mutations).toEqual([]);
    await move("one");

    codeHost.failNext("moveBranch", new CodeHostUnavailable("the answer was lost"), "afterwards");
    await expect(move("two")).rejects.toBeInstanceOf(CodeHostUnavailable);
    expect(await codeHost.branchHead(repository, "two")).toBe(to);
    expect(codeHost.mutations).toEqual([
      { method: "moveBranch", repository: "acme/api" },
      { method: "moveBranch", repository: "acme/api" },
    ]);
  });

  test("shows a search of thousands of hits, each once", async () => {
    const codeHost = createMemoryCodeHost({ clock });
    for (let index = 0; index < 4200; index += 1) {
      codeHost.addRepository({ owner: "acme", name: `r${index}`, created: "2024-06-01", sizeKb: index });
    }
    const names = new Set<string>();
    let pages = 0;
    for (let cursor: string | undefined; ;) {
      const search = "org:acme created:2024-06-01 size:0..4199";
      const page = await codeHost.searchPage({ organization: "acme", search, files: [], ...(cursor && { cursor }) });
      for (const { name } of page.repositories) names.add(name);
      pages += 1;
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    expect([names.size, pages]).toEqual([4200, 42]);
  });

  test("hands out pages as large as the test wants", async () => {
    const codeHost = createMemoryCodeHost({ clock, pageSize: 2 });
    for (const name of ["a", "b", "c"]) codeHost.addRepository({ owner: "acme", name });
    const first = await codeHost.organizationPage({ organization: "acme", files: [] });
    expect(first.repositories.map(({ name }) => name)).toEqual(["a", "b"]);
    const cursor = first.nextCursor ?? "";
    const second = await codeHost.organizationPage({ organization: "acme", files: [], cursor });
    expect(second.repositories.map(({ name }) => name)).toEqual(["c"]);
    expect(second).not.toHaveProperty("nextCursor");
  });
});
