import { commitsOf, filesOf } from "../actions/comparison.ts";
import type { FileDiff } from "../git/diff.ts";
import { instant } from "../shapes/repository-shape.ts";
import type { PullRequest } from "../state/pull-request.ts";
import { fullName, type Repository } from "../state/repository.ts";
import { html, type Html } from "./html.ts";
import { stateBadge } from "./repository-page.ts";

/** A pull request with its text, who and what is on it, its commits and its diff, and buttons to decide it. */
export async function pullRequestPage(repository: Repository, pullRequest: PullRequest, error?: string): Promise<Html> {
  const [files, commits] = await Promise.all([filesOf(repository, pullRequest), commitsOf(repository, pullRequest)]);
  const read = await Promise.all(commits.map((oid) => repository.git.commit(oid)));
  const rows = read.map(
    (commit) =>
      html`<li>
        <code>${commit?.oid.slice(0, 7)}</code> ${commit?.message.split("\n")[0]}
        <span class="faint">${commit?.author.name}</span>
      </li>`,
  );
  const name = fullName(repository);
  const people = [
    ...[...pullRequest.reviewers.values()].map(({ login }) => `review: ${login}`),
    ...[...pullRequest.teams.values()].map(({ slug }) => `review: team ${slug}`),
    ...[...pullRequest.assignees.values()].map(({ login }) => `assigned: ${login}`),
  ];
  return html`<p><a href="/${name}">${name}</a></p>
    <h1>${pullRequest.title} <span class="faint">#${pullRequest.number}</span></h1>
    <p>
      ${stateBadge(pullRequest)} ${pullRequest.author.login} wants to merge <code>${pullRequest.headBranch}</code> into
      <code>${pullRequest.baseBranch}</code> <span class="faint">· opened ${instant(pullRequest.createdAt)}</span>
    </p>
    <p>
      ${[...pullRequest.labels.values()].map((label) => html`<span class="badge">${label.name}</span>`)}
      ${people.map((text) => html`<span class="badge">${text}</span>`)}
    </p>
    ${error === undefined ? html`` : html`<p class="error">${error}</p>`}
    <div class="body">${pullRequest.body ?? "No description."}</div>
    <p>${buttons(name, pullRequest)}</p>
    <h2>Commits (${rows.length})</h2>
    <ul class="list">
      ${rows}
    </ul>
    <h2>Files changed (${files.length})</h2>
    ${files.map(fileDiff)}`;
}

function buttons(name: string, pullRequest: PullRequest): Html {
  const button = (action: string, label: string, look: string): Html =>
    html`<form method="post" action="/${name}/pull/${pullRequest.number}/${action}">
      <button class="${look}">${label}</button>
    </form>`;
  if (pullRequest.merged !== undefined)
    return html`<span class="faint">Merged by ${pullRequest.merged.by.login}.</span>`;
  if (pullRequest.state === "closed") return button("reopen", "Reopen", "");
  return html`${button("merge", "Merge", "go")}${button("close", "Close", "")}`;
}

const longestPatchLines = 2_000;

function fileDiff(file: FileDiff): Html {
  const title = file.previousPath === undefined ? file.path : `${file.previousPath} → ${file.path}`;
  const lines = (file.patch ?? "").split("\n");
  const shown = lines
    .slice(0, longestPatchLines)
    .map((line) => html`<span class="${lookOf(line)}">${line === "" ? " " : line}</span>`);
  const rest = lines.length - longestPatchLines;
  const more = rest > 0 ? html`<span class="hunk">… ${rest} more lines</span>` : html``;
  return html`<div class="file">
    <b
      >${title} <span class="badge" style="display:inline-block">${file.status}</span> +${file.additions}
      −${file.deletions}</b
    >
    ${file.patch === undefined ? html`<pre><span class="hunk">${file.isBinary ? "Binary file" : "No change of content"}</span></pre>` : html`<pre>${shown}${more}</pre>`}
  </div>`;
}

function lookOf(line: string): string {
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "add";
  return line.startsWith("-") ? "del" : "same";
}
