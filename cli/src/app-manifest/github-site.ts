/** A GitHub: github.com, or a server of somebody's own. */
export interface GitHubSite {
  /** For people, without a trailing slash. */
  readonly url: string;
  /** REST, without a trailing slash. */
  readonly apiUrl: string;
}

const apiOfGitHubCom = "https://api.github.com";

/** Who is to own the App: an organization, or the person who makes it. */
export type Owner = string | undefined;

/**
 * The GitHub at this address.
 * https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
 */
export function gitHubAt({ origin, hostname }: URL): GitHubSite {
  if (hostname === "github.com") return { url: origin, apiUrl: apiOfGitHubCom };
  // With data residency the API has a host of its own, as api.SUBDOMAIN.ghe.com.
  if (hostname.endsWith(".ghe.com")) return { url: origin, apiUrl: origin.replace("//", "//api.") };
  return { url: origin, apiUrl: `${origin}/api/v3` };
}

/** False where the API's address is the one that is taken when no setting says otherwise. */
export function needsApiUrl({ apiUrl }: GitHubSite): boolean {
  return apiUrl !== apiOfGitHubCom;
}

/** Where a form with the manifest is posted to; GitHub hands `state` back. */
export function registrationUrl(site: GitHubSite, owner: Owner, state: string): string {
  return `${appsUrl(site, owner)}/new?state=${encodeURIComponent(state)}`;
}

/** Where the owner sees all their Apps. */
export function appsUrl({ url }: GitHubSite, owner: Owner): string {
  return owner === undefined
    ? `${url}/settings/apps`
    : `${url}/organizations/${encodeURIComponent(owner)}/settings/apps`;
}

/** Where the owner changes an App, and makes new keys for it. */
export function settingsUrl(site: GitHubSite, owner: Owner, slug: string): string {
  return `${appsUrl(site, owner)}/${encodeURIComponent(slug)}`;
}

/** True for the machine that asks: nobody else reaches it by this name. */
export function isThisMachine(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/u.test(hostname);
}
