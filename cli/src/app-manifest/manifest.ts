/** What an App may do, by GitHub's own names. */
type Permissions = Readonly<Record<string, "read" | "write">>;

/**
 * What GitHub is asked to make an App of.
 * https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
 */
export interface AppManifest {
  readonly name: string;
  readonly url: string;
  /** Left out, the App has no webhook. GitHub wants its `url` even where it is not active. */
  readonly hook_attributes?: { readonly url: string; readonly active: true };
  readonly redirect_url: string;
  readonly public: false;
  readonly default_permissions: Permissions;
  readonly default_events: readonly string[];
}

/** What campaigns need at least. */
const minimum: Permissions = {
  metadata: "read",
  contents: "write",
  pull_requests: "write",
  checks: "read",
  statuses: "read",
  members: "read",
};

/** What some campaigns need besides. */
export const optionalPermissions = {
  workflows: "write",
  merge_queues: "read",
  organization_custom_properties: "read",
  administration: "read",
  issues: "write",
} as const satisfies Permissions;

export type OptionalPermission = keyof typeof optionalPermissions;

/** The names of the table; Object.keys forgets them. */
export const optionalPermissionNames = Object.keys(optionalPermissions) as readonly OptionalPermission[];

/**
 * Those that `receive-webhook` acts on. GitHub sends those about the installation to every App, and refuses a manifest
 * that names them.
 */
const events: readonly string[] = ["pull_request", "push"];

/** Where GitHub is to send webhooks, below the address of an Octobatch. */
export const webhookPath = "/webhooks/github";

/** GitHub refuses longer names. */
export const longestName = 34;

/** The manifest of an App that does what campaigns need, and what else was asked for. */
export function manifestOf(app: {
  readonly name: string;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly webhooks: boolean;
  readonly extra: readonly OptionalPermission[];
  readonly redirectUrl: string;
}): AppManifest {
  return {
    name: app.name,
    url: app.publicUrl,
    ...(app.webhooks ? { hook_attributes: { url: app.publicUrl + webhookPath, active: true } } : {}),
    redirect_url: app.redirectUrl,
    public: false,
    default_permissions: {
      ...minimum,
      ...Object.fromEntries(app.extra.map((name) => [name, optionalPermissions[name]])),
    },
    default_events: app.webhooks ? events : [],
  };
}

/** A name that says whose it is. It has to be the only one of its kind on GitHub; people can change it there. */
export function defaultName(organization: string | undefined, publicUrl: string): string {
  return `Octobatch ${organization ?? new URL(publicUrl).hostname}`.slice(0, longestName).trim();
}
