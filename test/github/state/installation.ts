import type { Owner } from "./account.ts";
import type { Permissions } from "./permissions.ts";

/** The App, installed in one account. */
export interface Installation {
  readonly id: number;
  readonly account: Owner;
  permissions: Permissions;
  /** Absent: every repository of the account, also those to come. */
  selected: Set<number> | undefined;
  readonly createdAt: Date;
  updatedAt: Date;
  suspendedAt: Date | undefined;
}

export interface AppIdentity {
  readonly id: number;
  readonly clientId: string;
  readonly slug: string;
  readonly name: string;
  /** Its first key, as PEM in PKCS#1 or PKCS#8; it may have more, and this one may be revoked. */
  readonly privateKey: string;
  readonly webhookSecret: string;
  /** What it asks for; an installation has what somebody there accepted. */
  readonly permissions: Permissions;
}

/** What a token of ours stands for. */
export type TokenGrant =
  | {
      readonly kind: "installation";
      readonly installation: Installation;
      readonly permissions: Permissions;
      /** Absent: all that the installation reaches. */
      readonly repositoryIds: ReadonlySet<number> | undefined;
      readonly expiresAt: Date;
    }
  | { readonly kind: "user"; readonly login: string };
