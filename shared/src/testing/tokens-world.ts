import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokens } from "#functions/tokens/tokens.ts";
import { createHttpHostTokens } from "#shared/adapters/http/http-host-tokens.ts";
import { createManualClock, type ManualClock } from "#shared/adapters/memory/manual-clock.ts";
import type { AppPasses, HostTokens } from "#shared/ports/host-tokens.ts";
import { createEndpoint } from "#shared/runtime/function-endpoint.ts";
import { startHttpServer } from "#shared/runtime/http-server.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { openCapabilities } from "#shared/runtime/open-capabilities.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { tokenRoles, type TokenRole } from "#shared/tokens/token-role.ts";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { testDatabase, type TestDatabase } from "./postgres.ts";

/** What the tokens function answered. */
export interface TokensAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The function's own JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** The tokens function over HTTP, a real Postgres and the local GitHub with `acme/api` and `acme/web`. */
export interface TokensWorld {
  readonly github: LocalGitHub;
  readonly database: TestDatabase;
  /** Of the function, and of GitHub unless the test gave it another. */
  readonly clock: ManualClock;
  /** Everything the function has logged, a JSON object a line. */
  readonly log: () => string;
  readonly url: string;
  readonly installation: number;
  readonly repositoryId: (name: string) => number;
  /** Asks the function as a role, or with an Authorization header of its own. */
  get(as: TokenRole | { readonly authorization: string | undefined }, path: string): Promise<TokensAnswer>;
  /** A client as a function of this role has it, with nothing kept yet. */
  client(role: TokenRole): HostTokens & AppPasses;
  /** How many tokens GitHub has made so far. */
  minted(): number;
  /** Ends the function and starts it again over the same database, with other settings if wanted. */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

export const tokensStartAt = new Date("2026-03-02T09:00:00Z");

const secretOf = (role: TokenRole): string => `a-secret-of-${role}-for-tests`;

export async function openTokensWorld(
  options: { readonly gitHubClock?: ManualClock; readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<TokensWorld> {
  const clock = createManualClock(tokensStartAt);
  const directory = await mkdtemp(join(tmpdir(), "octobatch-tokens-"));
  const database = await testDatabase();
  const github = await startGitHub({ directory, clock: options.gitHubClock ?? clock });
  await github.addOrganization("acme");
  for (const name of ["api", "web"]) await github.addRepository({ owner: "acme", name });
  let text = "";
  const log = createLogger("trace", { write: (line) => void (text += line) });
  const { tasks } = createStores(database.database.knex, []);
  const environment = {
    OCTOBATCH_GITHUB_API_URL: github.apiUrl,
    OCTOBATCH_GITHUB_APP_ID: String(github.app.id),
    OCTOBATCH_GITHUB_PRIVATE_KEY: github.app.privateKey,
    OCTOBATCH_TOKENS_CALLERS: tokenRoles.map((role) => `${role}:${secretOf(role)}`).join(","),
    ...options.settings,
  };

  async function start(settings: Readonly<Record<string, string>>) {
    const dispatcher = { kick: () => {}, idle: async () => {} };
    const foundation = { environment: settings, database: database.database, clock, log, dispatcher };
    const opened = await openCapabilities(foundation, tokens.needs);
    const capabilities = opened.grant(tokens.needs);
    const { checks } = opened;
    const parts = { definition: tokens, capabilities, tasks, clock, log, checks, afterwards: () => {} };
    const server = await startHttpServer(createEndpoint(parts), 0, "127.0.0.1");
    return {
      url: `http://127.0.0.1:${server.port}`,
      async close() {
        await server.close(0);
        await opened.close();
      },
    };
  }

  let running = await start(environment);
  return {
    github,
    database,
    clock,
    log: () => text,
    get url() {
      return running.url;
    },
    installation: github.installation("acme").id,
    repositoryId: (name) => github.repository(`acme/${name}`).id,
    async get(as, path) {
      const authorization = typeof as === "string" ? `Bearer ${as}:${secretOf(as)}` : as.authorization;
      const headers = authorization === undefined ? {} : { authorization };
      const response = await fetch(`${running.url}/tokens/${path}`, { headers });
      // The function answers JSON objects alone.
      const body = (await response.json()) as TokensAnswer["body"];
      return { status: response.status, headers: response.headers, body };
    },
    client: (role) =>
      createHttpHostTokens({ url: running.url, credential: `${role}:${secretOf(role)}`, clock, timeoutMs: 10_000 }),
    minted: () => github.requests.filter(({ path }) => path.endsWith("/access_tokens")).length,
    async restart(settings = {}) {
      await running.close();
      running = await start({ ...environment, ...settings });
    },
    async close() {
      await running.close();
      await github.close();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
