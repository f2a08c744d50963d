import { join } from "node:path";
import { commitFirst, initializeBare, type FileContent } from "./bare-repository.ts";
import { GitRepository } from "./git/git-repository.ts";
import { People } from "./people.ts";
import { announceInstallation, announceRepositoryEvent, announceSelection } from "./actions/installation-events.ts";
import { signatureOf } from "./actions/signing.ts";
import type { Site } from "./site.ts";
import {
  newOrganization,
  newUser,
  type Organization,
  type Owner,
  type Role,
  type Team,
  type User,
} from "./state/account.ts";
import { nodeId } from "./state/ids.ts";
import type { Installation } from "./state/installation.ts";
import { campaignPermissions, type Permissions } from "./state/permissions.ts";
import type { BranchProtection, Repository, Visibility } from "./state/repository.ts";
import { reaches } from "./state/world.ts";
import type { Delivery } from "./webhooks/delivery.ts";

export interface NewRepository {
  readonly owner: string;
  readonly name: string;
  /** An existing bare repository, used where it is. Without it one is made with `files`. */
  readonly bareDirectory?: string;
  /** The first commit; a README by default. */
  readonly files?: Readonly<Record<string, FileContent>>;
  /** `main`, or what HEAD of the bare repository names. */
  readonly defaultBranch?: string;
  readonly description?: string;
  readonly topics?: readonly string[];
  readonly language?: string;
  readonly visibility?: Visibility;
  readonly archived?: boolean;
  readonly disabled?: boolean;
  readonly fork?: boolean;
  readonly template?: boolean;
  readonly locked?: Repository["lockReason"];
  /** No commit at all. */
  readonly empty?: boolean;
  readonly createdAt?: Date;
  readonly sizeKb?: number;
}

/** Sets up what a test or a demo needs, and looks into what came of it. Repositories are named `owner/name`. */
export class Arrangements extends People {
  readonly #site: Site;
  readonly #directory: string;

  constructor(site: Site, directory: string) {
    super(site);
    this.#site = site;
    this.#directory = directory;
  }

  /**
   * Adds an organization, with the App installed in it unless `installed` is false. Its owner is `app-owner`.
   * @param options.installed the permissions; by default those a campaign needs
   */
  async addOrganization(
    login: string,
    options: { readonly installed?: Permissions | false; readonly repositories?: "all" | "selected" } = {},
  ): Promise<Organization> {
    const { world } = this.#site;
    const organization = newOrganization(world.ids.next(), login, world.clock.now());
    organization.members.set(world.appOwner.login, "owner");
    world.addAccount(organization);
    if (options.installed !== false) {
      await this.install(login, {
        permissions: options.installed ?? campaignPermissions,
        repositories: options.repositories ?? "all",
      });
    }
    return organization;
  }

  /** Adds a person; the token is a personal access token with which a test acts as them. */
  addUser(login: string): { readonly user: User; readonly token: string } {
    const { world } = this.#site;
    const user = newUser(world.ids.next(), login, world.clock.now());
    world.addAccount(user);
    return { user, token: this.tokenOf(login) };
  }

  /** Makes somebody a member, or with `owner` an administrator, of an organization. */
  addMember(organization: string, login: string, role: "member" | "owner" = "member"): void {
    this.#organization(organization).members.set(login.toLowerCase(), role);
  }

  /** Adds a team with its members; give it repositories with {@link addTeamRepository}. */
  addTeam(organization: string, slug: string, members: readonly string[] = []): Team {
    const owner = this.#organization(organization);
    const id = this.#site.world.ids.next();
    const logins = new Set(members.map((login) => login.toLowerCase()));
    const team = {
      id,
      nodeId: nodeId("Team", owner.id, id),
      slug,
      name: slug,
      members: logins,
      repositories: new Map(),
    };
    owner.teams.set(slug, team);
    return team;
  }

  addTeamRepository(organization: string, slug: string, repository: string, role: Role = "write"): void {
    const team = this.#organization(organization).teams.get(slug);
    if (team === undefined) throw new Error(`${organization} has no team ${slug}.`);
    team.repositories.set(this.repository(repository).id, role);
  }

  addCollaborator(repository: string, login: string, role: Role = "write"): void {
    this.repository(repository).collaborators.set(login.toLowerCase(), role);
  }

  /** Installs the App in an account. */
  async install(
    login: string,
    options: { readonly permissions?: Permissions; readonly repositories?: "all" | "selected" } = {},
  ): Promise<Installation> {
    const { world } = this.#site;
    const account = this.#owner(login);
    const now = world.clock.now();
    const installation: Installation = {
      id: world.ids.next(),
      account,
      permissions: { ...(options.permissions ?? campaignPermissions), metadata: "read" },
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
    const installation = this.#site.world.installationOf(this.#owner(login));
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

  async addRepository(wanted: NewRepository): Promise<Repository> {
    const { world } = this.#site;
    const owner = this.#owner(wanted.owner);
    const taken = world.repositoryNamed(wanted.owner, wanted.name);
    if (taken?.name.toLowerCase() === wanted.name.toLowerCase())
      throw new Error(`There is a ${wanted.owner}/${wanted.name} already.`);
    const id = world.ids.next();
    const now = wanted.createdAt ?? world.clock.now();
    const directory = wanted.bareDirectory ?? join(this.#directory, `${owner.login}-${wanted.name}-${id}.git`);
    const git = new GitRepository(directory, world.pool);
    const branch = wanted.defaultBranch ?? "main";
    if (wanted.bareDirectory === undefined) {
      await initializeBare(directory, branch);
      if (wanted.empty !== true) {
        const files = wanted.files ?? { "README.md": `# ${wanted.name}\n` };
        await commitFirst(git, branch, files, signatureOf(world.appOwner, now));
      }
    } else if (wanted.defaultBranch !== undefined) await git.setHeadBranch(branch);
    const repository: Repository = {
      id,
      nodeId: nodeId("Repository", id),
      owner,
      git,
      createdAt: now,
      name: wanted.name,
      description: wanted.description,
      topics: [...(wanted.topics ?? [])],
      language: wanted.language,
      visibility: wanted.visibility ?? "private",
      isArchived: wanted.archived ?? false,
      isDisabled: wanted.disabled ?? false,
      isFork: wanted.fork ?? false,
      isTemplate: wanted.template ?? false,
      lockReason: wanted.locked,
      updatedAt: now,
      pushedAt: now,
      sizeKb: wanted.sizeKb ?? 0,
      deletesBranchOnMerge: false,
      collaborators: new Map(),
      labels: new Map(),
      pullRequests: new Map(),
      protections: new Map(),
    };
    world.addRepository(repository);
    await this.#announceNew(repository);
    return repository;
  }

  /** Renames a repository; the old name leads to the new one. */
  async rename(repository: string, name: string): Promise<void> {
    const found = this.repository(repository);
    const from = found.name;
    this.#site.world.renameRepository(found, name);
    await announceRepositoryEvent(this.#site, found, "renamed", { changes: { repository: { name: { from } } } });
  }

  async archive(repository: string, isArchived = true): Promise<void> {
    const found = this.repository(repository);
    found.isArchived = isArchived;
    await announceRepositoryEvent(this.#site, found, isArchived ? "archived" : "unarchived");
  }

  /** Protects the branches that match a pattern such as `main` or `release/*`. */
  setBranchProtection(repository: string, pattern: string, protection: Partial<BranchProtection> = {}): void {
    this.repository(repository).protections.set(pattern, {
      requiredApprovals: 0,
      requiredStatusChecks: [],
      allowForcePushes: false,
      allowDeletions: false,
      blocksCreation: false,
      ...protection,
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

  async #announceNew(repository: Repository): Promise<void> {
    const installation = this.#site.world.installationOf(repository.owner);
    if (installation === undefined || !reaches(installation, repository)) return;
    await announceSelection(this.#site, installation, "added", [repository]);
  }

  #owner(login: string): Owner {
    const account = this.#site.world.account(login);
    if (account === undefined || account.kind === "Bot") throw new Error(`There is no organization or user ${login}.`);
    return account;
  }

  #organization(login: string): Organization {
    const organization = this.#site.world.organization(login);
    if (organization === undefined) throw new Error(`There is no organization ${login}.`);
    return organization;
  }
}
