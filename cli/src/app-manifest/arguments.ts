import { InvalidArgumentError } from "commander";
import { durationMs, wholeNumber } from "../commands/names.ts";
import { gitHubAt, isThisMachine, type GitHubSite } from "./github-site.ts";
import { longestName, optionalPermissionNames, type OptionalPermission } from "./manifest.ts";

/** The address of an Octobatch, without a trailing slash. */
export function publicUrlArgument(value: string): string {
  const url = parseAddress(value);
  if (url === undefined) {
    throw new InvalidArgumentError(
      "It is an address such as https://octobatch.example.com, without a user, a query or a fragment.",
    );
  }
  // The one character that an address may hold and a quoted setting may not.
  return url.href.replace(/\/+$/u, "").replaceAll("'", "%27");
}

/** The web address of a GitHub. Credentials come from there, so they are not taken in the clear from another machine. */
export function gitHubArgument(value: string): GitHubSite {
  const url = parseAddress(value);
  if (url === undefined || url.pathname !== "/") {
    throw new InvalidArgumentError(
      "It is the address that people use, such as https://github.example.com, without /api/v3.",
    );
  }
  if (url.protocol === "http:" && !isThisMachine(url.hostname)) {
    throw new InvalidArgumentError("GitHub answers with the App's private key: use https.");
  }
  return gitHubAt(url);
}

export function organizationArgument(value: string): string {
  if (!/^[A-Za-z\d][\w-]{0,99}$/u.test(value)) {
    throw new InvalidArgumentError("It is the name in the organization's address, such as acme.");
  }
  return value;
}

/** The name of an App, for people. */
export function appNameArgument(value: string): string {
  const name = value.trim();
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (name === "" || name.length > longestName || /[\u0000-\u001f\u007f]/u.test(name)) {
    throw new InvalidArgumentError(`It has 1 to ${longestName} characters, on one line.`);
  }
  return name;
}

/** GitHub's names of permissions, separated by commas. */
export function permissionsArgument(value: string): readonly OptionalPermission[] {
  return value.split(",").map((word) => {
    const known = optionalPermissionNames.find((name) => name === word.trim());
    if (known !== undefined) return known;
    throw new InvalidArgumentError(`Choose from ${optionalPermissionNames.join(", ")}; commas between them.`);
  });
}

/** How long a person is waited for, in milliseconds: a day at most, more than any timer of Node needs. */
export function patienceArgument(value: string): number {
  const patienceMs = durationMs(value);
  if (patienceMs > 24 * 3_600_000) throw new InvalidArgumentError("It is 24h at most.");
  return patienceMs;
}

export function portArgument(value: string): number {
  const port = wholeNumber(0)(value);
  if (port > 65_535) throw new InvalidArgumentError("It is 65535 at most.");
  return port;
}

function parseAddress(value: string): URL | undefined {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/u.test(url.protocol)) return undefined;
  return url.username || url.password || url.search || url.hash ? undefined : url;
}
