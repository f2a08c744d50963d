import { randomBytes } from "node:crypto";
import type { Pacing } from "#shared/ports/pacing.ts";
import { credentialOf } from "#shared/tokens/token-callers.ts";
import { tokenRoles, type TokenRole } from "#shared/tokens/token-role.ts";
import type { Capabilities, CapabilityName, Granted } from "./capabilities.ts";
import { readSettings } from "./config.ts";
import type { OctobatchFunction } from "./define-function.ts";
import type { Foundation } from "./foundation.ts";
import { openCapabilities, settingsOf, type Opened } from "./open-capabilities.ts";

/** Everything that functions of one process need, each as it would have it in a process of its own. */
export interface OpenedForAll {
  readonly grantTo: (definition: OctobatchFunction) => Granted<CapabilityName>;
  readonly pacing: Pacing;
  readonly checks: Opened["checks"];
  close(): Promise<void>;
}

type Check = () => Promise<void>;

/**
 * Opens what all these functions need. Those of one token role share it, and none gets at more of GitHub than in a
 * process of its own. Unless the environment names who may ask the tokens function, every role gets a secret of its own
 * for as long as this process lives.
 *
 * @throws InvalidConfiguration naming every setting that is missing or wrong.
 */
export async function openForAll(
  foundation: Foundation,
  functions: readonly OctobatchFunction[],
  overrides: Partial<Capabilities> = {},
): Promise<OpenedForAll> {
  const { environment } = foundation;
  const credentials = credentialsFor(environment["OCTOBATCH_TOKENS_CALLERS"]);
  const callers = { OCTOBATCH_TOKENS_CALLERS: [...credentials.values()].join(",") };
  const everything = { ...environment, ...callers };
  // All that is wrong is told at once, whichever role it is needed for.
  const [anyCredential] = credentials.values();
  readSettings(
    { ...everything, OCTOBATCH_TOKENS_CREDENTIAL: anyCredential },
    settingsOf(["pacing", ...functions.flatMap(({ needs }) => needs)], environment, overrides),
  );

  const opened: Opened[] = [];
  const close = async (): Promise<void> => {
    for (const each of opened.splice(0).toReversed()) await each.close();
  };
  try {
    const first = await openCapabilities({ ...foundation, environment: everything }, ["pacing"], overrides);
    opened.push(first);
    const { pacing } = first.grant(["pacing"]);
    const ofRole = new Map<TokenRole | undefined, Opened>();
    for (const role of [undefined, ...tokenRoles]) {
      const needs = functions.filter(({ tokenRole }) => tokenRole === role).flatMap(({ needs }) => needs);
      const credential = role === undefined ? {} : { OCTOBATCH_TOKENS_CREDENTIAL: credentials.get(role) };
      const settings = { ...foundation, environment: { ...everything, ...credential } };
      const made = await openCapabilities(settings, needs, { pacing, ...overrides });
      opened.push(made);
      ofRole.set(role, made);
    }
    return {
      grantTo({ name, tokenRole, needs }) {
        const made = ofRole.get(tokenRole);
        if (made === undefined) throw new TypeError(`nothing was opened for ${name}`);
        return made.grant(needs);
      },
      pacing,
      checks: together(opened.map(({ checks }) => checks)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `ROLE:SECRET` for each role: those given, or new ones. */
function credentialsFor(given: string | undefined): ReadonlyMap<TokenRole, string> {
  const { OCTOBATCH_TOKENS_CALLERS: callers } = readSettings(
    {
      OCTOBATCH_TOKENS_CALLERS:
        given ?? tokenRoles.map((role) => credentialOf({ role, secret: newSecret() })).join(","),
    },
    ["OCTOBATCH_TOKENS_CALLERS"],
  );
  return new Map(callers.map((caller) => [caller.role, credentialOf(caller)]));
}

function newSecret(): string {
  return randomBytes(24).toString("base64url");
}

/** Checks by name; where several have one of a name, it works when all of them do. */
function together(all: readonly ReadonlyMap<string, Check>[]): ReadonlyMap<string, Check> {
  const checks = new Map<string, readonly Check[]>();
  for (const [name, check] of all.flatMap((each) => [...each])) checks.set(name, [...(checks.get(name) ?? []), check]);
  return new Map(
    [...checks].map(([name, each]) => [name, async () => void (await Promise.all(each.map((check) => check())))]),
  );
}
