/** A repository by its lasting identity; the name is only a label that a rename changes. */
export interface RepositoryRef {
  readonly id: number;
  readonly nodeId: string;
  readonly owner: string;
  readonly name: string;
}

/** What selection needs to know of a repository, as the code host shows it now. */
export interface RepositorySnapshot extends RepositoryRef {
  /** The branch to work on with its head, absent when the repository is empty or has no such branch. */
  readonly branch?: { readonly name: string; readonly commit: string };
  readonly isArchived: boolean;
  readonly isDisabled: boolean;
  readonly isFork: boolean;
  /** Set while the code host refuses changes, for instance during a migration. */
  readonly lockReason?: string;
  readonly visibility: "public" | "private" | "internal";
  readonly topics: readonly string[];
  readonly primaryLanguage?: string;
  /** Those of the asked paths that exist on the branch. */
  readonly presentFiles: readonly string[];
}

export interface RepositoryPage {
  readonly repositories: readonly RepositorySnapshot[];
  /** Names that were asked for and that this App cannot see; only `findRepositories` fills it. */
  readonly missing: readonly string[];
  /** Where the next page begins; absent on the last. Opaque: it means something to the method that gave it alone. */
  readonly nextCursor?: string;
}

export interface CodeSearchPage extends RepositoryPage {
  /** Those that the search named in error: on the default branch as it is now, none of the files that it found is there. */
  readonly unconfirmed: readonly RepositorySnapshot[];
}

/** Who waits for an answer: a person, a publication under way, or a sweep that can come later. */
export type Urgency = "interactive" | "publish" | "sweep";

/** How much publishing to a repository is going to ask. */
export interface PublicationSize {
  /** Whether a pull request is opened; else one is brought up to date. */
  readonly opens: boolean;
  /** How many kinds of labels, assignees and reviewers are added. */
  readonly additions: number;
  /** Whether reviewers are among them: the code host tells them, and counts that as new content. */
  readonly asksForReview: boolean;
  /** Whether teams are, which takes a permission of its own. */
  readonly asksTeams: boolean;
}

/** What was asked of the code host, in HTTP requests. */
export interface RequestCost {
  /** All of them, repeated and refused ones included. */
  readonly requests: number;
  readonly graphqlRequests: number;
  /** What the code host charged for those. */
  readonly graphqlPoints: number;
  /** Searches of repositories and of code: they have small budgets of their own. */
  readonly searches: number;
}

export interface Installation {
  readonly id: number;
  /** The organization or user that installed the App. */
  readonly account: string;
  readonly suspended: boolean;
}

/** One file of a commit to make. Paths are relative with `/`, as git writes them. */
export type FileChange =
  | { readonly path: string; readonly kind: "delete" }
  | {
      readonly path: string;
      readonly kind: "write";
      /** 120000 is a symlink, whose content is its target. */
      readonly mode: "100644" | "100755" | "120000";
      readonly content: Uint8Array;
    };

export interface CommitDraft {
  readonly parent: string;
  readonly changes: readonly FileChange[];
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  /** Author and committer date, to the second: with the rest it makes the commit's SHA reproducible. */
  readonly at: Date;
}

export interface PullRequest {
  readonly number: number;
  readonly nodeId: string;
  readonly url: string;
  readonly state: "open" | "closed" | "merged";
  readonly draft: boolean;
  readonly title: string;
  readonly body: string;
  readonly headBranch: string;
  readonly headCommit: string;
  readonly baseBranch: string;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  readonly requestedReviewers: readonly string[];
  /** Team slugs. */
  readonly requestedTeams: readonly string[];
}

/** Runs a mutation if it may begin now; otherwise it throws, and nothing was done. */
export type Gatekeeper = <Result>(mutation: () => Promise<Result>) => Promise<Result>;

/** How git is to read a repository. */
export interface GitAccessWish {
  /**
   * What the token opens: the repository alone, which is what is wished unless it is said; or, for who keeps it to
   * themselves, all repositories of its account that the App may read: one token then does for all of them.
   */
  readonly reach?: "repository" | "account";
  /** The fingerprint (SHA-256, hex) of a token that was not accepted: it has to be another. */
  readonly refused?: string | undefined;
}

/**
 * GitHub, as the product needs it. Reads may be repeated freely. Each write says why repeating it is safe.
 *
 * Any method may throw {@link CodeHostUnavailable} (try again), {@link CodeHostBusy} (try again at a time) or
 * {@link CodeHostRefused} (a person has to act).
 */
export interface CodeHost {
  /** The same code host for work of another urgency; near the limits, the less urgent waits first. It is "publish" else. */
  withUrgency(urgency: Urgency): CodeHost;

  /** The same code host, and what has been asked through it so far; requests for tokens and those of git are nobody's. */
  measured(): { readonly codeHost: CodeHost; readonly cost: () => RequestCost };

  /** One page (up to 100) of an organization's or user's repositories, each with those of `files` that it has. */
  organizationPage(query: {
    readonly organization: string;
    readonly files: readonly string[];
    readonly cursor?: string;
  }): Promise<RepositoryPage>;

  /**
   * One page of a repository search, seen as the installation of `organization` sees it. The pages together hold every
   * hit, however many there are, each once while the hits stay the same; an empty page may have a next one.
   * @throws CodeHostRefused with `kind: "invalid"` when the code host shows no way to see all hits.
   */
  searchPage(query: {
    readonly organization: string;
    readonly search: string;
    readonly files: readonly string[];
    readonly cursor?: string;
  }): Promise<RepositoryPage>;

  /**
   * One page of the organization's repositories with files that a code search finds. A page shows a repository once, and
   * so may a later page whose hits are in the same repository.
   *
   * The code host's index covers default branches and smaller files, and lags: a candidate is confirmed when one of the
   * files found is there on the default branch as it is now. That the file's contents still match is for the steps to see.
   * @throws CodeHostRefused with `kind: "invalid"` when there are more hits than the code host shows.
   */
  codeSearchPage(query: {
    readonly organization: string;
    readonly query: string;
    readonly files: readonly string[];
    readonly cursor?: string;
  }): Promise<CodeSearchPage>;

  /** Up to 100 repositories of one owner by name, each on its default branch or the one asked for. */
  findRepositories(query: {
    readonly organization: string;
    readonly repositories: readonly { readonly name: string; readonly branch?: string }[];
    readonly files: readonly string[];
  }): Promise<RepositoryPage>;

  /**
   * Resolves when there is room for a publication, as far as our own budget knows; the code host is asked nothing, so
   * those who have to wait cost nothing. Room is not taken: each request still waits for its own turn.
   * @throws CodeHostRefused when the App may not do what is going to be asked.
   * @throws CodeHostBusy with an appointment: of many who wait, each is told a time of its own.
   */
  assertRoomToPublish(repository: RepositoryRef, size: PublicationSize): Promise<void>;

  /**
   * The paths of all files with this name in a commit, in order; one at the root is the name itself. A symlink is a file,
   * a submodule holds none, and upper and lower case differ.
   * @throws CodeHostRefused with `kind: "not-found"` when there is no such commit, and `kind: "invalid"` when the code
   * host does not show all files of so large a repository.
   */
  findFiles(
    repository: RepositoryRef,
    query: { readonly commit: string; readonly name: string },
  ): Promise<readonly string[]>;

  /** How git reads a repository: contents read only, valid for some minutes at least. */
  gitAccess(repository: RepositoryRef, wish?: GitAccessWish): Promise<{ readonly url: string; readonly token: string }>;

  /** The commit a branch points to, or undefined when there is no such branch. */
  branchHead(repository: RepositoryRef, branch: string): Promise<string | undefined>;

  /**
   * Makes a commit that no branch points to yet. Making it twice gives the same commit. It takes a request for each file
   * that is not text: each one that writes goes through the gatekeeper.
   */
  createCommit(
    repository: RepositoryRef,
    draft: CommitDraft,
    gatekeeper?: Gatekeeper,
  ): Promise<{ readonly commit: string; readonly tree: string }>;

  /**
   * Points a branch at a commit if it still points at `from` (undefined: if it does not exist): the new commit
   * may stand beside the old one, and a commit that anybody else pushed is never overwritten.
   * @throws BranchMoved when it points elsewhere: also after this very move, so read the head first when repeating.
   */
  moveBranch(
    repository: RepositoryRef,
    move: { readonly branch: string; readonly from: string | undefined; readonly to: string },
  ): Promise<void>;

  /**
   * Makes the very commit that `createCommit` would make, with git itself, and points the branch at it if that still
   * points at `from` (undefined: if it does not exist): for what the API does not take. Only the last step, the push, goes
   * through the gatekeeper. Done twice it changes nothing: a branch that has the commit already is left as it is.
   *
   * @throws CodeHostRefused with `kind: "invalid"` when the changes make another tree than the draft says.
   * @throws BranchMoved when the branch points elsewhere.
   */
  pushCommit(
    repository: RepositoryRef,
    draft: CommitDraft & { readonly tree: string },
    move: { readonly branch: string; readonly from: string | undefined },
    gatekeeper?: Gatekeeper,
  ): Promise<{ readonly commit: string; readonly tree: string }>;

  /** The pull request whose head is the branch, in any state; the open one, else the newest. */
  findPullRequest(repository: RepositoryRef, headBranch: string): Promise<PullRequest | undefined>;

  /** @throws CodeHostRefused with `kind: "not-found"` when there is no such pull request. */
  readPullRequest(repository: RepositoryRef, number: number): Promise<PullRequest>;

  /** Opens a pull request. @throws PullRequestExists when the branch has an open one: a repetition finds that one. */
  openPullRequest(
    repository: RepositoryRef,
    draft: {
      readonly headBranch: string;
      readonly baseBranch: string;
      readonly title: string;
      readonly body: string;
      readonly draft: boolean;
    },
  ): Promise<PullRequest>;

  /** Sets title and body. Setting them twice changes nothing. */
  updatePullRequest(
    repository: RepositoryRef,
    number: number,
    change: { readonly title: string; readonly body: string },
  ): Promise<void>;

  /** Closes a pull request and keeps its branch. Closing one that is closed or merged changes nothing. */
  closePullRequest(repository: RepositoryRef, number: number): Promise<void>;

  /** Adds labels, making those that do not exist. Adding one twice changes nothing. */
  addLabels(repository: RepositoryRef, number: number, labels: readonly string[]): Promise<void>;

  /** Adds assignees; the code host ignores those without push access in silence, so the answer says who was taken. */
  addAssignees(repository: RepositoryRef, number: number, logins: readonly string[]): Promise<readonly string[]>;

  /** Asks for reviews; one person that cannot review fails the whole call. */
  requestReviewers(
    repository: RepositoryRef,
    number: number,
    reviewers: { readonly logins: readonly string[]; readonly teams: readonly string[] },
  ): Promise<void>;

  /** Resolves when the App's key is accepted. @throws CodeHostRefused or CodeHostUnavailable saying what is wrong. */
  check(): Promise<void>;
}

/** The branch is not where we left it: somebody else moved, made or deleted it. */
export class BranchMoved extends Error {
  override readonly name = "BranchMoved";
}

/** The branch has an open pull request already. */
export class PullRequestExists extends Error {
  override readonly name = "PullRequestExists";
}

/** The code host did not answer, or answered that it is broken: the same request may succeed later. */
export class CodeHostUnavailable extends Error {
  override readonly name = "CodeHostUnavailable";
}

/** It has to wait until `retryAt`: the code host's rate limits say so, or our own budget, so as not to reach them. Nothing was done. */
export class CodeHostBusy extends Error {
  override readonly name = "CodeHostBusy";
  readonly retryAt: Date;
  constructor(message: string, retryAt: Date, options?: ErrorOptions) {
    super(message, options);
    this.retryAt = retryAt;
  }
}

/** Why the code host refused; the message is written for the people who run the campaign and names the remedy. */
export type RefusalKind =
  | "not-found"
  | "not-installed"
  | "suspended"
  | "bad-credentials"
  | "missing-permission"
  | "archived"
  | "protected"
  | "invalid";

/** The code host will refuse this as long as nobody changes something. */
export class CodeHostRefused extends Error {
  override readonly name = "CodeHostRefused";
  readonly kind: RefusalKind;
  constructor(kind: RefusalKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
