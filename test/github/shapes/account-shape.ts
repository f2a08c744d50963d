import type { Account, Organization, Team } from "../state/account.ts";
import type { Urls } from "../site.ts";

/** `simple-user` of the OpenAPI description. */
export function userShape(urls: Urls, account: Account): Record<string, unknown> {
  const api = `${urls.api}/users/${encodeURIComponent(account.login)}`;
  const page = account.kind === "Bot" ? `apps/${account.login.replace("[bot]", "")}` : account.login;
  return {
    login: account.login,
    id: account.id,
    node_id: account.nodeId,
    avatar_url: `${urls.root}/avatars/${account.id}`,
    gravatar_id: "",
    url: api,
    html_url: `${urls.root}/${page}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type: account.kind,
    user_view_type: "public",
    site_admin: false,
  };
}

/** `team` of the OpenAPI description, which includes `team-simple`. */
export function teamShape(urls: Urls, organization: Organization, team: Team): Record<string, unknown> {
  const api = `${urls.api}/organizations/${organization.id}/team/${team.id}`;
  return {
    id: team.id,
    node_id: team.nodeId,
    name: team.name,
    slug: team.slug,
    description: null,
    privacy: "closed",
    notification_setting: "notifications_enabled",
    permission: "pull",
    type: "organization",
    organization_id: organization.id,
    url: api,
    html_url: `${urls.root}/orgs/${organization.login}/teams/${team.slug}`,
    members_url: `${api}/members{/member}`,
    repositories_url: `${api}/repos`,
    parent: null,
  };
}

/** `organization-simple` of the OpenAPI description, as webhooks carry it. */
export function organizationShape(urls: Urls, organization: Organization): Record<string, unknown> {
  const api = `${urls.api}/orgs/${organization.login}`;
  return {
    login: organization.login,
    id: organization.id,
    node_id: organization.nodeId,
    url: api,
    repos_url: `${api}/repos`,
    events_url: `${api}/events`,
    hooks_url: `${api}/hooks`,
    issues_url: `${api}/issues`,
    members_url: `${api}/members{/member}`,
    public_members_url: `${api}/public_members{/member}`,
    avatar_url: `${urls.root}/avatars/${organization.id}`,
    description: null,
  };
}
