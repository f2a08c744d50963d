import { GitFailed } from "./git-command.ts";

/**
 * A repository on a code host, and the token that opens it. Without one it is read as everybody may, and may be on this
 * machine: a `file:` URL.
 */
export interface RemoteAccess {
  readonly url: string;
  readonly token?: string | undefined;
  /**
   * The token is one of ours, for a service of ours: it is sent as a bearer token, and inside of a cluster in the clear as
   * well.
   */
  readonly isOurs?: true | undefined;
}

/** How a remote is reached. */
export interface Remote {
  readonly url: URL;
  /** The value of the Authorization header. */
  readonly authorization: string | undefined;
  /** For `gitEnvironment`: the token goes to the host of the URL alone, over TLS, or in the clear to this machine. */
  readonly settings: Readonly<Record<string, string>>;
  /** What was said, without the token. */
  readonly hide: (said: string) => string;
}

/** @throws GitFailed for a URL that a token must not be sent to. */
export function remoteOf({ url: text, token, isOurs }: RemoteAccess): Remote {
  const isOpen = isOurs === true || (token === undefined && text.startsWith("file:"));
  const url = isOpen ? new URL(text) : checkedUrl(text);
  const basic = token && Buffer.from(`x-access-token:${token}`).toString("base64");
  const authorization = token && (isOurs === true ? `Bearer ${token}` : `Basic ${basic}`);
  return {
    url,
    authorization,
    settings: {
      [`protocol.${url.protocol.slice(0, -1)}.allow`]: "always",
      ...(authorization && { [`http.${url.origin}/.extraHeader`]: `Authorization: ${authorization}` }),
      "http.lowSpeedLimit": "1000",
      "http.lowSpeedTime": "60",
    },
    hide: (said) => (token && basic ? said.replaceAll(token, "***").replaceAll(basic, "***") : said),
  };
}

function checkedUrl(text: string): URL {
  const url = new URL(text);
  const loopback = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && loopback)) {
    throw new GitFailed(`${url.origin} is not HTTPS; a token is sent in the clear only to this machine.`, false);
  }
  if (url.username !== "" || url.password !== "") {
    throw new GitFailed(`The address of ${url.host} must not carry credentials.`, false);
  }
  return url;
}
