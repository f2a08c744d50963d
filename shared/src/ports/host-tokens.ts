/** What a token allows, by the code host's names: `{ contents: "read" }`. */
export type TokenPermissions = Readonly<Record<string, "read" | "write">>;

/** What a token is wanted for. */
export interface TokenWish {
  /** What it is to allow, and no more. */
  readonly permissions: TokenPermissions;
  /** Narrows it to these repositories; without, it reaches all that the installation does. */
  readonly repositoryIds?: readonly number[];
  /** How long it has to be valid still. It is a minute at least, whatever is asked. */
  readonly validForMs?: number;
  /** The fingerprint (SHA-256, hex) of one that the code host did not accept: it has to be another. */
  readonly refused?: string;
}

/** Whose token is wanted. */
export interface TokenOwner {
  /** The organization or user that installed the App. */
  readonly account: string;
  /** A repository of theirs as `owner/name`: finds an account that was renamed. */
  readonly repository?: string;
}

/** A credential. It is in no log, error or row in the clear. */
export interface HostToken {
  readonly token: string;
  readonly expiresAt: Date;
  /** As the code host granted them. */
  readonly permissions: Readonly<Record<string, string>>;
  /** The id of the installation that it belongs to. */
  readonly installation: number;
}

/**
 * Hands out tokens of the App's installations, made when they are needed and kept until their last minute. Asking twice
 * is harmless: a token that nobody uses expires by itself.
 *
 * Any method may throw CodeHostUnavailable (try again), CodeHostBusy (try again at a time) or CodeHostRefused (a person
 * has to act).
 */
export interface HostTokens {
  /**
   * @throws CodeHostRefused with `not-installed`, `suspended`, `missing-permission` where the installation has not
   * granted what is wished for, `not-found` for a repository outside of it, or `bad-credentials` for a key that is not
   * accepted.
   */
  token(owner: TokenOwner, wish: TokenWish): Promise<HostToken>;

  /** Resolves when tokens can be had. @throws as `token`. */
  check(): Promise<void>;
}

/** What the App shows of itself before any installation: a JWT that its key has signed. */
export interface AppPass {
  readonly jwt: string;
  /** Ten minutes after it was made at most. */
  readonly expiresAt: Date;
  /** The App's id or client id. */
  readonly appId: string;
}

/** Hands out passes of the App. */
export interface AppPasses {
  /** @param refused Whether the code host did not accept the one before. */
  appPass(refused: boolean): Promise<AppPass>;
}

/** Everything that is done with the App's key; whoever has one can hand out any token. */
export interface TokenIssuer extends HostTokens, AppPasses {
  /** A token of the installation with this id. @throws as `token`. */
  ofInstallation(installation: number, wish: TokenWish): Promise<HostToken>;
}

/** Makes tokens with the App's key, a new one each time. */
export interface TokenMint extends AppPasses {
  /** @throws CodeHostRefused with `not-installed` or `suspended`. */
  installationOf(owner: TokenOwner): Promise<number>;

  /** @throws CodeHostRefused as `HostTokens.token`; `not-installed` when there is no such installation any more. */
  mint(installation: number, wish: TokenWish, owner?: TokenOwner): Promise<HostToken>;

  /** Resolves when the App's key is accepted. @throws CodeHostRefused or CodeHostUnavailable saying what is wrong. */
  check(): Promise<void>;
}
