import { docs, refusal, said, type Difference } from "./difference.ts";
import { proposeOn, pullRequestFrom } from "./proposal.ts";

/** Who may ask for what. */
export const access: readonly Difference[] = [
  {
    call: "`GET /app` with the App's client id as the JWT's issuer",
    emulator: "401 A JSON web token could not be decoded",
    github: "200: its use is recommended",
    source: `${docs}/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app`,
    ask: async (github) => refusal(github.hostApp({ appId: "Iv23liOctobatch" }).check()),
  },
  {
    call: "`GET /app` with a JWT that expires in more than an hour",
    emulator: "200",
    github: "401: ten minutes at most",
    source: `${docs}/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app`,
    ask: async (github) => said(await github.ask({ path: "/app", token: await github.appJwt(60 * 60_000) })),
  },
  {
    call: "`GET /orgs/{org}/installation` without a JWT",
    emulator: "200",
    github: "401",
    source: `${docs}/rest/apps/apps#get-an-organization-installation-for-the-authenticated-app`,
    ask: async (github) => said(await github.ask({ path: "/orgs/acme/installation" })),
  },
  {
    call: "any request with a token that it never gave out",
    emulator: "200",
    github: "401",
    source: `${docs}/rest/authentication/authenticating-to-the-rest-api#failed-login-limit`,
    ask: async (github) => said(await github.ask({ path: "/user", token: "ghs_nobody_gave_this_out" })),
  },
  {
    call: "reading a private repository out of the token's reach",
    emulator: "403 Forbidden",
    github: "404: whether it exists is not told",
    source: `${docs}/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource`,
    async ask(github) {
      const { token } = await github.codeHost().gitAccess(await github.repository("acme/api"));
      return said(await github.ask({ path: "/repos/acme/web", token }));
    },
  },
  {
    call: "a write that the token's permissions do not cover",
    emulator: "403 without X-Accepted-GitHub-Permissions",
    github: "403 that names the permissions in this header",
    source: `${docs}/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible`,
    async ask(github) {
      const { head, ...repository } = await github.repository("acme/api");
      const { token } = await github.codeHost().gitAccess(repository);
      const body = { ref: "refs/heads/mine", sha: head };
      const answer = await github.ask({ method: "POST", path: "/repos/acme/api/git/refs", token, body });
      const names = answer.headers.has("x-accepted-github-permissions") ? "with" : "without";
      return `${answer.status} ${names} X-Accepted-GitHub-Permissions`;
    },
  },
  {
    call: "labels on a pull request with a token for `pull_requests: write`",
    emulator: "403 Forbidden",
    github: "200: this or `issues: write`",
    source: `${docs}/rest/issues/labels#add-labels-to-an-issue`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      await proposeOn(github, repository, "campaign/1");
      await github.codeHost().openPullRequest(repository, pullRequestFrom("campaign/1"));
      return refusal(github.codeHost().addLabels(repository, 1, ["campaign"]));
    },
  },
];
