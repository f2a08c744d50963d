import { rm } from "node:fs/promises";
import { join } from "node:path";
import { AppOwners } from "./app-owners.ts";
import { commitFirst, initializeBare } from "./bare-repository.ts";
import { GitRepository } from "./git/git-repository.ts";
import { RepositoryTemplate, TemplatedRepository } from "./git/templated-repository.ts";
import { recordOf, type Files, type NewRepository, type RepositoryFleet } from "./new-repository.ts";
import { announceRepositoryEvent, announceSelection } from "./actions/installation-events.ts";
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
import type { Permissions } from "./state/permissions.ts";
import type { BranchProtection, Repository } from "./state/repository.ts";
import { reaches } from "./state/world.ts";

/** Sets up what a test or a demo needs, and looks into what came of it. Repositories are named `owner/name`. */
export class Arrangements extends AppOwners {
  readonly #site: Site;
  readonly #directory: string;
  #hasFleets = false;

  constructor(site: Site, directory: string) {
    super(site);
    this.#site = site;
    this.#directory = directory;
  }

  /**
   * Adds an organization, with the App installed in it unless `installed` is false. Its owner is `app-owner`.
   * @param options.installed the permissions; by default those that the App asks for
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
        permissions: options.installed ?? world.app.permissions,
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

  async addRepository(wanted: NewRepository): Promise<Repository> {
    const { world } = this.#site;
    const owner = this.owner(wanted.owner);
    this.#refuseTaken(wanted.owner, wanted.name);
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
    const repository = recordOf(wanted.name, wanted, { id, owner, git, now });
    world.addRepository(repository);
    await this.#announceNew(owner, [repository]);
    return repository;
  }

  /**
   * Adds many repositories at once, in the time of a few: they share the objects of a template, and none takes room on
   * disk until it is written to or git looks at it. Their head commits are known all the same.
   */
  async addRepositories(count: number, fleet: RepositoryFleet): Promise<readonly Repository[]> {
    const { world } = this.#site;
    const owner = this.owner(fleet.owner);
    const name = fleet.name ?? ((index): string => `repository-${String(index).padStart(5, "0")}`);
    const templates = await this.#templates(fleet);
    const now = world.clock.now();
    const repositories = Array.from({ length: count }, (_, index) => {
      const template = templates[index % templates.length];
      if (template === undefined) throw new Error("A fleet needs at least one set of files.");
      this.#refuseTaken(fleet.owner, name(index));
      const id = world.ids.next();
      const git = new TemplatedRepository(join(this.#directory, "fleet", `${id}.git`), world.pool, template);
      const repository = recordOf(name(index), fleet.traits?.(index) ?? {}, { id, owner, git, now });
      world.addRepository(repository);
      return repository;
    });
    await this.#announceNew(owner, repositories);
    return repositories;
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

  async #templates(fleet: RepositoryFleet): Promise<readonly RepositoryTemplate[]> {
    const { world } = this.#site;
    const { files = { "README.md": "# A repository\n" }, defaultBranch = "main" } = fleet;
    // `readonly` keeps Array.isArray from telling the two apart by itself.
    const directory = join(this.#directory, "fleet");
    // What an earlier process left there belongs to nobody: its repositories were known to that process alone.
    if (!this.#hasFleets) await rm(directory, { recursive: true, force: true });
    this.#hasFleets = true;
    const sets = Array.isArray(files) ? (files as readonly Files[]) : [files as Files];
    return Promise.all(
      sets.map(async (set) => {
        const git = new GitRepository(join(directory, `template-${world.ids.next()}.git`), world.pool);
        await initializeBare(git.directory, defaultBranch);
        await commitFirst(git, defaultBranch, set, signatureOf(world.appOwner, world.clock.now()));
        return RepositoryTemplate.of(git);
      }),
    );
  }

  #refuseTaken(owner: string, name: string): void {
    const taken = this.#site.world.repositoryNamed(owner, name);
    if (taken?.name.toLowerCase() === name.toLowerCase()) throw new Error(`There is a ${owner}/${name} already.`);
  }

  async #announceNew(owner: Owner, repositories: readonly Repository[]): Promise<void> {
    const installation = this.#site.world.installationOf(owner);
    if (installation === undefined) return;
    const reached = repositories.filter((repository) => reaches(installation, repository));
    if (reached.length > 0) await announceSelection(this.#site, installation, "added", reached);
  }

  #organization(login: string): Organization {
    const organization = this.#site.world.organization(login);
    if (organization === undefined) throw new Error(`There is no organization ${login}.`);
    return organization;
  }
}
