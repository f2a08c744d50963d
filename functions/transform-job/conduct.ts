import { runInPod } from "#shared/runtime/run-in-pod.ts";

// The container beside the steps of a transform's pod: lets them run in turn, and hands in what came out.
await runInPod("conduct");
