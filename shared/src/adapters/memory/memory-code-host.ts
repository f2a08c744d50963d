import type { Clock } from "../../ports/clock.ts";
import {
  CodeHostRefused,
  type CodeHost,
  type FileChange,
  type PullRequest,
  type RepositoryPage,
  type RepositoryRef,
  type RequestCost,
} from "../../ports/code-host.ts";
import { MemoryPullRequests } from "./memory-pull-requests.ts";
import { MemoryRepository, type MemoryFile, type MemoryRepositorySeed } from "./memory-repository.ts";
import { filesFound, matchesSearch } from "./memory-search.ts";

/** A write that was done, in order, for tests to count. */
export interface MemoryMutation {
  readonly method: keyof CodeHost;
  /** `owner/name`. */
  readonly repository: string;
}

/** A code host in memory, with what a test needs to arrange and to look at. Repositories are named `owner/name`. */
export interface MemoryCodeHost extends CodeHost {
  readonly mutations: readonly MemoryMutation[];
  /** Installs the App on the owner, unless it is already. */
  addRepository(seed: MemoryRepositorySeed): RepositoryRef;
  install(account: string, state?: { readonly suspended: boolean }): void;
  uninstall(account: string): void;
  /** Commits to a branch as a person would, making it from the default branch when it is new. Returns the commit. */
  pushAsHuman(repository: string, branch: string, files: Readonly<Record<string, string>>): string;
  deleteBranch(repository: string, branch: string): void;
  protectBranch(repository: string, branch: string): void;
  rename(repository: string, name: string): void;
  archive(repository: string): void;
  mergeAsHuman(repository: string, number: number): void;
  closeAsHuman(repository: string, number: number): void;
  reopenAsHuman(repository: string, number: number): void;
  pullRequests(repository: string): readonly PullRequest[];
  /** A file on a branch or commit, undefined when it is not there. */
  fileAt(repository: string, revision: string, path: string): MemoryFile | undefined;
  /** The tree that a commit of these changes would have; nothing is made. */
  treeWith(repository: string, parent: string, changes: readonly FileChange[]): string;
  /** What the code search shows from now on: the files as they are now, whatever happens to them. */
  freezeCodeIndex(): void;
  /** The next call of `method` throws: before it does anything, or `afterwards`, as when the answer is lost. */
  failNext(method: keyof CodeHost, error: Error, when?: "before" | "afterwards"): void;
}

const noCost: RequestCost = { requests: 0, graphqlRequests: 0, graphqlPoints: 0, searches: 0 };

/** @param options.pageSize how many repositories a page holds: 100 unless a test wants to see paging. */
export function createMemoryCodeHost(options: { readonly clock: Clock; readonly pageSize?: number }): MemoryCodeHost {
  const { clock, pageSize = 100 } = options;
  const repositories: { readonly git: MemoryRepository; readonly pulls: MemoryPullRequests }[] = [];
  const installed = new Map<string, { id: number; account: string; suspended: boolean }>();
  const mutations: MemoryMutation[] = [];
  /** All calls that a real one would make requests for. Whoever measures here is alone. */
  let calls = 0;
  const failures: { method: keyof CodeHost; error: Error; when: "before" | "afterwards" }[] = [];

  const named = (name: string) => {
    const found = repositories.find(({ git }) => git.fullName.toLowerCase() === name.toLowerCase());
    if (!found) throw new Error(`The test has added no repository ${name}.`);
    return found;
  };

  const access = (account: string) => {
    const installation = installed.get(account.toLowerCase());
    if (!installation) throw new CodeHostRefused("not-installed", `The App is not installed on ${account}.`);
    if (installation.suspended)
      throw new CodeHostRefused("suspended", `The App's installation on ${account} is suspended.`);
  };

  const open = (repository: RepositoryRef) => {
    access(repository.owner);
    const found = repositories.find(({ git }) => git.id === repository.id);
    if (!found)
      throw new CodeHostRefused("not-found", `There is no repository ${repository.owner}/${repository.name}.`);
    return found;
  };

  const failure = (method: keyof CodeHost, when: "before" | "afterwards") => {
    const next = failures.find((each) => each.method === method);
    if (next?.when !== when) return;
    failures.splice(failures.indexOf(next), 1);
    throw next.error;
  };

  const read = async <T>(method: keyof CodeHost, answer: () => T): Promise<T> => {
    calls += 1;
    failure(method, "before");
    const result = answer();
    failure(method, "afterwards");
    return result;
  };

  const write = <T>(method: keyof CodeHost, ref: RepositoryRef, change: (repository: ReturnType<typeof open>) => T) =>
    read(method, () => {
      const repository = open(ref);
      const { isArchived, fullName } = repository.git;
      if (isArchived) throw new CodeHostRefused("archived", `${fullName} is archived. Unarchive it, or exclude it.`);
      const result = change(repository);
      mutations.push({ method, repository: fullName });
      return result;
    });

  const ownedBy = (account: string) =>
    repositories.filter(({ git }) => git.seed.owner.toLowerCase() === account.toLowerCase());

  const page = (all: typeof repositories, files: readonly string[], cursor = "0"): RepositoryPage => {
    const from = Number(cursor);
    const shown = all.slice(from, from + pageSize).map(({ git }) => git.snapshot(undefined, files));
    const isLast = from + pageSize >= all.length;
    return { repositories: shown, missing: [], ...(!isLast && { nextCursor: String(from + pageSize) }) };
  };

  const install = (account: string, { suspended } = { suspended: false }) => {
    const id = installed.get(account.toLowerCase())?.id ?? installed.size + 1;
    installed.set(account.toLowerCase(), { id, account, suspended });
  };

  /** What the code search knows; else the files as they are. */
  let codeIndex: ReadonlyMap<number, ReadonlyMap<string, MemoryFile>> | undefined;
  const indexed = (git: MemoryRepository) => codeIndex?.get(git.id) ?? git.filesOnDefaultBranch;

  const codeHost: MemoryCodeHost = {
    mutations,

    withUrgency: () => codeHost,

    assertRoomToPublish: ({ owner }) => read("assertRoomToPublish", () => access(owner)),

    measured() {
      const before = calls;
      const cost = () => ({ ...noCost, requests: calls - before });
      return { codeHost, cost };
    },

    organizationPage: ({ organization, files, cursor }) =>
      read("organizationPage", () => {
        access(organization);
        return page(ownedBy(organization), files, cursor);
      }),

    searchPage: ({ organization, search, files, cursor }) =>
      read("searchPage", () => {
        access(organization);
        return page(
          repositories.filter(({ git }) => matchesSearch(git, search)),
          files,
          cursor,
        );
      }),

    codeSearchPage: ({ organization, query, files, cursor }) =>
      read("codeSearchPage", () => {
        access(organization);
        const hits = ownedBy(organization).filter(({ git }) => filesFound(indexed(git), query).length > 0);
        const isThere = ({ git }: (typeof hits)[number]) =>
          filesFound(indexed(git), query).some((path) => git.filesOnDefaultBranch.has(path));
        const shown = page(hits, files, cursor);
        const confirmed = new Set(hits.filter(isThere).map(({ git }) => git.id));
        return {
          ...shown,
          repositories: shown.repositories.filter(({ id }) => confirmed.has(id)),
          unconfirmed: shown.repositories.filter(({ id }) => !confirmed.has(id)),
        };
      }),

    findRepositories: ({ organization, repositories: asked, files }) =>
      read("findRepositories", () => {
        access(organization);
        const found = asked.map(({ name, branch }) => ({
          name,
          snapshot: ownedBy(organization)
            .find(({ git }) => [git.name, ...git.formerNames].some((each) => each.toLowerCase() === name.toLowerCase()))
            ?.git.snapshot(branch, files),
        }));
        return {
          repositories: found.flatMap(({ snapshot }) => snapshot ?? []),
          missing: found.filter(({ snapshot }) => !snapshot).map(({ name }) => name),
        };
      }),

    findFiles: (ref, { commit, name }) =>
      read("findFiles", () => {
        const paths = [...open(ref).git.filesAt(commit).keys()];
        return paths.filter((path) => path === name || path.endsWith(`/${name}`)).toSorted();
      }),

    gitAccess: (ref, { reach = "repository" } = {}) =>
      read("gitAccess", () => {
        const { git } = open(ref);
        const opened = reach === "repository" ? String(git.id) : ref.owner;
        return { url: `https://github.test/${git.fullName}.git`, token: `memory-token-${opened}` };
      }),

    branchHead: (ref, branch) =>
      read("branchHead", () => {
        access(ref.owner);
        return repositories.find(({ git }) => git.id === ref.id)?.git.branches.get(branch);
      }),

    createCommit: (ref, draft, gatekeeper = (mutation) => mutation()) =>
      gatekeeper(() => write("createCommit", ref, ({ git }) => git.commit(draft))),

    moveBranch: (ref, { branch, from, to }) => write("moveBranch", ref, ({ git }) => git.moveBranch(branch, from, to)),

    pushCommit: (ref, { tree, ...draft }, { branch, from }, gatekeeper = (mutation) => mutation()) =>
      gatekeeper(() =>
        write("pushCommit", ref, ({ git }) => {
          const made = git.commit(draft);
          if (made.tree !== tree) throw new CodeHostRefused("invalid", `Git made tree ${made.tree}, not ${tree}.`);
          if (git.branches.get(branch) !== made.commit) git.moveBranch(branch, from, made.commit);
          return made;
        }),
      ),

    findPullRequest: (ref, headBranch) =>
      read("findPullRequest", () => {
        const ours = open(ref).pulls.all.filter((each) => each.headBranch === headBranch);
        return ours.find(({ state }) => state === "open") ?? ours.at(-1);
      }),

    readPullRequest: (ref, number) => read("readPullRequest", () => open(ref).pulls.get(number)),

    openPullRequest: (ref, draft) => write("openPullRequest", ref, ({ pulls }) => pulls.open(draft)),

    updatePullRequest: (ref, number, { title, body }) =>
      write("updatePullRequest", ref, ({ pulls }) => pulls.change(number, { title, body })),

    closePullRequest: (ref, number) =>
      write("closePullRequest", ref, ({ pulls }) => {
        if (pulls.get(number).state === "open") pulls.change(number, { state: "closed" });
      }),

    addLabels: (ref, number, labels) =>
      write("addLabels", ref, ({ pulls }) => pulls.change(number, { labels: union(pulls.get(number).labels, labels) })),

    addAssignees: (ref, number, logins) =>
      write("addAssignees", ref, ({ git, pulls }) => {
        const taken = logins.filter((login) => git.seed.collaborators?.includes(login));
        pulls.change(number, { assignees: union(pulls.get(number).assignees, taken) });
        return taken;
      }),

    requestReviewers: (ref, number, { logins, teams }) =>
      write("requestReviewers", ref, ({ git, pulls }) => {
        const { collaborators = [], teams: ownTeams = [] } = git.seed;
        const strangers = [
          ...logins.filter((login) => !collaborators.includes(login)),
          ...teams.filter((team) => !ownTeams.includes(team)),
        ];
        if (strangers.length > 0) {
          throw new CodeHostRefused("invalid", `${strangers.join(", ")} cannot review in ${git.fullName}.`);
        }
        const { requestedReviewers, requestedTeams } = pulls.get(number);
        pulls.change(number, {
          requestedReviewers: union(requestedReviewers, logins),
          requestedTeams: union(requestedTeams, teams),
        });
      }),

    check: () => read("check", () => {}),

    addRepository(seed) {
      const git = new MemoryRepository(repositories.length + 1, seed);
      repositories.push({ git, pulls: new MemoryPullRequests(git) });
      if (seed.files) push(git, git.defaultBranch, seed.files, clock.now());
      if (!installed.has(seed.owner.toLowerCase())) install(seed.owner);
      return git.ref;
    },

    install,
    uninstall: (account) => void installed.delete(account.toLowerCase()),
    pushAsHuman: (name, branch, files) => push(named(name).git, branch, files, clock.now()),
    deleteBranch(name, branch) {
      const { git, pulls } = named(name);
      for (const each of pulls.all) {
        const isBound = each.headBranch === branch || each.baseBranch === branch;
        if (each.state === "open" && isBound) pulls.change(each.number, { state: "closed" });
      }
      git.branches.delete(branch);
    },
    protectBranch: (name, branch) => void named(name).git.protectedBranches.add(branch),
    rename: (name, newName) => named(name).git.rename(newName),
    archive(name) {
      named(name).git.isArchived = true;
    },
    mergeAsHuman(name, number) {
      const { git, pulls } = named(name);
      const { baseBranch, headCommit } = pulls.get(number);
      pulls.change(number, { state: "merged" });
      git.branches.set(baseBranch, headCommit);
    },
    closeAsHuman: (name, number) => named(name).pulls.change(number, { state: "closed" }),
    reopenAsHuman: (name, number) => named(name).pulls.change(number, { state: "open" }),
    pullRequests: (name) => named(name).pulls.all,
    fileAt: (name, revision, path) => named(name).git.filesAt(revision).get(path),
    treeWith: (name, parent, changes) => named(name).git.treeWith(parent, changes).id,
    freezeCodeIndex() {
      codeIndex = new Map(repositories.map(({ git }) => [git.id, git.filesOnDefaultBranch]));
    },
    failNext: (method, error, when = "before") => void failures.push({ method, error, when }),
  };
  return codeHost;
}

function push(
  git: MemoryRepository,
  branch: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  at: Date,
): string {
  const { commit } = git.commit({
    parent: git.branches.get(branch) ?? git.branches.get(git.defaultBranch),
    changes: Object.entries(files).map(([path, content]) => ({
      kind: "write",
      path,
      mode: "100644",
      content: typeof content === "string" ? Buffer.from(content) : content,
    })),
    message: `Change ${Object.keys(files).join(", ")}`,
    author: { name: "A human", email: "human@example.com" },
    at,
  });
  git.branches.set(branch, commit);
  return commit;
}

function union(before: readonly string[], added: readonly string[]): readonly string[] {
  return [...new Set([...before, ...added])];
}
