import { expect, test } from "vitest";
import { podSettings } from "./pod-settings.ts";
import { sandboxSettings } from "./sandbox-settings.ts";

test("nothing has to be said", () => {
  expect(podSettings.parse(undefined)).toEqual({
    cpuRequest: "250m",
    cpuLimit: "2",
    memoryRequest: "512Mi",
    workspaceMedium: "disk",
  });
});

test("what is said is kept", () => {
  const said = {
    nodeSelector: { pool: "transforms" },
    tolerations: [{ key: "transforms", operator: "Exists", effect: "NoSchedule" }],
    runtimeClassName: "gvisor",
    imagePullSecrets: ["registry"],
    hostUsers: false,
    runAsUser: 1_000_650_000,
    cpuLimit: "4",
    workspaceMedium: "memory",
  };
  expect(podSettings.parse(JSON.stringify(said))).toMatchObject(said);
});

test.each([
  ['{"nodeSelectors":{}}', /nodeSelectors/],
  ['{"cpuLimit":"lots"}', /cpuLimit: expected a quantity/],
  ['{"tolerations":[{"effect":"Never"}]}', /tolerations\.0\.effect/],
  ["pool=transforms", /it: /],
])("%s is refused by the name of what is wrong", (text, words) => {
  const parsed = podSettings.safeParse(text);
  expect(parsed.success ? "" : parsed.error.issues.map(({ message }) => message).join("; ")).toMatch(words);
});

test("each sandbox asks for its own settings alone", () => {
  const here = sandboxSettings({});
  const cluster = sandboxSettings({ OCTOBATCH_SANDBOX: "kubernetes" });
  expect(here).toContain("OCTOBATCH_WORK_DIRECTORY");
  expect(cluster).toContain("OCTOBATCH_JOBS_IMAGE");
  expect(here.filter((name) => cluster.includes(name))).toEqual(["OCTOBATCH_SANDBOX", "OCTOBATCH_STEP_CACHE"]);
  // Values of steps' secrets never pass through whoever starts Jobs.
  expect(cluster).not.toContain("OCTOBATCH_SECRETS");
});
