import { addLabels } from "../actions/labels.ts";
import { mergePullRequest } from "../actions/merging.ts";
import {
  closePullRequest,
  editPullRequest,
  openPullRequest,
  reopenPullRequest,
  setDraft,
} from "../actions/pull-requests.ts";
import { changeRefs } from "../actions/refs.ts";
import { actorOf, demand, sees } from "../auth/caller.ts";
import { zeroOid } from "../git/git-repository.ts";
import { refuseReadOnly } from "../rest/rest-api.ts";
import { needs, type Need } from "../state/permissions.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { createCommitOnBranch } from "./commit-on-branch.ts";
import { accountObject, pullRequestObject, refObject } from "./objects.ts";
import {
  input,
  object,
  optionalBoolean,
  optionalText,
  text,
  type Arguments,
  type FieldResolvers,
  type GraphqlContext,
} from "./resolver.ts";
import { unknownNode } from "./visibility.ts";
import { findRef } from "./find-ref.ts";
import { Refusal, unprocessable } from "../http/refusal.ts";

const contents = [needs("contents", "write")];
const pulls = [needs("pull_requests", "write")];

type Mutation = (source: unknown, args: Arguments, context: GraphqlContext) => Promise<unknown>;

/** Runs a change of one repository: it has to be seen, writable and covered by the permissions; one at a time. */
export async function changing<T>(
  context: GraphqlContext,
  repository: Repository,
  alternatives: readonly Need[],
  work: () => Promise<T>,
): Promise<T> {
  demand(context.caller, repository, alternatives);
  refuseReadOnly(repository);
  return context.site.locks.exclusively(repository, work);
}

function repositoryOf(context: GraphqlContext, id: string): Repository {
  const repository = context.site.world.repositoryByNode(id);
  if (repository === undefined || !sees(context.caller, repository)) throw unknownNode(id);
  return repository;
}

/** A mutation of one pull request, named by an id in the input, that answers it. */
function onPullRequest(
  field: string,
  typename: string,
  work: (context: GraphqlContext, repository: Repository, pullRequest: PullRequest, wanted: Arguments) => Promise<void>,
  alternatives: readonly Need[] = pulls,
): Mutation {
  return async (_, args, context) => {
    const wanted = input(args);
    const id = text(wanted, field);
    const found = context.site.world.pullRequestByNode(id);
    if (found === undefined || !sees(context.caller, found.repository)) throw unknownNode(id);
    if (context.site.lags.hides("pull-request", found.pullRequest)) throw unknownNode(id);
    const { repository, pullRequest } = found;
    await changing(context, repository, alternatives, () => work(context, repository, pullRequest, wanted));
    return object(typename, { wanted, pullRequest: pullRequestObject(repository, pullRequest) });
  };
}

/** The root of all mutations. */
export const mutationResolvers: FieldResolvers<unknown> = {
  updateRefs: async (_, args, context) => {
    const wanted = input(args);
    const repository = repositoryOf(context, text(wanted, "repositoryId"));
    // The schema has enforced a list of RefUpdate objects.
    const updates = wanted["refUpdates"] as readonly Arguments[];
    const requests = updates.map((update) => ({
      name: text(update, "name"),
      expected: optionalText(update, "beforeOid"),
      after: text(update, "afterOid"),
      force: optionalBoolean(update, "force") ?? false,
    }));
    if (new Set(requests.map(({ name }) => name)).size < requests.length)
      throw unprocessable("A ref may be updated only once.");
    await changing(context, repository, contents, () => changeRefs(context.site, repository, context.caller, requests));
    return object("UpdateRefsPayload", { wanted });
  },
  createRef: async (_, args, context) => {
    const wanted = input(args);
    const repository = repositoryOf(context, text(wanted, "repositoryId"));
    const request = { name: text(wanted, "name"), expected: zeroOid, after: text(wanted, "oid"), force: false };
    await changing(context, repository, contents, () =>
      changeRefs(context.site, repository, context.caller, [request]),
    );
    return object("CreateRefPayload", { wanted, ref: await refObject(repository, request.name) });
  },
  updateRef: async (_, args, context) => {
    const wanted = input(args);
    const { repository, name } = await findRef(context, text(wanted, "refId"));
    const force = optionalBoolean(wanted, "force") ?? false;
    const request = { name, after: text(wanted, "oid"), force };
    await changing(context, repository, contents, () =>
      changeRefs(context.site, repository, context.caller, [request]),
    );
    return object("UpdateRefPayload", { wanted, ref: await refObject(repository, name) });
  },
  deleteRef: async (_, args, context) => {
    const wanted = input(args);
    const { repository, name } = await findRef(context, text(wanted, "refId"));
    const request = { name, after: zeroOid, force: true };
    if (name === `refs/heads/${await repository.git.headBranch()}`)
      throw unprocessable("Cannot delete the default branch");
    await changing(context, repository, contents, () =>
      changeRefs(context.site, repository, context.caller, [request]),
    );
    return object("DeleteRefPayload", { wanted });
  },
  createPullRequest: async (_, args, context) => {
    const wanted = input(args);
    const repository = repositoryOf(context, text(wanted, "repositoryId"));
    const headRepository = optionalText(wanted, "headRepositoryId");
    if (headRepository !== undefined && headRepository !== repository.nodeId) {
      throw unprocessable("The local GitHub has no pull requests from forks.");
    }
    const draft = {
      title: text(wanted, "title"),
      body: optionalText(wanted, "body"),
      head: text(wanted, "headRefName"),
      base: text(wanted, "baseRefName"),
      isDraft: optionalBoolean(wanted, "draft") ?? false,
    };
    const actor = actorOf(context.caller);
    const opened = await changing(context, repository, pulls, () =>
      openPullRequest(context.site, repository, actor, draft),
    );
    return object("CreatePullRequestPayload", { wanted, pullRequest: pullRequestObject(repository, opened) });
  },
  updatePullRequest: onPullRequest(
    "pullRequestId",
    "UpdatePullRequestPayload",
    async (context, repository, pullRequest, wanted) => {
      const unsupported = ["assigneeIds", "labelIds", "milestoneId", "projectIds"].find(
        (name) => wanted[name] !== undefined,
      );
      if (unsupported !== undefined)
        throw new Refusal(200, `The local GitHub does not take ${unsupported} in updatePullRequest.`);
      const state = optionalText(wanted, "state");
      await editPullRequest(context.site, repository, pullRequest, actorOf(context.caller), {
        title: optionalText(wanted, "title"),
        body: optionalText(wanted, "body"),
        base: optionalText(wanted, "baseRefName"),
        ...(state === undefined ? {} : { state: state === "OPEN" ? "open" : "closed" }),
      });
    },
  ),
  closePullRequest: onPullRequest(
    "pullRequestId",
    "ClosePullRequestPayload",
    ({ site, caller }, repository, pullRequest) => closePullRequest(site, repository, pullRequest, actorOf(caller)),
  ),
  reopenPullRequest: onPullRequest(
    "pullRequestId",
    "ReopenPullRequestPayload",
    ({ site, caller }, repository, pullRequest) => reopenPullRequest(site, repository, pullRequest, actorOf(caller)),
  ),
  convertPullRequestToDraft: onPullRequest(
    "pullRequestId",
    "ConvertPullRequestToDraftPayload",
    ({ site, caller }, repository, pullRequest) => setDraft(site, repository, pullRequest, actorOf(caller), true),
  ),
  markPullRequestReadyForReview: onPullRequest(
    "pullRequestId",
    "MarkPullRequestReadyForReviewPayload",
    ({ site, caller }, repository, pullRequest) => setDraft(site, repository, pullRequest, actorOf(caller), false),
  ),
  mergePullRequest: onPullRequest(
    "pullRequestId",
    "MergePullRequestPayload",
    async ({ site, caller }, repository, pullRequest, wanted) => {
      const method = (optionalText(wanted, "mergeMethod") ?? "MERGE").toLowerCase();
      await mergePullRequest(site, repository, pullRequest, caller, {
        method: method === "squash" || method === "rebase" ? method : "merge",
        title: optionalText(wanted, "commitHeadline"),
        message: optionalText(wanted, "commitBody"),
        expectedHead: optionalText(wanted, "expectedHeadOid"),
      });
    },
    contents,
  ),
  addLabelsToLabelable: onPullRequest(
    "labelableId",
    "AddLabelsToLabelablePayload",
    async ({ site, caller }, repository, pullRequest, wanted) => {
      // The schema has enforced a list of ids.
      const labels = (wanted["labelIds"] as readonly string[]).map((id) => {
        const label = [...repository.labels.values()].find((candidate) => candidate.nodeId === id);
        if (label === undefined) throw unknownNode(id);
        return label;
      });
      await addLabels(site, repository, pullRequest, actorOf(caller), labels);
    },
    [needs("issues", "write"), needs("pull_requests", "write")],
  ),
  createCommitOnBranch: (_, args, context) => createCommitOnBranch(context, input(args), changing),
};

interface PayloadSource {
  readonly wanted: Arguments;
  readonly pullRequest?: unknown;
  readonly ref?: unknown;
  readonly commit?: unknown;
}

/** The fields of every mutation's payload. */
export const payloadResolvers: FieldResolvers<PayloadSource> = {
  clientMutationId: ({ wanted }) => wanted["clientMutationId"] ?? null,
  pullRequest: ({ pullRequest }) => pullRequest,
  labelable: ({ pullRequest }) => pullRequest,
  ref: ({ ref }) => ref,
  commit: ({ commit }) => commit,
  actor: (_, __, { caller }) => accountObject(actorOf(caller)),
};
