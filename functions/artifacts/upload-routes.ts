import type { Hono } from "hono";
import { executionReported } from "#eventing/execution.ts";
import { artifactKindOf, artifactLimits } from "#shared/artifacts/artifact-name.ts";
import { judgeResult } from "#shared/artifacts/judge-result.ts";
import { artifactPrefix } from "#shared/execution/execution.ts";
import { readBytes } from "#shared/runtime/read-body.ts";
import { taskFor } from "#shared/task/task.ts";
import { admit, jobPath } from "./admit.ts";
import { announcedBody, announcedSha256, type AnnouncedBody } from "./announced-body.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobContext, JobEnv } from "./capabilities.ts";
import { inTurn } from "./in-turn.ts";
import { keepOnce } from "./keep-once.ts";

/**
 * Takes what a Job hands in: logs, patch and changes, and the result last, which ends the attempt.
 *
 * Safe to repeat: an artifact is written once, the same bytes again are a success, and a result that was stored before a
 * crash is reported by its repetition, or by the recheck of `execute-transform`.
 */
export function uploadRoutes(app: Hono<JobEnv>, desk: Desk): void {
  const { blobs, tasks, sandboxLimits, uploads, clock } = desk;

  app.put(`${jobPath}/artifacts/:name{.+}`, admit(desk, "upload"), async (context) => {
    const name = context.req.param("name");
    const kind = artifactKindOf(name);
    if (kind === undefined) throw new Denied("not-found", `No artifact is called ${JSON.stringify(name)}.`);
    const sha256 = announcedSha256(context);
    const body = announcedBody(context, desk, artifactLimits(sandboxLimits)[kind]);
    const prefix = artifactPrefix(context.get("execution"));
    return inTurn(uploads, async () => {
      const kept = await blobs.list(`${prefix}/`);
      if (kind === "result") return takeResult(context, body, sha256, kept);
      if (kept.includes(`${prefix}/result.json`)) {
        throw new Denied("conflict", "The result of this attempt is in: nothing more is taken.");
      }
      return keepOnce(context, desk, { key: `${prefix}/${name}`, body, sha256 });
    });
  });

  async function takeResult(
    context: JobContext,
    body: AnnouncedBody,
    sha256: string,
    kept: readonly string[],
  ): Promise<Response> {
    const execution = context.get("execution");
    const bytes = (await readBytes(body.bytes, body.sizeBytes)) ?? new Uint8Array();
    const judgement = judgeResult(bytes, execution, kept);
    if (judgement.kind === "refuse") throw new Denied("mismatch", `The result is refused: ${judgement.because}.`);
    const key = `${artifactPrefix(execution)}/result.json`;
    const answer = await keepOnce(context, desk, { key, body: { ...body, bytes: once(bytes) }, sha256 });
    const { id: executionId, attempt, campaign, repository } = execution;
    const at = clock.now();
    const where = { campaign, organization: repository.owner, notBefore: at, dedupe: [attempt] };
    await tasks.addAll([taskFor(executionReported, { executionId, attempt }, where)], at);
    context.get("log").info({ outcome: judgement.result.outcome.status }, "a Job has reported");
    return answer;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
