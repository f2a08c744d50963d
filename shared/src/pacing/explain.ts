import type { Appointment, PacedRequest, PacingAnswer, PacedTurn } from "../ports/pacing.ts";
import type { PacingLimits } from "./limits.ts";
import type { Decision } from "./take-turn.ts";

const budgets: Record<PacedRequest["resource"], string> = {
  core: "REST",
  graphql: "GraphQL",
  search: "search",
  code_search: "code search",
};

/** Words for people, on the row of the repository that waits. */
export function answerOf(
  decision: Decision,
  turn: PacedTurn,
  request: PacedRequest,
  limits: PacingLimits,
): PacingAnswer {
  if (decision.kind === "go") return { kind: "go", turn };
  return { kind: "wait", until: new Date(decision.until), because: because(decision.gate, request, limits) };
}

/** Words for people on an appointment. */
export function appointmentOf(decision: Decision, limits: PacingLimits): Appointment {
  if (decision.kind === "go") return { kind: "go" };
  const request = { resource: "core", urgency: "publish" } as const;
  return { kind: "wait", until: new Date(decision.until), because: because(decision.gate, request, limits) };
}

function because(
  gate: string,
  { resource, urgency }: Pick<PacedRequest, "resource" | "urgency">,
  limits: PacingLimits,
): string {
  if (gate === "cooldown") return "GitHub asked this installation to slow down";
  if (gate === "answer") return `GitHub's next answer tells what remains of the ${budgets[resource]} budget`;
  if (gate === "budget") {
    return urgency === "interactive"
      ? `the ${budgets[resource]} budget of this installation is used up until GitHub resets it`
      : `the rest of the ${budgets[resource]} budget of this installation is kept for more urgent requests until GitHub resets it`;
  }
  if (gate === "turn") return "others who waited come first";
  if (gate.endsWith("at once")) return `as many ${gate} as this installation may make are under way`;
  const window = limits.windows.find(({ name }) => name === gate);
  const kept =
    window?.counts === "points" && urgency === "sweep" ? ", the last of them kept for what is more urgent" : "";
  return `GitHub allows ${window?.limit ?? "no more"} ${gate}${kept}`;
}
