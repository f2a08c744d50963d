import { nodeId } from "./ids.ts";

export type Role = "read" | "triage" | "write" | "maintain" | "admin";

export interface Team {
  readonly id: number;
  readonly nodeId: string;
  readonly slug: string;
  readonly name: string;
  readonly members: Set<string>;
  /** Role by repository id. */
  readonly repositories: Map<number, Role>;
}

interface AccountBase {
  readonly id: number;
  readonly nodeId: string;
  readonly login: string;
  readonly name: string;
  readonly email: string;
  readonly createdAt: Date;
}

export interface Organization extends AccountBase {
  readonly kind: "Organization";
  readonly teams: Map<string, Team>;
  /** Logins in lower case. Owners administer every repository; members read every one. */
  readonly members: Map<string, "member" | "owner">;
}

export interface User extends AccountBase {
  readonly kind: "User";
}

export interface Bot extends AccountBase {
  readonly kind: "Bot";
}

/** Who can own a repository. */
export type Owner = Organization | User;
/** Who can act. */
export type Actor = User | Bot;
export type Account = Organization | User | Bot;

export function newOrganization(id: number, login: string, createdAt: Date): Organization {
  const members = new Map<string, "member" | "owner">();
  const base = { id, nodeId: nodeId("Organization", id), login, name: login, email: "", createdAt };
  return { kind: "Organization", ...base, members, teams: new Map() };
}

export function newUser(id: number, login: string, createdAt: Date): User {
  const email = `${id}+${login}@users.noreply.github.com`;
  return { kind: "User", id, nodeId: nodeId("User", id), login, name: login, email, createdAt };
}

/** The account that an App acts as: `<slug>[bot]`. */
export function newBot(id: number, slug: string, createdAt: Date): Bot {
  const login = `${slug}[bot]`;
  const email = `${id}+${login}@users.noreply.github.com`;
  return { kind: "Bot", id, nodeId: nodeId("Bot", id), login, name: login, email, createdAt };
}
