/** Rewrites the license of a manifest as people wrote it before npm asked for SPDX identifiers. */
type SetBack = (manifest: string) => string;

const LICENSE_LINE = /^([ \t]*)"license": "([^"]+)"(,?)$/m;

const asText =
  (text: string): SetBack =>
  (manifest) =>
    manifest.replace(LICENSE_LINE, `$1"license": "${text}"$3`);

const asObject: SetBack = (manifest) =>
  manifest.replace(
    LICENSE_LINE,
    '$1"license": {\n$1$1"type": "$2",\n$1$1"url": "https://opensource.org/licenses/$2"\n$1}$3',
  );

const asList =
  (type: string): SetBack =>
  (manifest) =>
    manifest.replace(LICENSE_LINE, `$1"licenses": [\n$1$1{\n$1$1$1"type": "${type}"\n$1$1}\n$1]$3`);

const missing: SetBack = (manifest) =>
  manifest.replace(/^[ \t]*"license": "[^"]+",\n/m, "").replace(/,\n[ \t]*"license": "[^"]+"\n/, "\n");

/**
 * Every package installed here has a clean license field, unlike the repositories of an organization with a history.
 * These few manifests are therefore set back to the forms that were usual when their packages were young; it is the
 * only thing in the seed that is not byte for byte what npm installed.
 */
const LEGACY_MANIFESTS: Readonly<Record<string, SetBack>> = {
  "before-after-hook": asText("Apache 2.0"),
  "convert-source-map": missing,
  esprima: asList("BSD"),
  inherits: missing,
  ini: asText("ISC License"),
  minimist: asObject,
  ms: asList("MIT"),
  "path-parse": asText("MIT/X11"),
  "source-map": asText("BSD"),
  xtend: asList("MIT"),
};

/** The manifest that the repository of a package gets: its own, except for those named above. */
export function manifestOf(packageName: string, manifest: string): string {
  return (LEGACY_MANIFESTS[packageName] ?? ((text) => text))(manifest);
}
