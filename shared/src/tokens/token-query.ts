import { z } from "zod";
import type { TokenWish } from "#shared/ports/host-tokens.ts";

/** GitHub takes no more in one token (https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app). */
const mostRepositories = 500;

/** A token lasts an hour; so that one that was just made suits, no more may be asked. */
const longestValidMs = 55 * 60_000;

const list = (item: RegExp, error: string) =>
  z
    .string()
    .regex(new RegExp(`^${item.source}(,${item.source})*$`), error)
    .transform((text) => text.split(","));

/** How a wish is written into an address: what is not said is left to the role of the caller. */
const tokenQuery = z.strictObject({
  permissions: list(/[a-z_]+:(?:read|write)/, "expected NAME:LEVEL,… with read or write, as in contents:read")
    .transform((pairs) =>
      Object.fromEntries(
        pairs.map((pair): [string, "read" | "write"] => {
          const [name = "", level] = pair.split(":");
          return [name, level === "write" ? "write" : "read"];
        }),
      ),
    )
    .optional(),
  repositories: list(/[1-9]\d{0,14}/, "expected the ids of repositories, separated by commas")
    .transform((ids) => ids.map(Number))
    .refine((ids) => ids.length <= mostRepositories, `expected ${mostRepositories} repositories at most`)
    .optional(),
  validForMs: z.coerce
    .number<string>("expected milliseconds")
    .int()
    .min(0)
    .max(longestValidMs, `expected ${longestValidMs} ms at most: a token lasts an hour`)
    .optional(),
  refused: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "expected the SHA-256 of the token, as 64 hex digits")
    .optional(),
  repository: z
    .string()
    .regex(/^[^/\s]+\/[^/\s]+$/, "expected owner/name")
    .optional(),
});

export type TokenQuery = z.output<typeof tokenQuery>;

/** A wish as the parameters of an address; the token that was refused is never in it, only its fingerprint. */
export function writeTokenQuery(wish: TokenWish, repository?: string): URLSearchParams {
  const { permissions, repositoryIds, validForMs, refused } = wish;
  const query = new URLSearchParams();
  query.set(
    "permissions",
    Object.entries(permissions)
      .map((pair) => pair.join(":"))
      .join(","),
  );
  if (repositoryIds !== undefined) query.set("repositories", repositoryIds.join(","));
  if (validForMs !== undefined) query.set("validForMs", String(validForMs));
  if (refused !== undefined) query.set("refused", refused);
  if (repository !== undefined) query.set("repository", repository);
  return query;
}

/** Reads such parameters. Those that are wrong are named in the error. */
export function readTokenQuery(query: URLSearchParams): z.ZodSafeParseResult<TokenQuery> {
  return tokenQuery.safeParse(Object.fromEntries(query));
}
