import { randomBytes } from "node:crypto";
import { CatFilePool } from "../git/cat-file.ts";
import type { Account, Bot, Organization, Owner, User } from "./account.ts";
import { newBot } from "./account.ts";
import { IdSequence } from "./ids.ts";
import type { AppManifest } from "./app-manifest.ts";
import type { AppIdentity, Installation, TokenGrant } from "./installation.ts";
import type { PullRequest } from "./pull-request.ts";
import type { Repository } from "./repository.ts";

export interface Clock {
  now(): Date;
}

/** An App that a person has agreed to, until its credentials are fetched. */
export interface PendingManifest {
  readonly manifest: AppManifest;
  readonly createdAt: Date;
}

/** Everything this GitHub knows, but for the git objects. Names are found without regard to case, as at GitHub. */
export class World {
  readonly clock: Clock;
  /** There is one App here; another may take its place. */
  app: AppIdentity;
  readonly appOwner: User;
  bot: Bot;
  readonly ids = new IdSequence(1_000_001);
  readonly pool = new CatFilePool();
  readonly accounts = new Map<string, Account>();
  readonly repositories = new Map<number, Repository>();
  readonly installations = new Map<number, Installation>();
  readonly tokens = new Map<string, TokenGrant>();
  /** The private keys with which the App may sign now, as PEM. */
  readonly appKeys = new Set<string>();
  readonly manifests = new Map<string, PendingManifest>();
  /** With which this GitHub signs the commits that it makes itself. */
  readonly signingKey: string;
  readonly #names = new Map<string, number>();
  readonly #byOwner = new Map<number, Repository[]>();
  readonly #byNode = new Map<string, Repository>();
  readonly #pullRequests = new Map<string, { readonly repository: Repository; readonly pullRequest: PullRequest }>();

  constructor(clock: Clock, app: AppIdentity, appOwner: User) {
    this.clock = clock;
    this.app = app;
    this.appOwner = appOwner;
    this.appKeys.add(app.privateKey);
    this.signingKey = app.webhookSecret;
    this.bot = newBot(this.ids.next(), app.slug, clock.now());
    this.addAccount(appOwner);
    this.addAccount(this.bot);
  }

  /** Puts another App in the place of the one there was: it is installed nowhere yet, and the old one is gone. */
  replaceApp(app: AppIdentity): void {
    this.app = app;
    this.appKeys.clear();
    this.appKeys.add(app.privateKey);
    this.installations.clear();
    for (const [token, grant] of this.tokens) if (grant.kind === "installation") this.tokens.delete(token);
    const known = this.account(`${app.slug}[bot]`);
    if (known?.kind === "Bot") this.bot = known;
    else {
      this.bot = newBot(this.ids.next(), app.slug, this.clock.now());
      this.addAccount(this.bot);
    }
  }

  addAccount(account: Account): void {
    const key = account.login.toLowerCase();
    if (this.accounts.has(key)) throw new Error(`There is an account ${account.login} already.`);
    this.accounts.set(key, account);
  }

  account(login: string): Account | undefined {
    return this.accounts.get(login.toLowerCase());
  }

  organization(login: string): Organization | undefined {
    const account = this.account(login);
    return account?.kind === "Organization" ? account : undefined;
  }

  user(login: string): User | undefined {
    const account = this.account(login);
    return account?.kind === "User" ? account : undefined;
  }

  addRepository(repository: Repository): void {
    this.repositories.set(repository.id, repository);
    this.#byNode.set(repository.nodeId, repository);
    const others = this.#byOwner.get(repository.owner.id);
    if (others === undefined) this.#byOwner.set(repository.owner.id, [repository]);
    else others.push(repository);
    this.#names.set(`${repository.owner.login}/${repository.name}`.toLowerCase(), repository.id);
  }

  /** A repository by its present or a former name, as long as nobody took that name since. */
  repositoryNamed(owner: string, name: string): Repository | undefined {
    const id = this.#names.get(`${owner}/${name}`.toLowerCase());
    return id === undefined ? undefined : this.repositories.get(id);
  }

  renameRepository(repository: Repository, name: string): void {
    const taken = this.repositoryNamed(repository.owner.login, name);
    if (taken?.name.toLowerCase() === name.toLowerCase() && taken !== repository) {
      throw new Error(`${repository.owner.login}/${name} exists already.`);
    }
    repository.name = name;
    this.#names.set(`${repository.owner.login}/${name}`.toLowerCase(), repository.id);
  }

  repositoriesOf(owner: Owner): readonly Repository[] {
    return this.#byOwner.get(owner.id) ?? [];
  }

  installationOf(account: Account): Installation | undefined {
    return [...this.installations.values()].find((installation) => installation.account === account);
  }

  addPullRequest(repository: Repository, pullRequest: PullRequest): void {
    repository.pullRequests.set(pullRequest.number, pullRequest);
    this.#pullRequests.set(pullRequest.nodeId, { repository, pullRequest });
  }

  pullRequestByNode(id: string): { readonly repository: Repository; readonly pullRequest: PullRequest } | undefined {
    return this.#pullRequests.get(id);
  }

  repositoryByNode(id: string): Repository | undefined {
    return this.#byNode.get(id);
  }

  /** A fresh token of the form GitHub gives out, with the prefix that says its kind. */
  issueToken(prefix: "ghs" | "ghp", grant: TokenGrant): string {
    const token = `${prefix}_${randomBytes(27).toString("base64url").replaceAll(/[-_]/g, "x")}`;
    this.tokens.set(token, grant);
    return token;
  }
}

/** Whether the installation reaches a repository. */
export function reaches(installation: Installation, repository: Repository): boolean {
  if (repository.owner !== installation.account) return false;
  return installation.selected === undefined || installation.selected.has(repository.id);
}

/** How much an installation reaches, by which its primary budget grows. */
export function reachOf(
  world: World,
  installation: Installation,
): { readonly repositories: number; readonly users: number } {
  const { account, selected } = installation;
  return {
    repositories: selected?.size ?? world.repositoriesOf(account).length,
    users: account.kind === "Organization" ? account.members.size : 1,
  };
}
