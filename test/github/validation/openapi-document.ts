import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const version = "23.0.2";
/** Of the tarball, as the registry's own record has it: what was fetched is what was meant. */
const integrity = "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==";
const member = "package/generated/api.github.com.json";

/** The parts of an OpenAPI document that validation reads. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: {
    readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
    readonly required?: boolean;
  };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiResponse {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

export interface OpenApiParameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema?: unknown;
}

let known: Promise<OpenApiDocument> | undefined;

/**
 * GitHub's official OpenAPI description, out of `@octokit/openapi`, which is too large to depend on (400 MB on disk):
 * fetched once through npm, its integrity checked, and kept in node_modules/.cache.
 * @throws OpenApiUnavailable when it is not there and cannot be fetched
 */
export function openApiDocument(): Promise<OpenApiDocument> {
  known ??= load();
  known.catch(() => (known = undefined));
  return known;
}

async function load(): Promise<OpenApiDocument> {
  const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  const path = join(modules, ".cache", "octobatch", `openapi-${version}`, "api.github.com.json");
  const text = await readFile(path, "utf8").catch(() => fetchInto(path));
  // The official document, whose integrity was checked before it was kept.
  return JSON.parse(text) as OpenApiDocument;
}

async function fetchInto(path: string): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), "octobatch-openapi-"));
  try {
    await run("npm", ["pack", `@octokit/openapi@${version}`, "--pack-destination", scratch, "--silent"], {
      cwd: scratch,
    });
    const tarball = join(scratch, `octokit-openapi-${version}.tgz`);
    const found = `sha512-${createHash("sha512")
      .update(await readFile(tarball))
      .digest("base64")}`;
    if (found !== integrity) throw new Error(`the tarball's integrity is ${found}, expected ${integrity}`);
    await run("tar", ["-xzf", tarball, "-C", scratch, member]);
    const folder = join(path, "..");
    await mkdir(folder, { recursive: true });
    // Moved within one file system, so that another process sees all of the file or none.
    const draft = await mkdtemp(join(folder, "draft-"));
    const content = await readFile(join(scratch, member), "utf8");
    await run("cp", [join(scratch, member), join(draft, "document.json")]);
    await rename(join(draft, "document.json"), path);
    await rm(draft, { recursive: true, force: true });
    return content;
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new OpenApiUnavailable(
      `GitHub's OpenAPI description (@octokit/openapi ${version}) could not be fetched: ${because}. ` +
        "Connect to the npm registry once; it is kept in node_modules/.cache after that.",
      { cause: error },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export class OpenApiUnavailable extends Error {
  override readonly name = "OpenApiUnavailable";
}

/**
 * Why tests that need the description cannot run here, or undefined when they can.
 * @throws OpenApiUnavailable when CI=true, where a missing description is a failure, not a reason to skip
 */
export async function openApiMissing(): Promise<string | undefined> {
  try {
    await openApiDocument();
    return undefined;
  } catch (error) {
    if (process.env["CI"] === "true" || !(error instanceof OpenApiUnavailable)) throw error;
    return error.message;
  }
}
