import { docs, refusal, said, type Difference } from "./difference.ts";
import { proposeOn, pullRequestFrom } from "./proposal.ts";

/** What is not there at all. */
export const missing: readonly Difference[] = [
  {
    call: "`POST /graphql`: the repositories of an organization",
    emulator: "404 Not Found",
    github: "a page of them",
    source: `${docs}/graphql/reference/objects#organization`,
    ask: async (github) => refusal(github.codeHost().organizationPage({ organization: "acme", files: [] })),
  },
  {
    call: "`POST /graphql`: `updateRefs` to make or move our branch",
    emulator: "404 Not Found",
    github: "moves it if it is where we left it",
    source: `${docs}/graphql/reference/mutations#updaterefs`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      const move = { branch: "campaign/1", from: undefined, to: repository.head };
      return refusal(github.codeHost().moveBranch(repository, move));
    },
  },
  {
    call: "git over HTTP: `GET /acme/api.git/info/refs?service=git-upload-pack`",
    emulator: "404 Not Found",
    github: "200 with the refs",
    source: `${docs}/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation`,
    async ask(github) {
      const { url, token } = await github.codeHost().gitAccess(await github.repository("acme/api"));
      const authorization = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
      return said(await fetch(`${url}/info/refs?service=git-upload-pack`, { headers: { authorization } }));
    },
  },
  {
    call: "`GET /installation/repositories`",
    emulator: "404 Not Found",
    github: "200 with those the token reaches",
    source: `${docs}/rest/apps/installations#list-repositories-accessible-to-the-app-installation`,
    async ask(github) {
      const { token } = await github.codeHost().gitAccess(await github.repository("acme/api"));
      return said(await github.ask({ path: "/installation/repositories", token }));
    },
  },
  {
    call: "`DELETE /installation/token`",
    emulator: "404 Not Found",
    github: "204: the token is revoked",
    source: `${docs}/rest/apps/installations#revoke-an-installation-access-token`,
    async ask(github) {
      const { token } = await github.codeHost().gitAccess(await github.repository("acme/api"));
      return said(await github.ask({ method: "DELETE", path: "/installation/token", token }));
    },
  },
  {
    call: "`GET /app/hook/deliveries`",
    emulator: "404 Not Found",
    github: "200 with the deliveries of three days",
    source: `${docs}/rest/apps/webhooks#list-deliveries-for-an-app-webhook`,
    // Not by our product: to it, this answer is that of an App without a webhook.
    ask: async (github) => said(await github.ask({ path: "/app/hook/deliveries", token: await github.appJwt() })),
  },
  {
    call: "`PUT /app/installations/{installation_id}/suspended`",
    emulator: "404 Not Found",
    github: "204: no token of it works any more",
    source: `${docs}/rest/apps/apps#suspend-an-app-installation`,
    async ask(github) {
      const path = "/app/installations/101/suspended";
      return said(await github.ask({ method: "PUT", path, token: await github.appJwt() }));
    },
  },
  {
    call: "`POST /repos/{owner}/{repo}/issues/{issue_number}/assignees` of a pull request",
    emulator: "404 Not Found",
    github: "201: every pull request is an issue",
    source: `${docs}/rest/issues/assignees#add-assignees-to-an-issue`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      await proposeOn(github, repository, "campaign/1");
      // It asks for this permission before it looks for the number.
      const codeHost = github.codeHost({ issues: "write" });
      await codeHost.openPullRequest(repository, pullRequestFrom("campaign/1"));
      return refusal(codeHost.addAssignees(repository, 1, ["ana"]));
    },
  },
];
