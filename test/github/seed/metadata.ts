import { extname } from "node:path";
import { isGenerated } from "./history.ts";
import type { PackageFile } from "./packages.ts";

/** GitHub's topics: lower case letters, digits and hyphens, at most 50 characters, at most 20. */
export function topicsOf(keywords: readonly string[]): readonly string[] {
  const topics = keywords.map((keyword) =>
    keyword
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-+|-+$/g, ""),
  );
  return [...new Set(topics)].filter((topic) => topic !== "" && topic.length <= 50).slice(0, 20);
}

const LANGUAGES: Readonly<Record<string, string>> = {
  ".js": "JavaScript",
  ".cjs": "JavaScript",
  ".mjs": "JavaScript",
  ".jsx": "JavaScript",
  ".ts": "TypeScript",
  ".mts": "TypeScript",
  ".cts": "TypeScript",
  ".tsx": "TypeScript",
};

/** The language with the most bytes, as GitHub counts: generated files and type declarations only where there is nothing else. */
export function primaryLanguage(files: readonly PackageFile[]): string | undefined {
  const written = files.filter(({ path }) => !isGenerated(path) && !/\.d\.[cm]?ts$/.test(path));
  return largestLanguage(written) ?? largestLanguage(files);
}

function largestLanguage(files: readonly PackageFile[]): string | undefined {
  const bytes = new Map<string, number>();
  for (const { path, sizeBytes } of files) {
    const language = LANGUAGES[extname(path)];
    if (language !== undefined) bytes.set(language, (bytes.get(language) ?? 0) + sizeBytes);
  }
  return [...bytes].sort(([, a], [, b]) => b - a)[0]?.[0];
}
