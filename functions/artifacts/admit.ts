import type { MiddlewareHandler } from "hono";
import { admitJob, matchGrant, type Admission } from "#shared/artifacts/admit-job.ts";
import { readJobToken, type JobDirection } from "#shared/artifacts/job-token.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobEnv } from "./capabilities.ts";

/** Where the addresses of a Job begin. */
export const jobPath = "/jobs/:execution{[A-Za-z0-9-]{1,64}}/:attempt{[1-9][0-9]{0,8}}";

/**
 * Lets in who has a token for this very execution, attempt and direction, as long as the execution waits for it. What
 * the token says is believed; whether it is still wanted, the row of the execution says.
 */
export function admit(
  { executions, jobTokenKeys, clock, log }: Desk,
  direction: JobDirection,
): MiddlewareHandler<JobEnv> {
  return async (context, next) => {
    context.header("cache-control", "no-store");
    const errand = {
      executionId: context.req.param("execution") ?? "",
      attempt: Number(context.req.param("attempt")),
      direction,
    };
    const [, token = ""] = /^Bearer (\S+)$/i.exec(context.req.header("authorization") ?? "") ?? [];
    const reading = readJobToken(jobTokenKeys, token, clock.now());
    if (reading.kind === "refuse") throw new Denied("unauthorized", `This needs a Job's token: ${reading.because}.`);
    enter(matchGrant(reading.grant, errand));
    const execution = (await executions.find([errand.executionId])).get(errand.executionId);
    enter(admitJob(execution, errand));
    if (execution === undefined) throw new TypeError("what is admitted exists");
    const { campaign, specVersion, repository } = execution;
    context.set("execution", execution);
    context.set(
      "log",
      log.child({ ...errand, campaign, specVersion, repository: `${repository.owner}/${repository.name}` }),
    );
    await next();
  };
}

function enter(admission: Admission): void {
  if (admission.kind === "forbid") throw new Denied("forbidden", `This is for another Job: ${admission.because}.`);
  if (admission.kind === "gone") throw new Denied("gone", `Nobody waits for this any more: ${admission.because}.`);
}
