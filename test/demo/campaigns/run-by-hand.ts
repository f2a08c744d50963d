import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { parse } from "yaml";
import { z } from "zod";
import type { SeededRepository } from "#test/github/seed/seed-repositories.ts";

const run = promisify(execFile);

const stepSchema = z.object({
  name: z.string(),
  run: z.string(),
  timeout: z.string().regex(/^\d+s$/),
  if: z.string().optional(),
  env: z.record(z.string(), z.union([z.string(), z.object({ secret: z.string() })])).default({}),
  files: z.record(z.string(), z.string()).default({}),
});

const specSchema = z.object({ name: z.string(), steps: z.array(stepSchema) });

export interface ByHand {
  readonly status: "patch" | "no-change" | "failed";
  readonly patch: string;
  readonly output: string;
  /** The step that failed, or was stopped at its timeout. */
  readonly failedStep?: string;
}

/**
 * Runs the steps of a campaign in a checkout of a repository with sh alone: no sandbox and none of the product's code,
 * so that a test of the campaigns does not depend on either. It knows `repository.name` and `matches`, and no more.
 *
 * `scratch` gets the checkout and the steps' files, and should be removed by the caller.
 */
export async function runByHand(
  specFile: string,
  repository: Pick<SeededRepository, "owner" | "name" | "bareDirectory">,
  options: { readonly scratch: string; readonly nodeModules: string },
): Promise<ByHand> {
  const spec = specSchema.parse(parse(await readFile(specFile, "utf8")));
  const fullName = `${repository.owner}/${repository.name}`;
  const place = join(options.scratch, `${basename(specFile, ".yaml")}-${repository.name}`);
  const workspace = join(place, "workspace");
  const temporary = join(place, "tmp");
  await rm(place, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await run("git", ["clone", "--quiet", repository.bareDirectory, workspace]);

  const fill = (template: string) => template.replaceAll("${{ repository.name }}", fullName);
  const move = (script: string) =>
    script.replaceAll("/octobatch/", `${place}/octobatch/`).replaceAll("/tmp/", `${temporary}/`);
  let output = "";
  for (const step of spec.steps) {
    if (step.if !== undefined && !step.if.includes(`"${fullName}"`)) continue;
    for (const [path, content] of Object.entries(step.files)) {
      await mkdir(dirname(move(path)), { recursive: true });
      await writeFile(move(path), content);
    }
    const values = Object.entries(step.env).map(([key, value]) => [
      key,
      typeof value === "string" ? fill(value) : `the value of ${value.secret}`,
    ]);
    const { PATH } = process.env;
    const child = spawn("sh", ["-c", move(step.run)], {
      cwd: workspace,
      env: {
        PATH: [join(options.nodeModules, ".bin"), PATH].join(delimiter),
        HOME: temporary,
        ...Object.fromEntries(values),
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const stop = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), parseInt(step.timeout, 10) * 1000);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    clearTimeout(stop);
    output += stdout + stderr;
    if (code !== 0) return { status: "failed", patch: "", output, failedStep: step.name };
  }
  await run("git", ["-C", workspace, "add", "--all", "--force"]);
  const { stdout: patch } = await run("git", ["-C", workspace, "diff", "--cached", "--binary"], { maxBuffer: 2 ** 26 });
  return { status: patch === "" ? "no-change" : "patch", patch, output };
}
