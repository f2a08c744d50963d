import type { SandboxStep } from "#shared/ports/sandbox.ts";

/**
 * What a campaign wants, with every default filled in and every duration in milliseconds. It is made by `parseSpec`
 * alone, and everything in it has been checked there.
 */
export interface Spec {
  readonly version: 1;
  /** The identity of the campaign: part of branch names and artifact keys. */
  readonly name: string;
  /** Markdown; empty when there is none. */
  readonly description: string;
  /** The repositories to look at are the union of these. */
  readonly on: readonly Source[];
  readonly filters: Filters;
  /** How repositories are divided; absent: each is one workspace, its root. See `workspaceRuleFor`. */
  readonly workspaces?: readonly WorkspaceRule[] | undefined;
  readonly steps: readonly Step[];
  /** What steps may reach, by the names that the operator has given; absent: nothing. */
  readonly network?: { readonly allow: readonly string[] } | undefined;
  readonly pullRequest: PullRequestTemplate;
  readonly policies: Policies;
}

export type Source = OrganizationSource | SearchSource | CodeSearchSource | RepositorySource;

interface OrganizationSource {
  /** An organization or user: all repositories that the App sees there. */
  readonly org: string;
}

interface SearchSource {
  /** A repository search in the code host's words; it is confined to `org` by a qualifier in it. */
  readonly search: string;
  /** Whose installation searches. */
  readonly org: string;
}

interface CodeSearchSource {
  /** A search for files in the words of the code host's API; it is confined to `org` by a qualifier in it. */
  readonly codeSearch: string;
  /** Whose installation searches. */
  readonly org: string;
}

interface RepositorySource {
  /** `owner/name` */
  readonly repository: string;
  /** Absent: the default branch. */
  readonly branch?: string | undefined;
}

export interface Filters {
  /** A repository has to match one of them; none at all means that every repository does. */
  readonly include: readonly RepositoryPattern[];
  /** A repository that matches one of them is left out. */
  readonly exclude: readonly RepositoryPattern[];
}

/** What a repository looks like: it matches when every field that is given does. */
export interface RepositoryPattern {
  /** A glob over `owner/name`, or over the name alone when it has no slash. */
  readonly name?: string | undefined;
  readonly topic?: string | undefined;
  /** The primary language. */
  readonly language?: string | undefined;
  readonly visibility?: "public" | "private" | "internal" | undefined;
  readonly archived?: boolean | undefined;
  readonly fork?: boolean | undefined;
  /** The path of a file that is there on the branch. */
  readonly file?: string | undefined;
}

/** Divides the repositories that it is for: each directory with a file of this name is a workspace. */
export interface WorkspaceRule {
  /** A name, not a path. */
  readonly rootAtLocationOf: string;
  /** A glob as in {@link RepositoryPattern}; absent: all repositories. */
  readonly in?: string | undefined;
  /** Globs over the directories that are none, by their path; the root is written `.`. */
  readonly exclude: readonly string[];
  /** Whether steps find the workspace's directory alone; else they find the whole repository. */
  readonly onlyFetchWorkspace: boolean;
}

/** One container's work; what the sandbox runs is exactly what the spec says. */
export type Step = SandboxStep;

/** The texts are templates, see `renderPullRequest`. */
export interface PullRequestTemplate {
  readonly title: string;
  readonly body: string;
  /** The branch to merge into; absent: the one that the repository was selected on. */
  readonly base?: string | undefined;
  readonly labels: readonly string[];
  /** Logins. */
  readonly reviewers: readonly string[];
  /** Team slugs, without the organization. */
  readonly teamReviewers: readonly string[];
  /** Logins. */
  readonly assignees: readonly string[];
  readonly draft: boolean;
  readonly commit: {
    readonly message: string;
    readonly author: { readonly name: string; readonly email: string };
  };
}

interface Policies {
  /** What becomes of a pull request whose branch people have committed to. */
  readonly drift: "needs-human" | "overwrite" | "new-pr";
  readonly throttle: {
    /** This campaign's own cap, below that of the organization; absent: only that one counts. */
    readonly pullRequestsPerDay?: number | undefined;
  };
}
