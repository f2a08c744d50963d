import {
  BranchMoved,
  CodeHostBusy,
  CodeHostRefused,
  CodeHostUnavailable,
  PullRequestExists,
} from "../../ports/code-host.ts";
import type { GitHubAnswer } from "./answer.ts";
import { verdictOn } from "./error-rules.ts";
import { limitHit } from "./rate-limits.ts";

/** What a request was for, as the people who run a campaign would say it. */
export interface Purpose {
  /** Completes "Could not …": "open a pull request in acme/api". */
  readonly doing: string;
  /** The organization or user whose installation it was done with. */
  readonly account?: string;
  /** The repository as `owner/name`. */
  readonly repository?: string;
  /** Whether files under `.github/workflows` are written, for which GitHub wants a permission of its own. */
  readonly writesWorkflows?: boolean;
  /** Whether teams are named, for which GitHub wants to let the App read members. */
  readonly namesTeams?: boolean;
}

export type AccountPurpose = Purpose & { readonly account: string };

/** The port's error for an answer of GitHub, with the remedy in words. `webUrl` is where people open this GitHub. */
export function errorFor(
  answer: GitHubAnswer,
  purpose: Purpose,
  at: { readonly now: Date; readonly webUrl: string },
): Error {
  const { doing, account = "the organization", repository = "the repository", writesWorkflows = false } = purpose;
  const place = {
    account,
    repository,
    writesWorkflows,
    settingsUrl: settingsUrl(at.webUrl, purpose.account),
    appsUrl: `${at.webUrl}/settings/apps`,
    now: at.now,
  };
  const retryAt = limitHit(answer, at.now)?.retryAt;
  const tell = (because: string) => `Could not ${doing}: ${because} (${quote(answer)})`;
  const cause = { cause: answer };
  if (retryAt) {
    return new CodeHostBusy(tell(`GitHub asks to wait until ${retryAt.toISOString()}.`), retryAt, cause);
  }
  const verdict = verdictOn(answer, place);
  const message = tell(verdict.because(place, answer));
  switch (verdict.is) {
    case "moved":
      return new BranchMoved(message, cause);
    case "exists":
      return new PullRequestExists(message, cause);
    case "unavailable":
      return new CodeHostUnavailable(message, cause);
    default:
      return new CodeHostRefused(verdict.is, message, cause);
  }
}

function settingsUrl(webUrl: string, account: string | undefined): string {
  return account ? `${webUrl}/organizations/${encodeURIComponent(account)}/settings/installations` : webUrl;
}

function quote(answer: GitHubAnswer): string {
  const said = answer.message.slice(0, 300);
  const what = answer.status === 0 ? `no answer: ${said}` : `GitHub answered ${answer.status} ${JSON.stringify(said)}`;
  return answer.requestId ? `${what}, request ${answer.requestId}` : what;
}
