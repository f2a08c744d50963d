import type { Caller } from "../auth/caller.ts";
import { may } from "../auth/caller.ts";
import { needs } from "../state/permissions.ts";
import { fullName, type Repository } from "../state/repository.ts";
import type { Urls } from "../site.ts";
import { userShape } from "./account-shape.ts";

/** The resources of a repository that its representation links to, with their URI templates. */
const links: Readonly<Record<string, string>> = {
  archive_url: "/{archive_format}{/ref}",
  assignees_url: "/assignees{/user}",
  blobs_url: "/git/blobs{/sha}",
  branches_url: "/branches{/branch}",
  collaborators_url: "/collaborators{/collaborator}",
  comments_url: "/comments{/number}",
  commits_url: "/commits{/sha}",
  compare_url: "/compare/{base}...{head}",
  contents_url: "/contents/{+path}",
  contributors_url: "/contributors",
  deployments_url: "/deployments",
  downloads_url: "/downloads",
  events_url: "/events",
  forks_url: "/forks",
  git_commits_url: "/git/commits{/sha}",
  git_refs_url: "/git/refs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  hooks_url: "/hooks",
  issue_comment_url: "/issues/comments{/number}",
  issue_events_url: "/issues/events{/number}",
  issues_url: "/issues{/number}",
  keys_url: "/keys{/key_id}",
  labels_url: "/labels{/name}",
  languages_url: "/languages",
  merges_url: "/merges",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  pulls_url: "/pulls{/number}",
  releases_url: "/releases{/id}",
  stargazers_url: "/stargazers",
  statuses_url: "/statuses/{sha}",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  tags_url: "/tags",
  teams_url: "/teams",
  trees_url: "/git/trees{/sha}",
};

/** `repository` of the OpenAPI description, as lists and webhooks carry it. */
export async function repositoryShape(urls: Urls, repository: Repository): Promise<Record<string, unknown>> {
  const api = urls.repository(repository);
  const page = urls.page(repository);
  const open = [...repository.pullRequests.values()].filter((pullRequest) => pullRequest.state === "open").length;
  return {
    id: repository.id,
    node_id: repository.nodeId,
    name: repository.name,
    full_name: fullName(repository),
    private: repository.visibility !== "public",
    owner: userShape(urls, repository.owner),
    html_url: page,
    description: repository.description ?? null,
    fork: repository.isFork,
    url: api,
    ...Object.fromEntries(Object.entries(links).map(([name, path]) => [name, `${api}${path}`])),
    created_at: instant(repository.createdAt),
    updated_at: instant(repository.updatedAt),
    pushed_at: instant(repository.pushedAt),
    git_url: `${page.replace(/^http/, "git")}.git`,
    ssh_url: `git@${new URL(page).hostname}:${fullName(repository)}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    size: repository.sizeKb,
    language: repository.language ?? null,
    stargazers_count: 0,
    watchers_count: 0,
    forks_count: 0,
    forks: 0,
    watchers: 0,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: false,
    has_pages: false,
    has_discussions: false,
    archived: repository.isArchived,
    disabled: repository.isDisabled,
    open_issues_count: open,
    open_issues: open,
    license: null,
    allow_forking: true,
    is_template: repository.isTemplate,
    web_commit_signoff_required: false,
    topics: repository.topics,
    visibility: repository.visibility,
    default_branch: await repository.git.headBranch(),
  };
}

/** `full-repository` of the OpenAPI description, as it is shown to one caller. */
export async function fullRepositoryShape(
  urls: Urls,
  repository: Repository,
  caller: Caller,
): Promise<Record<string, unknown>> {
  const pushes = may(caller, repository, [needs("contents", "write")]);
  const administers = may(caller, repository, [needs("administration", "write")]);
  return {
    ...(await repositoryShape(urls, repository)),
    ...(repository.owner.kind === "Organization" ? { organization: userShape(urls, repository.owner) } : {}),
    subscribers_count: 0,
    network_count: 0,
    permissions: { admin: administers, maintain: administers, push: pushes, triage: pushes, pull: true },
    allow_rebase_merge: true,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_auto_merge: false,
    allow_update_branch: false,
    delete_branch_on_merge: repository.deletesBranchOnMerge,
    custom_properties: {},
  };
}

/** An instant as the API writes it: UTC to the second. */
export function instant(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export function instantOrNull(date: Date | undefined): string | null {
  return date === undefined ? null : instant(date);
}
