import type { TokenPermissions } from "#shared/ports/host-tokens.ts";

/** Who asks for tokens, by what they do with them. */
export const tokenRoles = ["reader", "writer", "source", "worker", "keeper"] as const;
export type TokenRole = (typeof tokenRoles)[number];

/** What a role may have. */
interface Reach {
  readonly is: string;
  /** What a token allows unless the caller names permissions. */
  readonly usual: TokenPermissions;
  /** What it allows besides, only when the caller names it: not every installation grants it. */
  readonly byName: TokenPermissions;
  /** Whether a token has to be narrowed to one repository. */
  readonly oneRepository: boolean;
  /** Whether it may have the App's JWT, which opens what is the App's own: its installations and deliveries. */
  readonly appPass: boolean;
}

/** Metadata is read with every token: GitHub adds it by itself. */
export const reaches: Readonly<Record<TokenRole, Reach>> = {
  reader: {
    is: "reads repositories and pull requests",
    usual: { contents: "read", pull_requests: "read" },
    byName: { metadata: "read" },
    oneRepository: false,
    appPass: false,
  },
  writer: {
    is: "changes branches and pull requests",
    usual: { contents: "write", pull_requests: "write" },
    byName: { metadata: "read", workflows: "write", members: "read" },
    oneRepository: false,
    appPass: false,
  },
  source: {
    is: "hands one repository on to somebody else",
    usual: { contents: "read" },
    byName: { metadata: "read" },
    oneRepository: true,
    appPass: false,
  },
  worker: {
    is: "checks out repositories for the steps that it runs itself",
    usual: { contents: "read" },
    byName: { metadata: "read" },
    oneRepository: false,
    appPass: false,
  },
  keeper: {
    is: "looks after the App's installations and deliveries",
    usual: {},
    byName: {},
    oneRepository: false,
    appPass: true,
  },
};

/** What a caller asked for; without permissions it is the role's usual ones. */
export interface Asked {
  readonly permissions?: TokenPermissions | undefined;
  readonly repositoryIds?: readonly number[] | undefined;
}

export type Judgement =
  | { readonly kind: "grant"; readonly permissions: TokenPermissions }
  | { readonly kind: "refuse"; readonly because: string };

/** Whether a role may have a token of an installation. */
export function judge(role: TokenRole, asked: Asked): Judgement {
  const { usual, byName, oneRepository } = reaches[role];
  const most = { ...usual, ...byName };
  if (Object.keys(most).length === 0) return refuse(`the role ${role} gets no tokens of installations.`);
  if (oneRepository && asked.repositoryIds?.length !== 1) {
    return refuse(`the role ${role} gets tokens for one repository: name it with repositories=ID.`);
  }
  const permissions = asked.permissions ?? usual;
  for (const [name, level] of Object.entries(permissions)) {
    const allowed = Object.hasOwn(most, name) ? most[name] : undefined;
    if (allowed === undefined || (level === "write" && allowed === "read")) {
      return refuse(`the role ${role} may not have "${name}: ${level}".`);
    }
  }
  return { kind: "grant", permissions };
}

/** Whether a role may have the App's JWT. */
export function judgeAppPass(role: TokenRole): Judgement {
  if (reaches[role].appPass) return { kind: "grant", permissions: {} };
  return refuse(`the role ${role} may not have the App's JWT.`);
}

function refuse(because: string): Judgement {
  return { kind: "refuse", because };
}
