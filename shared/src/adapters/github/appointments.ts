import type { Clock } from "../../ports/clock.ts";
import { CodeHostBusy, CodeHostUnavailable, type CodeHost, type PublicationSize } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";
import { PacingUnavailable, type PacedErrand, type Pacing } from "../../ports/pacing.ts";
import { permissionsToWrite } from "./client.ts";

/** Publications that wait do so by appointment: hundreds that came back at once would spend the budget on looking. */
export function appointments(settings: {
  readonly tokens: HostTokens;
  readonly pacing: Pacing | undefined;
  readonly clock: Clock;
}): Pick<CodeHost, "assertRoomToPublish"> {
  const { tokens, pacing, clock } = settings;
  return {
    async assertRoomToPublish({ owner, name }, size) {
      const repository = `${owner}/${name}`;
      const permissions = permissionsToWrite({ namesTeams: size.asksTeams });
      const { installation } = await tokens.token({ account: owner, repository }, { permissions });
      if (pacing === undefined) return;
      const appointment = await pacing
        .book(String(installation), errandOf(size), clock.now())
        .catch((error: unknown) => {
          throw error instanceof PacingUnavailable ? unavailable(repository, error) : error;
        });
      if (appointment.kind === "go") return;
      const { until, because } = appointment;
      const message = `Could not publish to ${repository} now: ${because}. It goes on at ${until.toISOString()}, within GitHub's limits.`;
      throw new CodeHostBusy(message, until);
    },
  };
}

function unavailable(repository: string, cause: PacingUnavailable): CodeHostUnavailable {
  const because = `how much may be asked of GitHub is not known (${cause.message})`;
  return new CodeHostUnavailable(`Could not publish to ${repository}: ${because}. It is tried again.`, { cause });
}

/** The REST requests of a publication that finds nothing out of the ordinary. The branch is moved through GraphQL. */
function errandOf({ opens, additions, asksForReview }: PublicationSize): PacedErrand {
  // The tree of the base; for one that may be there already also the pull request and the branch.
  const reads = opens ? 1 : 3;
  // A tree, a commit, the pull request.
  return { reads, writes: 3 + additions, contents: (opens ? 1 : 0) + (asksForReview ? 1 : 0) };
}
