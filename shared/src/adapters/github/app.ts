import type { AppPass, AppPasses } from "../../ports/host-tokens.ts";
import { answerOf, type GitHubAnswer } from "./answer.ts";
import type { AppSigner } from "./app-jwt.ts";
import type { GitHubConnection } from "./connection.ts";
import type { Purpose } from "./errors.ts";
import type { AppClient } from "./host-app.ts";
import type { Api } from "./octokit.ts";
import type { Caller } from "./turns.ts";

/** Where an App client has its JWT from. */
export interface PassSource {
  /** A JWT; after a refusal another one, or undefined when another would be refused as well. */
  pass(refusal?: GitHubAnswer): Promise<AppPass | undefined>;
}

/** The App has a budget of its own: little, and others wait for what it asks. */
export function asApp(appId: string): Caller {
  return { installation: `app ${appId}`, urgency: "interactive" };
}

/** Asks GitHub as the App itself. */
export function createAppClient({ ask, transport, apis }: GitHubConnection, passes: PassSource): AppClient {
  function apiOf({ jwt, appId }: AppPass): Api {
    return apis(`bearer ${jwt}`, transport(asApp(appId)));
  }

  async function request<T>(purpose: Purpose, repeatable: boolean, asked: (api: Api) => Promise<T>): Promise<T> {
    return ask(purpose, repeatable, async () => {
      const first = await passes.pass();
      if (first === undefined) throw new TypeError("There is always a first pass.");
      try {
        return await asked(apiOf(first));
      } catch (error) {
        const answer = answerOf(error);
        if (answer?.status !== 401) throw error;
        // A 401 did nothing, so even a write may be sent again.
        const other = await passes.pass(answer);
        if (other === undefined) throw error;
        return asked(apiOf(other));
      }
    });
  }

  return {
    read: (purpose, asked) => request(purpose, true, asked),
    write: (purpose, asked) => request(purpose, false, asked),
  };
}

/** Signs each JWT here, by the App's key. */
export function passesByKey(signer: AppSigner): PassSource {
  return {
    async pass(refusal) {
      return refusal === undefined || signer.learnFrom(refusal) ? signer.sign() : undefined;
    },
  };
}

/** Has the JWT signed by whoever has the key. */
export function passesOf(passes: AppPasses): PassSource {
  return { pass: (refusal) => passes.appPass(refusal !== undefined) };
}
