export type Level = "read" | "write" | "admin";

/** What an installation or a token may do, by the permission names of GitHub's OpenAPI description. */
export type Permissions = Readonly<Record<string, Level>>;

/** One permission at one level, such as `{ name: "contents", level: "write" }`. */
export interface Need {
  readonly name: string;
  readonly level: Level;
}

const ranks: Record<Level, number> = { read: 1, write: 2, admin: 3 };

/** Whether a higher or equal level was granted. */
export function grants(permissions: Permissions, need: Need): boolean {
  const granted = permissions[need.name];
  return granted !== undefined && ranks[granted] >= ranks[need.level];
}

/** The first requested permission that exceeds what was granted. */
export function excessOf(granted: Permissions, requested: Permissions): string | undefined {
  return Object.entries(requested).find(([name, level]) => !grants(granted, { name, level }))?.[0];
}

export function needs(name: string, level: Level): Need {
  return { name, level };
}

/** The permissions a campaign needs, as the product's manual asks for them. */
export const campaignPermissions: Permissions = {
  metadata: "read",
  contents: "write",
  pull_requests: "write",
  checks: "read",
  statuses: "read",
  members: "read",
};
