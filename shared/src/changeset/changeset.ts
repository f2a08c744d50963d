import { hashOf } from "#shared/hash.ts";
import type { FactOf, Lifecycle, Transition } from "#shared/lifecycle.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";

/** What a campaign wants of one repository, or of one workspace of it, and the pull request that came of it. */
export interface Changeset {
  readonly id: string;
  readonly campaign: string;
  readonly repository: RepositoryRef;
  /** The path of its workspace; empty when it is about the whole repository. */
  readonly workspace: string;
  readonly baseBranch: string;
  readonly desired: Desired;
  readonly state: ChangesetState;
  /** Grows with every write. */
  readonly version: number;
}

/** The patch that is wanted, and the run that found it. */
export interface Desired {
  readonly run: number;
  readonly specVersion: number;
  readonly executionId: string;
}

/** What is on the code host, as we left it. */
export interface Published {
  readonly pullRequest: number;
  readonly url: string;
  readonly branch: string;
  readonly headCommit: string;
  readonly specVersion: number;
  readonly executionId: string;
  /** What the code host would not take, though the pull request stands: for people. */
  readonly notes: readonly string[];
}

/** What there is on the code host already. */
interface Traces {
  /** The open pull request that is to be brought up to date; absent when there is none yet. */
  readonly published?: Published;
  /** The branch as we left it while no pull request of it was written down: there may be one. */
  readonly pushed?: { readonly branch: string; readonly headCommit: string };
  /** A branch of ours whose story has ended, merged or taken over by people: a new pull request comes from another. */
  readonly leftBranch?: string;
  /** The pull request that people have taken over: it is closed before another is opened. */
  readonly leftPullRequest?: number;
}

export type ChangesetState =
  | ({ readonly status: "unpublished" } & Omit<Traces, "published">)
  | ({ readonly status: "ready" } & Traces)
  | ({
      readonly status: "publishing";
      /** What was wanted when its turn came. It is brought to its end, whatever is wanted since. */
      readonly desired: Desired;
      /** Something newer was asked for meanwhile: it is published next. */
      readonly askedAgain?: true;
      /** Why nothing selects it any more, which was found meanwhile: what comes of it is closed next. */
      readonly closeAsked?: string;
    } & Traces)
  | { readonly status: "open"; readonly published: Published }
  /** Nothing selects it any more: its pull request is to be closed. */
  | {
      readonly status: "closing";
      readonly because: string;
      readonly published: Published;
      /** We may have closed it, without living to write that down. */
      readonly begun?: true;
    }
  | ({ readonly status: "needs-human"; readonly because: string } & Traces)
  | { readonly status: "merged"; readonly published: Published }
  | { readonly status: "closed"; readonly published: Published }
  | ({ readonly status: "failed"; readonly because: string } & Traces)
  | ({ readonly status: "withdrawn"; readonly because: string } & Omit<Traces, "published">);

export type ChangesetFact =
  | { readonly fact: "patch-found"; readonly desired: Desired }
  | { readonly fact: "patch-lost"; readonly because: string }
  /** A run selects it, and found no patch. */
  | { readonly fact: "still-selected" }
  | { readonly fact: "close-asked"; readonly because: string }
  /** We are about to close its pull request. */
  | { readonly fact: "close-began" }
  /** Its pull request is closed, as was asked. */
  | { readonly fact: "retired" }
  | { readonly fact: "publish-asked"; readonly desired: Desired }
  | { readonly fact: "turn-came"; readonly desired: Desired }
  | { readonly fact: "pushed"; readonly branch: string; readonly headCommit: string }
  | { readonly fact: "published"; readonly published: Published }
  /** `published` in these three: a pull request that was opened before, or just now. */
  | { readonly fact: "refused"; readonly because: string; readonly published?: Published }
  | { readonly fact: "changed-by-people"; readonly because: string; readonly published?: Published }
  | { readonly fact: "left-to-people"; readonly branch: string; readonly published?: Published }
  | { readonly fact: "restored" }
  | { readonly fact: "merged" }
  | { readonly fact: "closed" }
  | { readonly fact: "reopened" };

type PublishingState = Extract<ChangesetState, { readonly status: "publishing" }>;

type Move<Name extends ChangesetFact["fact"], From = Traces> = Transition<
  From,
  FactOf<ChangesetFact, Name>,
  ChangesetState
>;

const withdraw: Move<"patch-lost"> = {
  to: "withdrawn",
  when: ({ published }) => published === undefined,
  state: (from, { because }) => ({ status: "withdrawn", because, ...keep(from) }),
};
const close: Move<"close-asked"> = {
  to: "closing",
  when: ({ published }) => published !== undefined,
  state: ({ published }, { because }) => ({ status: "closing", because, published: present(published) }),
};
const refuse: Move<"refused"> = {
  to: "failed",
  state: (from, { because, published }) => ({ status: "failed", because, ...keep(from, published) }),
};
const handOver: Move<"changed-by-people"> = {
  to: "needs-human",
  state: (from, { because, published }) => ({ status: "needs-human", because, ...keep(from, published) }),
};
/** It was found to be selected after all. */
const keepAfterAll: Transition<PublishingState, unknown, ChangesetState> = {
  to: "publishing",
  when: ({ closeAsked }) => closeAsked !== undefined,
  state: ({ closeAsked: _, ...from }) => from,
};

/** What people do to the pull request, seen while we are about something else. */
function ended(status: "merged" | "closed"): Transition<Traces, unknown, ChangesetState> {
  return {
    to: status,
    when: ({ published }) => published !== undefined,
    state: ({ published }) => ({ status, published: present(published) }),
  };
}

/**
 * Facts are stated from what the code host shows now, so they may come late, twice and out of order: whatever is absent
 * here is an echo. A closed pull request is people's answer to that spec version; only a newer version asks again.
 */
export const changesetLifecycle: Lifecycle<ChangesetState, ChangesetFact> = {
  unpublished: {
    "publish-asked": { to: "ready", state: (from) => ({ status: "ready", ...keep(from) }) },
    "patch-lost": { to: "withdrawn", state: withdraw.state },
  },
  ready: {
    "turn-came": { to: "publishing", state: (from, { desired }) => ({ status: "publishing", desired, ...keep(from) }) },
    refused: refuse,
    "patch-lost": withdraw,
    "close-asked": close,
    // It was selected again, and asked for, while we closed it.
    retired: {
      to: "ready",
      when: ({ published }) => published !== undefined,
      state: ({ published }) => ({ status: "ready", leftBranch: present(published).branch }),
    },
    merged: ended("merged"),
    closed: ended("closed"),
  },
  publishing: {
    "left-to-people": {
      to: "ready",
      state: (from, { branch, published }) => {
        const left = published?.pullRequest ?? from.published?.pullRequest ?? from.leftPullRequest;
        return { status: "ready", leftBranch: branch, ...(left !== undefined && { leftPullRequest: left }) };
      },
    },
    pushed: {
      to: "publishing",
      when: (from, { headCommit }) => lastHeadOf(from) !== headCommit,
      state: ({ published, ...from }, { branch, headCommit }) =>
        published ? { ...from, published: { ...published, headCommit } } : { ...from, pushed: { branch, headCommit } },
    },
    "publish-asked": {
      to: "publishing",
      when: (from, { desired }) =>
        from.closeAsked !== undefined || (from.askedAgain === undefined && differs(from.desired, desired)),
      state: ({ closeAsked: _, ...from }, { desired }) =>
        differs(from.desired, desired) ? { ...from, askedAgain: true } : from,
    },
    "close-asked": {
      to: "publishing",
      when: ({ closeAsked }) => closeAsked === undefined,
      state: ({ askedAgain: _, ...from }, { because }) => ({ ...from, closeAsked: because }),
    },
    "patch-found": keepAfterAll,
    "still-selected": keepAfterAll,
    published: { to: "open", state: (_, { published }) => ({ status: "open", published }) },
    refused: refuse,
    "changed-by-people": handOver,
    merged: ended("merged"),
    closed: ended("closed"),
  },
  open: {
    "publish-asked": {
      to: "ready",
      when: ({ published }, { desired }) => differs(published, desired),
      state: ({ published }) => ({ status: "ready", published }),
    },
    "close-asked": close,
    // It was selected again while we closed it.
    retired: { to: "unpublished", state: ({ published }) => ({ status: "unpublished", leftBranch: published.branch }) },
    "changed-by-people": handOver,
    merged: ended("merged"),
    closed: ended("closed"),
  },
  closing: {
    // In these three it was selected again before its turn came.
    "publish-asked": { to: "ready", state: ({ published }) => ({ status: "ready", published }) },
    "patch-found": { to: "open", state: ({ published }) => ({ status: "open", published }) },
    "still-selected": { to: "open", state: ({ published }) => ({ status: "open", published }) },
    "close-began": {
      to: "closing",
      when: ({ begun }) => begun === undefined,
      state: (from) => ({ ...from, begun: true }),
    },
    retired: {
      to: "withdrawn",
      state: ({ because, published }) => ({ status: "withdrawn", because, leftBranch: published.branch }),
    },
    refused: refuse,
    "changed-by-people": handOver,
    // A closed one may be our own work, seen before it was written down. Whoever did it, nothing wants it any more.
    merged: ended("merged"),
  },
  "needs-human": {
    // A new version asks again, under its own drift policy.
    "publish-asked": {
      to: "ready",
      when: ({ published }, { desired }) => published === undefined || desired.specVersion > published.specVersion,
      state: (from) => ({ status: "ready", ...keep(from) }),
    },
    restored: {
      to: "open",
      when: ({ published }) => published !== undefined,
      state: ({ published }) => ({ status: "open", published: present(published) }),
    },
    merged: ended("merged"),
    closed: ended("closed"),
  },
  merged: {
    "patch-found": {
      to: "unpublished",
      when: ({ published }, { desired }) => published.executionId !== desired.executionId,
      state: ({ published }) => ({ status: "unpublished", leftBranch: published.branch }),
    },
  },
  closed: {
    reopened: { to: "open", state: ({ published }) => ({ status: "open", published }) },
    merged: ended("merged"),
    "patch-found": {
      to: "unpublished",
      when: ({ published }, { desired }) => desired.specVersion > published.specVersion,
      state: () => ({ status: "unpublished" }),
    },
  },
  failed: {
    "publish-asked": { to: "ready", state: (from) => ({ status: "ready", ...keep(from) }) },
    "patch-lost": withdraw,
    "close-asked": close,
    merged: ended("merged"),
    closed: ended("closed"),
  },
  withdrawn: {
    "patch-found": { to: "unpublished", state: (from) => ({ status: "unpublished", ...keep(from) }) },
  },
};

/** The id of the changeset of this campaign in this repository and workspace: there is never a second one. */
export function changesetIdFor(campaign: string, repositoryId: number, workspace: string): string {
  const part = workspace === "" ? [] : [workspace];
  return `c-${hashOf(campaign, repositoryId, ...part).slice(0, 32)}`;
}

/** What of this changeset is on the code host, if anything is. */
export function publishedOf(state: ChangesetState): Published | undefined {
  return "published" in state ? state.published : undefined;
}

/** What publishing is about: what was wanted when the turn came, else what is wanted now. */
export function desiredNow({ state, desired }: Changeset): Desired {
  return state.status === "publishing" ? state.desired : desired;
}

/** True while nothing of it can be on the code host: no attempt to publish it is under way, and none left a trace. */
export function isFresh(state: ChangesetState): boolean {
  return state.status === "ready" && Object.keys(keep(state)).length === 0;
}

/** The head of its branch as we left it, if it has one. */
export function lastHeadOf(state: ChangesetState): string | undefined {
  const pushed = "pushed" in state ? state.pushed : undefined;
  return publishedOf(state)?.headCommit ?? pushed?.headCommit;
}

/** True when what is on the code host, or on its way there, is not what is wanted. */
export function differs(there: Pick<Desired, "executionId" | "specVersion">, desired: Desired): boolean {
  return there.executionId !== desired.executionId || there.specVersion !== desired.specVersion;
}

/** The traces that are there, without a key for those that are not. */
function keep(from: Traces, published = from.published): Traces {
  const { pushed, leftBranch, leftPullRequest } = from;
  return {
    ...(published !== undefined && { published }),
    ...(published === undefined && pushed !== undefined && { pushed }),
    ...(leftBranch !== undefined && { leftBranch }),
    ...(leftPullRequest !== undefined && { leftPullRequest }),
  };
}

/** For transitions whose `when` has seen that it is there. */
function present(published: Published | undefined): Published {
  if (published === undefined)
    throw new TypeError("a changeset without a pull request cannot have it merged or closed");
  return published;
}
