import { announceInstallation, announceSelection } from "./actions/installation-events.ts";
import { agreeToManifest } from "./actions/app-registration.ts";
import { generateKey } from "./app-identity.ts";
import { signAppJwt } from "./auth/jwt.ts";
import { People } from "./people.ts";
import type { Site } from "./site.ts";
import type { Owner } from "./state/account.ts";
import { appManifest } from "./state/app-manifest.ts";
import type { AppIdentity, Installation } from "./state/installation.ts";
import type { Permissions } from "./state/permissions.ts";
import type { Delivery } from "./webhooks/delivery.ts";

/** What the App's owner and those who install it do: installations, permissions, keys, tokens, deliveries. */
export class AppOwners extends People {
  readonly #site: Site;

  constructor(site: Site) {
    super(site);
    this.#site = site;
  }

  /** The App that this GitHub knows now. */
  get app(): AppIdentity {
    return this.#site.world.app;
  }

  /** Installs the App in an account. */
  async install(
    login: string,
    options: { readonly permissions?: Permissions; readonly repositories?: "all" | "selected" } = {},
  ): Promise<Installation> {
    const { world } = this.#site;
    const account = this.owner(login);
    const now = world.clock.now();
    const installation: Installation = {
      id: world.ids.next(),
      account,
      permissions: { ...(options.permissions ?? world.app.permissions), metadata: "read" },
      selected: options.repositories === "selected" ? new Set() : undefined,
      createdAt: now,
      updatedAt: now,
      suspendedAt: undefined,
    };
    world.installations.set(installation.id, installation);
    await announceInstallation(this.#site, installation, "created");
    return installation;
  }

  /** @throws Error when the App is not installed there */
  installation(login: string): Installation {
    const installation = this.#site.world.installationOf(this.owner(login));
    if (installation === undefined) throw new Error(`The App is not installed in ${login}.`);
    return installation;
  }

  async suspend(login: string): Promise<void> {
    const installation = this.installation(login);
    installation.suspendedAt = this.#site.world.clock.now();
    await announceInstallation(this.#site, installation, "suspend");
  }

  async unsuspend(login: string): Promise<void> {
    const installation = this.installation(login);
    installation.suspendedAt = undefined;
    await announceInstallation(this.#site, installation, "unsuspend");
  }

  async uninstall(login: string): Promise<void> {
    const installation = this.installation(login);
    await announceInstallation(this.#site, installation, "deleted");
    this.#site.world.installations.delete(installation.id);
  }

  /** Changes what the installation may do; tokens that exist keep what they were given. */
  setPermissions(login: string, permissions: Permissions): void {
    const installation = this.installation(login);
    installation.permissions = { ...permissions, metadata: "read" };
    for (const [token, grant] of this.#site.world.tokens) {
      // GitHub takes permissions from living tokens, too: a new one has to be minted.
      if (grant.kind === "installation" && grant.installation === installation) this.#site.world.tokens.delete(token);
    }
  }

  /** Adds a repository to an installation that was made with selected repositories, or takes it out. */
  async select(repository: string, isSelected = true): Promise<void> {
    const found = this.repository(repository);
    const installation = this.installation(found.owner.login);
    if (installation.selected === undefined) throw new Error("The installation reaches all repositories.");
    if (isSelected) installation.selected.add(found.id);
    else installation.selected.delete(found.id);
    await announceSelection(this.#site, installation, isSelected ? "added" : "removed", [found]);
  }

  /** What the App asks for from now on; installations keep what they have until somebody accepts. */
  requestPermissions(permissions: Permissions): void {
    const { world } = this.#site;
    world.app = { ...world.app, permissions: { ...permissions, metadata: "read" } };
  }

  /** Gives the installation what the App asks for now. */
  async acceptPermissions(login: string): Promise<void> {
    const installation = this.installation(login);
    installation.permissions = this.app.permissions;
    installation.updatedAt = this.#site.world.clock.now();
    await announceInstallation(this.#site, installation, "new_permissions_accepted");
  }

  /** Gives the App one more private key, and answers it as PEM. */
  async addKey(): Promise<string> {
    const key = await generateKey();
    this.#site.world.appKeys.add(key);
    return key;
  }

  /** Takes a private key from the App, its first one by default: what it signs is refused from now on. */
  revokeKey(key: string = this.app.privateKey): void {
    if (!this.#site.world.appKeys.delete(key)) throw new Error("The App has no such key.");
  }

  /** Agrees to a manifest as a person would in a browser; answers the code that buys the credentials. */
  agreeToManifest(manifest: unknown): string {
    return agreeToManifest(this.#site, appManifest.parse(manifest));
  }

  /**
   * A JWT of the App by this GitHub's clock, good for nine minutes.
   * @param claims what it claims instead, to see what GitHub says to a client whose clock is wrong
   */
  appJwt(claims: Readonly<Record<string, unknown>> = {}, key: string = this.app.privateKey): string {
    const seconds = Math.floor(this.#site.world.clock.now().getTime() / 1000);
    const payload = { iat: seconds - 60, exp: seconds + 540, iss: this.app.clientId, ...claims };
    return signAppJwt(payload, key);
  }

  /** A token of an installation as the API would mint it, for an hour by the clock, without a request. */
  installationToken(login: string): string {
    const { world } = this.#site;
    const installation = this.installation(login);
    const { permissions } = installation;
    const expiresAt = new Date(world.clock.now().getTime() + 3_600_000);
    return world.issueToken("ghs", {
      kind: "installation",
      installation,
      permissions,
      repositoryIds: undefined,
      expiresAt,
    });
  }

  /** Ends a token before its time. */
  revokeToken(token: string): void {
    this.#site.world.tokens.delete(token);
  }

  /** Ends every token of an installation. */
  revokeTokens(login: string): void {
    const installation = this.installation(login);
    for (const [token, grant] of this.#site.world.tokens) {
      if (grant.kind === "installation" && grant.installation === installation) this.revokeToken(token);
    }
  }

  setWebhookUrl(url: string | undefined): void {
    this.#site.webhooks.url = url;
  }

  /** Every delivery so far, oldest first, redeliveries included. */
  get deliveries(): readonly Delivery[] {
    return this.#site.webhooks.deliveries;
  }

  /** Sends a delivery again, as a person can on the App's page. */
  redeliver(id: number): void {
    if (!this.#site.webhooks.redeliver(id)) throw new Error(`There is no delivery ${id} to send again.`);
  }

  /** Resolves once no webhook is under way. */
  webhooksSettled(): Promise<void> {
    return this.#site.webhooks.settled();
  }

  /** @throws Error when there is no such account, or it is a bot */
  protected owner(login: string): Owner {
    const account = this.#site.world.account(login);
    if (account === undefined || account.kind === "Bot") throw new Error(`There is no organization or user ${login}.`);
    return account;
  }
}
