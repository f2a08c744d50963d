import { badCredentials, Refusal } from "../http/refusal.ts";
import type { World } from "../state/world.ts";
import type { Caller } from "./caller.ts";
import { verifyAppJwt } from "./jwt.ts";

/**
 * Who an `Authorization` header stands for.
 * @throws Refusal 401 for credentials that are unknown, expired or revoked, 403 for a suspended installation.
 */
export function identify(world: World, authorization: string | undefined): Caller {
  if (authorization === undefined) return { kind: "anonymous" };
  const [scheme = "", credentials = ""] = authorization.trim().split(/\s+/, 2);
  switch (scheme.toLowerCase()) {
    case "bearer":
    case "token":
      if (credentials.split(".").length === 3) {
        verifyAppJwt(credentials, world.app, world.appKeys, world.clock.now());
        return { kind: "app" };
      }
      return callerOfToken(world, credentials);
    case "basic": {
      // git sends user:password; GitHub accepts the token as the password, whatever the user.
      const decoded = Buffer.from(credentials, "base64").toString("utf8");
      return callerOfToken(world, decoded.slice(decoded.indexOf(":") + 1));
    }
    default:
      throw badCredentials();
  }
}

function callerOfToken(world: World, token: string): Caller {
  const grant = world.tokens.get(token);
  if (grant === undefined) throw badCredentials();
  if (grant.kind === "user") {
    const actor = world.user(grant.login);
    if (actor === undefined) throw badCredentials();
    return { kind: "user", token, actor };
  }
  if (grant.expiresAt <= world.clock.now()) throw badCredentials();
  const { installation, permissions, repositoryIds } = grant;
  if (!world.installations.has(installation.id)) throw badCredentials();
  if (installation.suspendedAt !== undefined) throw new Refusal(403, "This installation has been suspended");
  return { kind: "installation", token, installation, permissions, repositoryIds, actor: world.bot };
}
