import { z } from "zod";
import type { CodeHost, PullRequest, RepositoryRef } from "../../ports/code-host.ts";
import { purposeIn, type GitHubClient } from "./client.ts";

type PullRequests = Pick<
  CodeHost,
  | "findPullRequest"
  | "readPullRequest"
  | "openPullRequest"
  | "updatePullRequest"
  | "closePullRequest"
  | "addLabels"
  | "addAssignees"
  | "requestReviewers"
>;

const login = z.object({ login: z.string() });

/** The fields that GitHub's pull request and its shorter form in lists share. */
const pullRequestAnswer = z.object({
  number: z.number(),
  node_id: z.string(),
  html_url: z.string(),
  state: z.enum(["open", "closed"]),
  merged_at: z.string().nullable(),
  draft: z.boolean().optional(),
  title: z.string(),
  body: z.string().nullable(),
  /** `repo` is null once a fork is deleted. */
  head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.number() }).nullable() }),
  base: z.object({ ref: z.string() }),
  labels: z.array(z.object({ name: z.string() })),
  assignees: z.array(login).nullish(),
  requested_reviewers: z.array(login).nullish(),
  requested_teams: z.array(z.object({ slug: z.string() })).nullish(),
});

/** Pull requests by REST. Writes are sent once; each is safe to repeat as the port says. */
export function pullRequests(client: GitHubClient): PullRequests {
  /** Who owns a repository that was renamed or given away. */
  async function ownerNow(repository: RepositoryRef): Promise<string> {
    const { data } = await client.read(purposeIn(repository, "see what has become of"), ({ request }) =>
      request("GET /repos/{owner}/{repo}", at(repository)),
    );
    return data.id === repository.id ? data.owner.login : repository.owner;
  }

  return {
    async findPullRequest(repository, headBranch) {
      const purpose = purposeIn(repository, `look for the pull request of ${headBranch} in`);
      const list = (owner: string) =>
        client.read(purpose, ({ request }) =>
          request("GET /repos/{owner}/{repo}/pulls", {
            ...at(repository),
            head: `${owner}:${headBranch}`,
            state: "all",
            sort: "created",
            direction: "desc",
            per_page: 100,
          }),
        );
      const answer = await list(repository.owner);
      const { data } = isRedirected(answer, repository) ? await list(await ownerNow(repository)) : answer;
      // GitHub ignores a `head` that it cannot make sense of and lists everything, that of forks too.
      const isOurs = ({ head }: (typeof data)[number]) => head.ref === headBranch && head.repo?.id === repository.id;
      const ours = data.filter(isOurs).map(pullRequest);
      return ours.find(({ state }) => state === "open") ?? ours.toSorted((a, b) => b.number - a.number)[0];
    },

    async readPullRequest(repository, number) {
      const purpose = purposeIn(repository, `read pull request #${number} of`);
      const { data } = await client.read(purpose, ({ request }) =>
        request("GET /repos/{owner}/{repo}/pulls/{pull_number}", { ...at(repository), pull_number: number }),
      );
      return pullRequest(data);
    },

    async openPullRequest(repository, draft) {
      const purpose = purposeIn(repository, `open a pull request from ${draft.headBranch} in`);
      const { data } = await client.write(purpose, ({ request }) =>
        request("POST /repos/{owner}/{repo}/pulls", {
          ...at(repository),
          head: draft.headBranch,
          base: draft.baseBranch,
          title: draft.title,
          body: draft.body,
          draft: draft.draft,
        }),
      );
      return pullRequest(data);
    },

    async updatePullRequest(repository, number, { title, body }) {
      await client.write(purposeIn(repository, `update pull request #${number} of`), ({ request }) =>
        request("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", {
          ...at(repository),
          pull_number: number,
          title,
          body,
        }),
      );
    },

    async closePullRequest(repository, number) {
      await client.write(purposeIn(repository, `close pull request #${number} of`), ({ request }) =>
        request("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", {
          ...at(repository),
          pull_number: number,
          state: "closed",
        }),
      );
    },

    async addLabels(repository, number, labels) {
      if (labels.length === 0) return;
      await client.write(purposeIn(repository, `label pull request #${number} of`), ({ request }) =>
        request("POST /repos/{owner}/{repo}/issues/{issue_number}/labels", {
          ...at(repository),
          issue_number: number,
          labels: [...labels],
        }),
      );
    },

    async addAssignees(repository, number, logins) {
      if (logins.length === 0) return [];
      const { data } = await client.write(purposeIn(repository, `assign pull request #${number} of`), ({ request }) =>
        request("POST /repos/{owner}/{repo}/issues/{issue_number}/assignees", {
          ...at(repository),
          issue_number: number,
          assignees: [...logins],
        }),
      );
      const taken = new Set((data.assignees ?? []).map(({ login }) => login.toLowerCase()));
      return logins.filter((login) => taken.has(login.toLowerCase()));
    },

    async requestReviewers(repository, number, { logins, teams }) {
      if (logins.length + teams.length === 0) return;
      const doing = `ask for reviews of pull request #${number} of`;
      const purpose = { ...purposeIn(repository, doing), namesTeams: teams.length > 0 };
      await client.write(purpose, ({ request }) =>
        request("POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", {
          ...at(repository),
          pull_number: number,
          reviewers: [...logins],
          team_reviewers: [...teams],
        }),
      );
    },
  };
}

/** GitHub names a head by its owner, and redirects to a repository by its id once it is not so called any more. */
function isRedirected({ url }: { readonly url: string }, { id }: RepositoryRef): boolean {
  return new URL(url).pathname.includes(`/repositories/${id}/`);
}

function at({ owner, name }: RepositoryRef): { owner: string; repo: string } {
  return { owner, repo: name };
}

function pullRequest(data: unknown): PullRequest {
  const answer = pullRequestAnswer.parse(data);
  return {
    number: answer.number,
    nodeId: answer.node_id,
    url: answer.html_url,
    state: answer.merged_at !== null ? "merged" : answer.state === "open" ? "open" : "closed",
    draft: answer.draft ?? false,
    title: answer.title,
    body: answer.body ?? "",
    headBranch: answer.head.ref,
    headCommit: answer.head.sha,
    baseBranch: answer.base.ref,
    labels: answer.labels.map(({ name }) => name),
    assignees: (answer.assignees ?? []).map(({ login }) => login),
    requestedReviewers: (answer.requested_reviewers ?? []).map(({ login }) => login),
    requestedTeams: (answer.requested_teams ?? []).map(({ slug }) => slug),
  };
}
