import { fullName, type Repository } from "../state/repository.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { World } from "../state/world.ts";
import { html, type Html } from "./html.ts";

/** All repositories, by owner and name. */
export function repositoriesPage(world: World): Html {
  const sorted = [...world.repositories.values()].sort((left, right) => fullName(left).localeCompare(fullName(right)));
  const items = sorted.map((repository) => {
    const open = [...repository.pullRequests.values()].filter(({ state }) => state === "open").length;
    return html`<li>
      <a href="/${fullName(repository)}"><b>${fullName(repository)}</b></a> ${badges(repository)}
      <div class="faint">
        ${repository.description ?? ""}
        ${open > 0 ? html`· ${open} open of ${repository.pullRequests.size} pull requests` : html``}
      </div>
    </li>`;
  });
  return html`<h1>${sorted.length} repositories</h1>
    <ul class="list">
      ${items}
    </ul>`;
}

/** One repository: what lies at its head, its branches and its pull requests. */
export async function repositoryPage(repository: Repository): Promise<Html> {
  const branch = await repository.git.headBranch();
  const branches = await repository.git.refs("refs/heads/");
  const head = await repository.git.branchHead(branch);
  const commit = head === undefined ? undefined : await repository.git.commit(head);
  const entries = commit === undefined ? [] : ((await repository.git.tree(commit.tree)) ?? []);
  const name = fullName(repository);
  const files = entries
    .toSorted((left, right) => Number(right.mode === "040000") - Number(left.mode === "040000"))
    .map((entry) => html`<li>${entry.mode === "040000" ? "▸ " : ""}${entry.name}</li>`);
  const pulls = [...repository.pullRequests.values()].reverse().map((pullRequest) => {
    return html`<li>
      ${stateBadge(pullRequest)}
      <a href="/${name}/pull/${pullRequest.number}">#${pullRequest.number} ${pullRequest.title}</a>
    </li>`;
  });
  const names = branches.map(
    (ref) => html`<li>${ref.name.slice("refs/heads/".length)} <code class="faint">${ref.oid.slice(0, 7)}</code></li>`,
  );
  return html`<h1>${name}</h1>
    <p>${badges(repository)} <span class="faint">${repository.description ?? ""}</span></p>
    ${section(`Pull requests (${pulls.length})`, pulls, "None yet.")}
    ${section(`Files at ${branch}`, files, "The repository is empty.")}
    ${section(`Branches (${names.length})`, names, "None yet.")}`;
}

export function stateBadge(pullRequest: PullRequest): Html {
  const word =
    pullRequest.merged === undefined
      ? pullRequest.isDraft && pullRequest.state === "open"
        ? "draft"
        : pullRequest.state
      : "merged";
  return html`<span class="badge state ${word}">${word}</span>`;
}

function badges(repository: Repository): Html {
  const words = [
    repository.visibility,
    ...(repository.isArchived ? ["archived"] : []),
    ...(repository.isFork ? ["fork"] : []),
    ...(repository.language === undefined ? [] : [repository.language]),
    ...repository.topics,
  ];
  return html`${words.map((word) => html`<span class="badge">${word}</span>`)}`;
}

function section(title: string, items: readonly Html[], nothing: string): Html {
  return html`<h2>${title}</h2>
    ${
      items.length > 0
        ? html`<ul class="list">
            ${items}
          </ul>`
        : html`<p class="faint">${nothing}</p>`
    }`;
}
