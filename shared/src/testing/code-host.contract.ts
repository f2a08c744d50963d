import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitIdOf } from "../changeset/commit-id.ts";
import {
  BranchMoved,
  CodeHostRefused,
  PullRequestExists,
  type CodeHost,
  type FileChange,
  type RepositoryRef,
} from "../ports/code-host.ts";
import { pushCommitContract } from "./push-commit.contract.ts";

/** A repository of the organization `acme`, where the App is installed. */
export interface StageRepository {
  readonly name: string;
  /** The first commit on `main`; leave out for an empty repository. */
  readonly files?: Readonly<Record<string, string>>;
  readonly topics?: readonly string[];
  readonly language?: string;
  readonly visibility?: "public" | "private" | "internal";
  readonly isArchived?: boolean;
  readonly isFork?: boolean;
  readonly lockReason?: "migrating";
}

/** A code host to try, and the hands of the people who use it too. `ana` can push, `bo` cannot, team `core` can. */
export interface CodeHostStage {
  readonly codeHost: CodeHost;
  addRepository(repository: StageRepository): Promise<void>;
  /** Commits to a branch, making it from `main` when it is new. Returns the commit. */
  pushAsHuman(repository: string, branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  fileAt(
    repository: string,
    revision: string,
    path: string,
  ): Promise<{ readonly mode: string; readonly content: Uint8Array } | undefined>;
  rename(repository: string, name: string): Promise<void>;
  archive(repository: string): Promise<void>;
  protectBranch(repository: string, branch: string): Promise<void>;
  merge(repository: string, number: number): Promise<void>;
  suspend(account: string): Promise<void>;
  /** From now on the code search shows the files as they are at this moment, as GitHub's index lags behind pushes. */
  freezeCodeIndex(): Promise<void>;
  /** Ends it, after what it has to say against how it was used. */
  close(): Promise<void>;
}

const author = { name: "Octobatch", email: "octobatch@example.com" };
const at = new Date("2030-01-02T03:04:05.678Z");

/** What every {@link CodeHost} promises. `open` gives a stage of its own to each test. */
export function codeHostContract(name: string, open: () => Promise<CodeHostStage>): void {
  describe(`${name} is a code host that`, () => {
    let stage: CodeHostStage;
    let codeHost: CodeHost;

    beforeEach(async () => {
      stage = await open();
      ({ codeHost } = stage);
    });
    afterEach(() => stage.close());

    async function find(name: string): Promise<RepositoryRef & { readonly head: string }> {
      const { repositories } = await codeHost.findRepositories({
        organization: "acme",
        repositories: [{ name }],
        files: [],
      });
      const [repository] = repositories;
      if (!repository) throw new Error(`acme/${name} was not found`);
      return { ...repository, head: repository.branch?.commit ?? "" };
    }

    async function added(repository: StageRepository) {
      await stage.addRepository(repository);
      return find(repository.name);
    }

    const write = (
      path: string,
      content: string | Uint8Array,
      mode: "100644" | "100755" | "120000" = "100644",
    ): FileChange => ({
      kind: "write",
      path,
      mode,
      content: Buffer.from(content),
    });

    const commit = (repository: RepositoryRef, parent: string, ...changes: readonly FileChange[]) =>
      codeHost.createCommit(repository, { parent, changes, message: "Pin the licence", author, at });

    /** A branch one commit ahead of `main`. */
    async function proposed(repository: RepositoryRef & { readonly head: string }, branch: string) {
      const { commit: to } = await commit(repository, repository.head, write("LICENSE", `MIT, for ${branch}\n`));
      await codeHost.moveBranch(repository, { branch, from: undefined, to });
      return to;
    }

    const draftFor = (headBranch: string) => ({
      headBranch,
      baseBranch: "main",
      title: "Pin the licence",
      body: "Because.",
      draft: false,
    });

    const refusal = async (call: Promise<unknown>) => {
      const error: unknown = await call.then(
        () => new Error("it was not refused"),
        (error: unknown) => error,
      );
      if (error instanceof CodeHostRefused) return error.kind;
      throw error;
    };

    describe("looks into a commit: it", () => {
      test("finds the files of a name wherever they are, in that very commit", async () => {
        const repository = await added({
          name: "mono",
          files: {
            "package.json": "{}",
            "packages/a/package.json": "{}",
            "packages/ü b/package.json": "{}",
            "packages/c/package.json/inside": "a folder",
            "packages/d/package.json.md": "",
            "packages/e/my-package.json": "",
            "packages/f/Package.json": "",
          },
        });
        const later = await commit(
          repository,
          repository.head,
          { kind: "delete", path: "packages/a/package.json" },
          write("z/package.json", "../package.json", "120000"),
        );
        const files = (commit: string) => codeHost.findFiles(repository, { commit, name: "package.json" });
        const [root, b] = ["package.json", "packages/ü b/package.json"];
        expect(await files(repository.head)).toEqual([root, "packages/a/package.json", b]);
        expect(await files(later.commit)).toEqual([root, b, "z/package.json"]);
        expect(await codeHost.findFiles(repository, { commit: repository.head, name: "go.mod" })).toEqual([]);
      });

      test("says when there is no such commit", async () => {
        const repository = await added({ name: "mono", files: { "package.json": "{}" } });
        const query = { commit: "0123456789".repeat(4), name: "package.json" };
        expect(await refusal(codeHost.findFiles(repository, query))).toBe("not-found");
      });
    });

    describe("selects: it", () => {
      test("lists an organization's repositories with what selection asks for", async () => {
        await stage.addRepository({
          name: "api",
          files: { "package.json": "{}", "src/main.ts": "" },
          topics: ["node", "service"],
          language: "TypeScript",
          visibility: "private",
        });
        const page = await codeHost.organizationPage({
          organization: "acme",
          files: ["package.json", "Makefile", "src", "src/main.ts"],
        });
        expect(page).toEqual({
          missing: [],
          repositories: [
            {
              id: expect.any(Number),
              nodeId: expect.any(String),
              owner: "acme",
              name: "api",
              branch: { name: "main", commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
              isArchived: false,
              isDisabled: false,
              isFork: false,
              visibility: "private",
              topics: ["node", "service"],
              primaryLanguage: "TypeScript",
              presentFiles: ["package.json", "src", "src/main.ts"],
            },
          ],
        });
      });

      test("shows an empty repository without a branch", async () => {
        const repository = await added({ name: "empty" });
        expect(repository).not.toHaveProperty("branch");
        expect(await codeHost.branchHead(repository, "main")).toBeUndefined();
      });

      test("tells archived, forked and locked repositories", async () => {
        await stage.addRepository({ name: "old", files: { a: "" }, isArchived: true });
        await stage.addRepository({ name: "copy", files: { a: "" }, isFork: true });
        await stage.addRepository({ name: "moving", files: { a: "" }, lockReason: "migrating" });
        const { repositories } = await codeHost.organizationPage({ organization: "acme", files: [] });
        expect(repositories).toMatchObject([
          { name: "old", isArchived: true },
          { name: "copy", isFork: true },
          { name: "moving", lockReason: "migrating" },
        ]);
      });

      test("finds repositories by name on the branch asked for, and says which are missing", async () => {
        await stage.addRepository({ name: "api", files: { "on-main": "" } });
        await stage.addRepository({ name: "web", files: { "on-main": "" } });
        const next = await stage.pushAsHuman("web", "release/2.x", { "on-release": "" });
        const page = await codeHost.findRepositories({
          organization: "acme",
          repositories: [
            { name: "api" },
            { name: "nope" },
            { name: "web", branch: "release/2.x" },
            { name: "web", branch: "gone" },
          ],
          files: ["on-main", "on-release"],
        });
        expect(page.missing).toEqual(["nope"]);
        expect(page.repositories).toMatchObject([
          { name: "api", branch: { name: "main" }, presentFiles: ["on-main"] },
          { name: "web", branch: { name: "release/2.x", commit: next }, presentFiles: ["on-main", "on-release"] },
          { name: "web", presentFiles: [] },
        ]);
        expect(page.repositories[2]).not.toHaveProperty("branch");
      });

      test("finds a renamed repository by its former name, and goes on writing to it", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await stage.rename("api", "service");
        expect(await find("api")).toMatchObject({ id: repository.id, name: "service" });
        await proposed(repository, "campaign/1");
        expect(await codeHost.openPullRequest(repository, draftFor("campaign/1"))).toMatchObject({ number: 1 });
      });

      test("takes names and paths literally, whatever they hold", async () => {
        const odd = `a "quoted" $path {with} ünïcode: \\ and\ttab`;
        await stage.addRepository({ name: "api", files: { [odd]: "" } });
        const page = await codeHost.findRepositories({
          organization: "acme",
          repositories: [{ name: "api" }, { name: `api") { id } x: repository(owner: "acme", name: "api` }],
          files: [odd, `nope") { id } viewer { login } #`],
        });
        expect(page).toMatchObject({
          repositories: [{ name: "api", presentFiles: [odd] }],
          missing: [expect.stringContaining("{ id }")],
        });
      });

      test("searches repositories", async () => {
        await stage.addRepository({ name: "api", files: { Makefile: "" }, topics: ["node"] });
        await stage.addRepository({ name: "web", files: { Makefile: "" }, topics: ["browser"] });
        const page = await codeHost.searchPage({
          organization: "acme",
          search: "org:acme topic:node",
          files: ["Makefile"],
        });
        expect(page.repositories).toMatchObject([{ name: "api", presentFiles: ["Makefile"] }]);
        expect(page).not.toHaveProperty("nextCursor");
      });

      test("shows each hit of a search once, whatever the days and sizes that it is limited to", async () => {
        for (const name of ["api", "web", "docs"]) await stage.addRepository({ name, files: { a: name } });
        const names: string[] = [];
        const search = "org:acme created:>=2008-01-01 size:>=0";
        for (let cursor: string | undefined; ;) {
          const query = { organization: "acme", search, files: [], ...(cursor !== undefined && { cursor }) };
          const page = await codeHost.searchPage(query);
          names.push(...page.repositories.map(({ name }) => name));
          if (page.nextCursor === undefined) break;
          cursor = page.nextCursor;
        }
        expect(names.toSorted()).toEqual(["api", "docs", "web"]);
      });

      test("finds repositories by their code", async () => {
        await stage.addRepository({ name: "api", files: { "pom.xml": "uses log4j", "src/pom.xml": "uses log4j" } });
        await stage.addRepository({ name: "web", files: { "package.json": "uses log4j" } });
        await stage.addRepository({ name: "docs", files: { "pom.xml": "uses nothing" } });
        const query = { organization: "acme", query: "filename:pom.xml log4j", files: ["src/pom.xml", "gone"] };
        const page = await codeHost.codeSearchPage(query);
        expect(page).toMatchObject({
          repositories: [{ name: "api", branch: { name: "main" }, presentFiles: ["src/pom.xml"] }],
          unconfirmed: [],
        });
        expect(page).not.toHaveProperty("nextCursor");
      });

      test("confirms what a code search finds on the default branch as it is now", async () => {
        const repository = await added({ name: "api", files: { "pom.xml": "uses log4j", keep: "" } });
        const query = { organization: "acme", query: "filename:pom.xml log4j", files: [] };
        expect((await codeHost.codeSearchPage(query)).repositories).toHaveLength(1);
        await stage.freezeCodeIndex();
        const { commit: to } = await commit(repository, repository.head, { kind: "delete", path: "pom.xml" });
        await codeHost.moveBranch(repository, { branch: "main", from: repository.head, to });
        expect(await codeHost.codeSearchPage(query)).toMatchObject({
          repositories: [],
          unconfirmed: [{ name: "api" }],
        });
      });

      test("is the same code host for work of any urgency", async () => {
        await stage.addRepository({ name: "api", files: { a: "" } });
        const query = { organization: "acme", files: ["a"] };
        const page = await codeHost.organizationPage(query);
        for (const urgency of ["interactive", "publish", "sweep"] as const) {
          expect(await codeHost.withUrgency(urgency).organizationPage(query)).toEqual(page);
        }
      });

      test("tells what was asked through it once it is measured", async () => {
        await stage.addRepository({ name: "api", files: { a: "" } });
        const query = { organization: "acme", files: ["a"] };
        await codeHost.organizationPage(query);
        const { codeHost: measured, cost } = codeHost.measured();
        expect(cost()).toEqual({ requests: 0, graphqlRequests: 0, graphqlPoints: 0, searches: 0 });
        const page = await measured.withUrgency("interactive").organizationPage(query);
        const { requests } = cost();
        expect(requests).toBeGreaterThan(0);
        expect(await measured.organizationPage(query)).toEqual(page);
        expect(cost().requests).toBe(2 * requests);
      });

      test("says that the App is not installed where it is not", async () => {
        const call = codeHost.organizationPage({ organization: "strangers", files: [] });
        expect(await refusal(call)).toBe("not-installed");
      });

      test("says that an installation is suspended, also in the middle of things", async () => {
        await added({ name: "api", files: { a: "" } });
        await stage.suspend("acme");
        expect(await refusal(find("api"))).toBe("suspended");
      });

      test("gives git a way to read one repository", async () => {
        const { url, token } = await codeHost.gitAccess(await added({ name: "api", files: { a: "" } }));
        expect(url).toMatch(/^https?:\/\/[^@]+\/acme\/api\.git$/);
        expect(token).not.toBe("");
      });

      test("gives git one token for all repositories of an account, to who wishes for that", async () => {
        const [api, web] = [
          await added({ name: "api", files: { a: "" } }),
          await added({ name: "web", files: { a: "" } }),
        ];
        const ofAll = await codeHost.gitAccess(api, { reach: "account" });
        expect(await codeHost.gitAccess(web, { reach: "account" })).toMatchObject({ token: ofAll.token });
        const ofEach = [await codeHost.gitAccess(api), await codeHost.gitAccess(web)].map(({ token }) => token);
        expect(new Set([ofAll.token, ...ofEach]).size).toBe(3);
      });

      test("accepts the App's key", async () => {
        await expect(codeHost.check()).resolves.toBeUndefined();
      });
    });

    describe("makes commits: it", () => {
      test("writes each kind of file and keeps the rest", async () => {
        const repository = await added({ name: "api", files: { keep: "as it was", change: "old", "dir/gone": "" } });
        const changes = [
          write("change", "new\r\n"),
          write("bom.txt", "\u{feff}naïve 🎈\n"),
          write("dir/logo.png", new Uint8Array([0x89, 0x50, 0, 0xff, 0xfe])),
          write("bin/run", "#!/bin/sh\n", "100755"),
          write("link", "bin/run", "120000"),
          { kind: "delete", path: "dir/gone" },
        ] as const;
        const made = await commit(repository, repository.head, ...changes);
        const expected = changes.flatMap((change) => (change.kind === "write" ? [[change.path, change] as const] : []));
        for (const [path, { mode, content }] of expected) {
          const file = await stage.fileAt("api", made.commit, path);
          expect([path, file?.mode, Buffer.from(file?.content ?? [])]).toEqual([path, mode, content]);
        }
        expect(Buffer.from((await stage.fileAt("api", made.commit, "keep"))?.content ?? []).toString()).toBe(
          "as it was",
        );
        expect(await stage.fileAt("api", made.commit, "dir/gone")).toBeUndefined();
      });

      test("makes the same commit from the same draft, and moves no branch", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        const first = await commit(repository, repository.head, write("a", "b"));
        expect(await commit(repository, repository.head, write("a", "b"))).toEqual(first);
        // The very id that git gives it, which whoever knows the draft and the tree can tell beforehand.
        const draft = { parent: repository.head, message: "Pin the licence", author, at };
        expect(first.commit).toBe(commitIdOf({ ...draft, tree: first.tree }));
        expect(await codeHost.branchHead(repository, "main")).toBe(repository.head);
      });

      test("lets a directory become a file, and a file a directory", async () => {
        const repository = await added({ name: "api", files: { "was-dir/file": "1", "was-file": "2" } });
        const made = await commit(
          repository,
          repository.head,
          write("was-dir", "3"),
          { kind: "delete", path: "was-dir/file" },
          write("was-file/inner", "4"),
          { kind: "delete", path: "was-file" },
        );
        expect(await stage.fileAt("api", made.commit, "was-dir")).toBeDefined();
        expect(await stage.fileAt("api", made.commit, "was-file/inner")).toBeDefined();
      });

      test("refuses a parent that is not there, and to delete what is not there", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        expect(await refusal(commit(repository, "1".repeat(40), write("a", "b")))).toBe("not-found");
        expect(await refusal(commit(repository, repository.head, { kind: "delete", path: "b" }))).toBe("invalid");
      });

      test("refuses to write to an archived repository", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await stage.archive("api");
        expect(await refusal(commit(repository, repository.head, write("a", "b")))).toBe("archived");
      });
    });

    describe("moves branches: it", () => {
      test("makes a branch only once", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        const to = await proposed(repository, "campaign/1/api");
        expect(await codeHost.branchHead(repository, "campaign/1/api")).toBe(to);
        const again = codeHost.moveBranch(repository, { branch: "campaign/1/api", from: undefined, to });
        await expect(again).rejects.toBeInstanceOf(BranchMoved);
      });

      test("knows no branch by the beginning of its name", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await proposed(repository, "campaign/10");
        expect(await codeHost.branchHead(repository, "campaign/1")).toBeUndefined();
      });

      test("moves a branch from where it was left, also to a commit beside that one", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        const from = await proposed(repository, "campaign/1");
        const { commit: to } = await commit(repository, repository.head, write("a", "beside"));
        await codeHost.moveBranch(repository, { branch: "campaign/1", from, to });
        expect(await codeHost.branchHead(repository, "campaign/1")).toBe(to);
      });

      test("never overwrites what somebody else pushed", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        const from = await proposed(repository, "campaign/1");
        const theirs = await stage.pushAsHuman("api", "campaign/1", { a: "by hand" });
        const { commit: to } = await commit(repository, from, write("a", "c"));
        const move = codeHost.moveBranch(repository, { branch: "campaign/1", from, to });
        await expect(move).rejects.toBeInstanceOf(BranchMoved);
        expect(await codeHost.branchHead(repository, "campaign/1")).toBe(theirs);
      });

      test("points no branch at a commit that is not there", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        const move = codeHost.moveBranch(repository, { branch: "campaign/1", from: undefined, to: "1".repeat(40) });
        expect(await refusal(move)).toBe("not-found");
      });

      test("respects branch protection", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await stage.protectBranch("api", "campaign/1");
        expect(await refusal(proposed(repository, "campaign/1"))).toBe("protected");
      });
    });

    pushCommitContract(() => stage);

    describe("opens pull requests: it", () => {
      test("opens one and finds it by its branch and by its number", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        const headCommit = await proposed(repository, "campaign/1");
        expect(await codeHost.findPullRequest(repository, "campaign/1")).toBeUndefined();
        const opened = await codeHost.openPullRequest(repository, draftFor("campaign/1"));
        expect(opened).toEqual({
          ...draftFor("campaign/1"),
          number: 1,
          nodeId: expect.any(String),
          url: expect.stringMatching(/\/acme\/api\/pull\/1$/),
          state: "open",
          headCommit,
          labels: [],
          assignees: [],
          requestedReviewers: [],
          requestedTeams: [],
        });
        expect(await codeHost.findPullRequest(repository, "campaign/1")).toEqual(opened);
        expect(await codeHost.readPullRequest(repository, 1)).toEqual(opened);
      });

      test("opens no second one from a branch", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await proposed(repository, "campaign/1");
        await codeHost.openPullRequest(repository, draftFor("campaign/1"));
        const again = codeHost.openPullRequest(repository, draftFor("campaign/1"));
        await expect(again).rejects.toBeInstanceOf(PullRequestExists);
      });

      test("refuses one without commits, and one onto a branch that is not there", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await codeHost.moveBranch(repository, { branch: "same", from: undefined, to: repository.head });
        expect(await refusal(codeHost.openPullRequest(repository, draftFor("same")))).toBe("invalid");
        await proposed(repository, "campaign/1");
        const astray = codeHost.openPullRequest(repository, { ...draftFor("campaign/1"), baseBranch: "gone" });
        expect(await refusal(astray)).toBe("invalid");
      });

      test("finds the open one before a closed one, else the newest", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await proposed(repository, "campaign/1");
        await codeHost.openPullRequest(repository, draftFor("campaign/1"));
        await codeHost.closePullRequest(repository, 1);
        await codeHost.closePullRequest(repository, 1);
        expect(await codeHost.findPullRequest(repository, "campaign/1")).toMatchObject({ number: 1, state: "closed" });
        await codeHost.openPullRequest(repository, draftFor("campaign/1"));
        expect(await codeHost.findPullRequest(repository, "campaign/1")).toMatchObject({ number: 2, state: "open" });
        await stage.merge("api", 2);
        expect(await codeHost.findPullRequest(repository, "campaign/1")).toMatchObject({ number: 2, state: "merged" });
        await codeHost.closePullRequest(repository, 2);
        expect(await codeHost.readPullRequest(repository, 2)).toMatchObject({ state: "merged" });
      });

      test("changes title, body and labels, twice as well as once", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await proposed(repository, "campaign/1");
        await codeHost.openPullRequest(repository, { ...draftFor("campaign/1"), draft: true });
        for (const _ of ["once", "twice"]) {
          await codeHost.updatePullRequest(repository, 1, { title: "Another", body: "" });
          await codeHost.addLabels(repository, 1, ["campaign", "licence: MIT"]);
        }
        const changed = await codeHost.readPullRequest(repository, 1);
        expect(changed).toMatchObject({ title: "Another", body: "", draft: true });
        expect(changed.labels.toSorted()).toEqual(["campaign", "licence: MIT"]);
      });

      test("assigns those who can push and says who they are", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        await proposed(repository, "campaign/1");
        await codeHost.openPullRequest(repository, draftFor("campaign/1"));
        expect(await codeHost.addAssignees(repository, 1, ["ana", "bo"])).toEqual(["ana"]);
        expect(await codeHost.readPullRequest(repository, 1)).toMatchObject({ assignees: ["ana"] });
      });

      test("asks people and teams for reviews, all or none", async () => {
        const repository = await added({ name: "api", files: { a: "" }, visibility: "private" });
        await proposed(repository, "campaign/1");
        await codeHost.openPullRequest(repository, draftFor("campaign/1"));
        const mixed = codeHost.requestReviewers(repository, 1, { logins: ["ana", "bo"], teams: [] });
        expect(await refusal(mixed)).toBe("invalid");
        expect(await codeHost.readPullRequest(repository, 1)).toMatchObject({ requestedReviewers: [] });
        await codeHost.requestReviewers(repository, 1, { logins: ["ana"], teams: ["core"] });
        expect(await codeHost.readPullRequest(repository, 1)).toMatchObject({
          requestedReviewers: ["ana"],
          requestedTeams: ["core"],
        });
      });

      test("says that there is no pull request of a number", async () => {
        const repository = await added({ name: "api", files: { a: "" } });
        expect(await refusal(codeHost.readPullRequest(repository, 7))).toBe("not-found");
      });
    });
  });
}
