/** What GitHub's credentials look like; whoever echoes a request would show them. */
const secrets: readonly RegExp[] = [
  /gh[a-z]_\w+|github_pat_\w+/g,
  /eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g,
  /-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(?:-----END [^-]*-----|$)/g,
  /(?<=\b(?:bearer|basic|token)\s+)[\w.~+/=-]{16,}/gi,
];

/** A text of GitHub's, or of a proxy before it, without credentials. */
export function redacted(text: string): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), text);
}
