import type { Site } from "../site.ts";
import type { Installation } from "../state/installation.ts";
import { userShape } from "./account-shape.ts";
import { instant, instantOrNull } from "./repository-shape.ts";

/** The events the App subscribes to, as its registration says. */
export const subscribedEvents: readonly string[] = ["pull_request", "push", "repository"];

/** `integration` of the OpenAPI description. */
export function appShape(site: Site): Record<string, unknown> {
  const { app, appOwner, installations, bot } = site.world;
  return {
    id: app.id,
    slug: app.slug,
    node_id: `A_kw${Buffer.from(String(app.id)).toString("base64url")}`,
    client_id: app.clientId,
    owner: userShape(site.urls, appOwner),
    name: app.name,
    description: null,
    external_url: site.urls.root,
    html_url: `${site.urls.root}/apps/${app.slug}`,
    created_at: instant(bot.createdAt),
    updated_at: instant(bot.createdAt),
    permissions: app.permissions,
    events: subscribedEvents,
    installations_count: installations.size,
  };
}

/** `installation` of the OpenAPI description. */
export function installationShape(site: Site, installation: Installation): Record<string, unknown> {
  const { urls, world } = site;
  const { account } = installation;
  const path = account.kind === "Organization" ? `organizations/${account.login}/settings` : "settings";
  return {
    id: installation.id,
    account: userShape(urls, account),
    repository_selection: installation.selected === undefined ? "all" : "selected",
    access_tokens_url: `${urls.api}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${urls.api}/installation/repositories`,
    html_url: `${urls.root}/${path}/installations/${installation.id}`,
    app_id: world.app.id,
    client_id: world.app.clientId,
    app_slug: world.app.slug,
    target_id: account.id,
    target_type: account.kind,
    permissions: installation.permissions,
    events: subscribedEvents,
    created_at: instant(installation.createdAt),
    updated_at: instant(installation.updatedAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: installation.suspendedAt === undefined ? null : userShape(urls, world.appOwner),
    suspended_at: instantOrNull(installation.suspendedAt),
  };
}
